import { existsSync, realpathSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { extname, join, resolve } from "node:path";
import { parse as parseYaml } from "yaml";
import { z } from "zod";
import { parse } from "../../infra/contract.ts";
import { UserError } from "../errors.ts";

/** Folder of the program, the policies and the examples: the checkout, or `dist` of an installed package. */
export const packageDirectory = resolve(import.meta.dirname, "../..");

/**
 * The file of a module that another process runs, given without its ending, such as `infra/index`. It is TypeScript in
 * a checkout and JavaScript in an installed package, as this one is.
 */
export function moduleFile(module: string): string {
  return join(packageDirectory, module + extname(import.meta.filename));
}

/** Whether two paths lead to the same file or folder; a package manager may have put links in between. */
export function isSamePlace(a: string, b: string): boolean {
  const [realA, realB] = [a, b].map((path) => (existsSync(path) ? realpathSync(path) : path));
  return realA === realB;
}

/** A Pulumi project that a command works on. */
export interface Project {
  readonly directory: string;
  readonly name: string;
  /** True when the program is this package's own, which runs inside the driver's process. */
  readonly own: boolean;
  /** Policy packs that lie in the project's folder `policies`. */
  readonly policyPacks: readonly string[];
}

const projectFile = z.looseObject({ name: z.string().min(1), main: z.string().optional() });

const ownProgram = moduleFile("infra/index");

/** Reads the Pulumi.yaml of a folder. Throws a UserError when there is none. */
export async function readProject(directory: string): Promise<Project> {
  const path = join(directory, "Pulumi.yaml");
  const text = await readFile(path, "utf8").catch((error: unknown) => {
    throw new UserError(
      `no Pulumi.yaml in ${directory}: run in a Pulumi project's folder or name it with --cwd`,
      { cause: error },
    );
  });
  const content: unknown = parseYaml(text);
  const { name, main = "" } = parse(projectFile, content, path);
  const policies = join(directory, "policies");
  return {
    directory,
    name,
    own: isSamePlace(resolve(directory, main), ownProgram),
    policyPacks: existsSync(join(policies, "PulumiPolicy.yaml")) ? [policies] : [],
  };
}
