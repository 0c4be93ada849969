import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import { type NamedType, declarationsOf, packageFolder } from "./declarations.ts";
import { ObjectShape, outputsShape, shapeOfNamed } from "./shape.ts";

/** The packages that have a stand-in. */
export const packageNames = ["aws", "eks", "kubernetes", "pulumiservice"] as const;
export type PackageName = (typeof packageNames)[number];

/** What a package declares about one type of resource, or about one function. */
export interface TokenTypes {
  /** What it takes. */
  readonly args: ObjectShape;
  /** What comes back; without properties when the package does not say. */
  readonly outputs: ObjectShape;
}

/** All that is known of the outputs of objects of any kind. */
const statusAlone = new ObjectShape("", () => ({
  fields: new Map([["status", { isOptional: true, shape: { kind: "any" } }]]),
  others: undefined,
}));
const nothing = new ObjectShape("", () => ({ fields: new Map(), others: undefined }));

/** The installed version of a package. */
export function packageVersion(name: PackageName): string {
  const text = readFileSync(join(folderOf(name), "package.json"), "utf8");
  return z.object({ version: z.string() }).parse(JSON.parse(text)).version;
}

/** What the package's provider takes as its configuration. */
export function providerArgs(name: PackageName): ObjectShape {
  const found = declarationsOf(join(folderOf(name), "provider.d.ts")).type(["ProviderArgs"]);
  return objectOf(found, "ProviderArgs");
}

/**
 * The types of a resource, by a token such as `aws:ec2/vpc:Vpc`.
 *
 * @throws Error when the package has no such resource
 */
export function resourceTypes(name: PackageName, token: string): TokenTypes {
  const { folder, last } = placeOf(name, token);
  if (folder === undefined) return customResource();
  const scope = declarationsOf(fileOf(folder, last, token));
  const resource = scope.type([last]);
  const outputs = resource === undefined ? undefined : outputsShape(resource);
  if (outputs === undefined) throw new Error(`${token} is no resource of @pulumi/${name}`);
  return { args: objectOf(scope.type([`${last}Args`]), token), outputs };
}

/**
 * The types of a function, by a token such as `aws:index/getRegion:getRegion`.
 *
 * @throws Error when the package has no such function
 */
export function functionTypes(name: PackageName, token: string): TokenTypes {
  const { folder, last } = placeOf(name, token);
  if (folder === undefined) throw new Error(`@pulumi/${name} has no function ${token}`);
  const scope = declarationsOf(fileOf(folder, last, token));
  const base = last.slice(0, 1).toUpperCase() + last.slice(1);
  const args = scope.type([`${base}Args`]);
  return {
    args: args === undefined ? nothing : objectOf(args, token),
    outputs: objectOf(scope.type([`${base}Result`]), token),
  };
}

/** The folder that declares a token; undefined for a Kubernetes object of a group that is not built in. */
function placeOf(
  name: PackageName,
  token: string,
): { readonly folder: string | undefined; readonly last: string } {
  const [owner, module = "", last = "", ...more] = token.split(":");
  if (owner !== name || module === "" || last === "" || more.length > 0) {
    throw new Error(`${token} is not a token of @pulumi/${name}`);
  }
  if (name === "kubernetes") return { folder: kubernetesFolder(module), last };
  // `ec2/vpc` is the folder ec2 and its file vpc; `index/getRegion` and `index` are the package's own folder
  const parts = module.split("/");
  const folders = module.endsWith(`/${lowerFirst(last)}`) ? parts.slice(0, -1) : parts;
  return { folder: join(folderOf(name), ...folders.filter((part) => part !== "index")), last };
}

function kubernetesFolder(module: string): string | undefined {
  const [group = "", version = ""] = module.split("/");
  const [label = ""] = group.split(".");
  const isBuiltIn = group === label || group.endsWith(".k8s.io") || group === "helm.sh";
  const folder = join(folderOf("kubernetes"), label);
  return isBuiltIn && existsSync(folder) ? join(folder, version) : undefined;
}

/** `csidriver.d.ts` for CSIDriver: the packages spell file names in ways of their own. */
function fileOf(folder: string, name: string, token: string): string {
  const wanted = `${name}.d.ts`.toLowerCase();
  const entries = existsSync(folder) ? readdirSync(folder) : [];
  const found = entries.find((entry) => entry.toLowerCase() === wanted);
  if (found === undefined) throw new Error(`the installed package declares no ${token}`);
  return join(folder, found);
}

function customResource(): TokenTypes {
  const scope = declarationsOf(
    join(folderOf("kubernetes"), "apiextensions", "customResource.d.ts"),
  );
  const args = objectOf(scope.type(["CustomResourceArgs"]), "CustomResource");
  return { args, outputs: statusAlone };
}

function objectOf(found: NamedType | undefined, what: string): ObjectShape {
  const shape = found === undefined ? undefined : shapeOfNamed(found);
  if (shape?.kind === "object") return shape;
  throw new Error(`the declarations of ${what} cannot be read`);
}

function folderOf(name: PackageName): string {
  return packageFolder(`@pulumi/${name}`);
}

function lowerFirst(text: string): string {
  return text.slice(0, 1).toLowerCase() + text.slice(1);
}
