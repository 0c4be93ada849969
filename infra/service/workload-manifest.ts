import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { parseAllDocuments, type ScalarTag } from "yaml";
import { z } from "zod";
import { ContractError, parse } from "../contract.ts";
import { podTemplateSchema } from "../kubernetes-contract.ts";
import type { PodTemplate } from "../kubernetes-contract.ts";

const manifestSchema = z.discriminatedUnion("kind", [
  z.looseObject({
    kind: z.enum(["Deployment", "DaemonSet"]),
    spec: z.looseObject({ template: podTemplateSchema }),
  }),
  z.looseObject({ kind: z.literal("PodTemplate"), template: podTemplateSchema }),
]);

/**
 * The pod template in a file of one or more YAML documents, `List`s among them: that of the only Deployment, DaemonSet
 * or PodTemplate there. Everything else of the file, such as replicas, is left to upramp. Throws
 * ContractError with `place`.
 */
export function templateOfFile(file: string, place: string, directory: string): PodTemplate {
  const where = `${place} = ${file}`;
  const objects = objectsOf(textOf(resolve(directory, file), where), where);
  const found = objects.filter(({ kind }) => manifestKinds.has(kind));
  const [only, ...more] = found;
  if (only === undefined) {
    const others = [...new Set(objects.map(({ kind }) => kind))].join(", ");
    throw new ContractError(
      `${where}: has no Deployment, DaemonSet or PodTemplate (${others === "" ? "it is empty" : `only ${others}`}); name a file that has one`,
    );
  }
  if (more.length > 0) {
    const names = found.map(
      ({ kind, metadata }) => `${kind} ${metadata?.name ?? "without a name"}`,
    );
    throw new ContractError(
      `${where}: has ${names.join(", ")}; put the one to roll out into a file of its own`,
    );
  }
  const manifest = parse(manifestSchema, only, where);
  return manifest.kind === "PodTemplate" ? manifest.template : manifest.spec.template;
}

const manifestKinds: ReadonlySet<string> = new Set(["Deployment", "DaemonSet", "PodTemplate"]);

function textOf(path: string, where: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new ContractError(`${where}: the file cannot be read (${why}); correct its name`);
  }
}

const objectSchema = z.looseObject(
  { kind: z.string(), metadata: z.looseObject({ name: z.string().optional() }).nullish() },
  "is no Kubernetes object",
);
type KubernetesObject = z.infer<typeof objectSchema>;

const listSchema = z.looseObject({ items: z.array(objectSchema) });

/** kubectl reads YAML 1.1 here: `defaultMode: 0644` is octal. */
const octal: ScalarTag = {
  tag: "tag:yaml.org,2002:int",
  default: true,
  format: "OCT",
  test: /^0[0-7]+$/,
  resolve: (text) => Number.parseInt(text, 8),
};

function objectsOf(text: string, where: string): readonly KubernetesObject[] {
  const documents = parseAllDocuments(text, {
    merge: true,
    customTags: (tags) => [octal, ...tags],
  });
  // an empty file gives none, in a form of its own
  const list = Array.isArray(documents) ? documents : [];
  return list.flatMap((document) => {
    const [error] = document.errors;
    if (error !== undefined) throw new ContractError(`${where}: is not YAML: ${error.message}`);
    // `toJS` returns any; what it holds is checked by the schema
    const value = document.toJS() as unknown;
    if (value === null) return [];
    const object = parse(objectSchema, value, where);
    return object.kind === "List" ? parse(listSchema, object, where).items : [object];
  });
}
