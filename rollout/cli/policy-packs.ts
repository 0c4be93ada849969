import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { z } from "zod";
import { parse } from "../../infra/contract.ts";
import { UserError } from "../errors.ts";
import type { Project } from "./project.ts";

/** Policy packs as the command line names them. */
export interface PolicyPackOptions {
  readonly policyPack?: readonly string[] | undefined;
  readonly policyPackConfig?: readonly string[] | undefined;
}

/** What steps forward must satisfy. */
export interface PolicyPacks {
  /** Folders, or executables, of the packs. */
  readonly folders: readonly string[];
  /** Files with their configuration: none at all, or one for each pack. */
  readonly configs: readonly string[];
}

/** Beside the Pulumi.yaml: configures the pack that lies in the project's folder `policies`. */
const projectConfig = "policy-config.json";

/** In a pack's folder: says how it is configured, as JSON schema of the whole file. */
const schemaFile = "config.schema.json";

/**
 * The packs that a command uses: those that it names, else the project's own. Throws a UserError for one that is not
 * there, which must not look like a violated policy later.
 */
export function findPolicyPacks(options: PolicyPackOptions, project: Project): PolicyPacks {
  const given = options.policyPack?.map((path) => resolve(path));
  const folders = [...new Set(given ?? project.policyPacks)];
  const beside = join(project.directory, projectConfig);
  const ownConfig = given === undefined && folders.length > 0 && existsSync(beside) ? [beside] : [];
  const configs = options.policyPackConfig?.map((path) => resolve(path)) ?? ownConfig;
  refuseMissing(folders, "policy pack", "--policy-pack");
  refuseMissing(configs, "configuration of a policy pack", "--policy-pack-config");
  if (configs.length > 0 && configs.length !== folders.length) {
    throw new UserError(
      `--policy-pack-config is given ${configs.length} times for ${folders.length} policy packs: ` +
        "give one for each --policy-pack, in the same order",
    );
  }
  return { folders, configs };
}

function refuseMissing(paths: readonly string[], what: string, option: string): void {
  const missing = paths.find((path) => !existsSync(path));
  if (missing !== undefined) throw new UserError(`no ${what} at ${missing}: correct ${option}`);
}

/**
 * Reads the configuration of every pack as the engine will, and more strictly: it lets pass what it does not know. Throws
 * a ContractError that names file, rule and key.
 */
export async function refuseWrongConfigs({ folders, configs }: PolicyPacks): Promise<void> {
  for (const [index, file] of configs.entries()) {
    const config = parse(z.record(z.string(), z.unknown()), await readJson(file), file);
    const schema = join(folders[index] ?? "", schemaFile);
    if (existsSync(schema)) refuseWrongConfig(config, await readJson(schema), file);
  }
}

async function readJson(file: string): Promise<unknown> {
  const text = await readFile(file, "utf8");
  try {
    return JSON.parse(text) as unknown;
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new UserError(`${file} is not JSON: ${why}`);
  }
}

const fileSchema = z.object({ properties: z.record(z.string(), z.unknown()) });

function refuseWrongConfig(
  config: Readonly<Record<string, unknown>>,
  schema: unknown,
  file: string,
): void {
  const { properties } = parse(fileSchema, schema, schemaFile);
  const known = Object.keys(properties);
  const unknown = Object.keys(config).filter((rule) => !known.includes(rule));
  if (unknown.length > 0) {
    throw new UserError(
      `${file}: no rule is called ${unknown.map((rule) => `"${rule}"`).join(", ")}; known are ${known.join(", ")}`,
    );
  }
  for (const [rule, value] of Object.entries(config)) {
    parse(ruleSchema(properties[rule], value), value, `${file}: ${rule}`);
  }
}

/** A rule is set by its level alone or by an object; a union of both could not say what is wrong. */
function ruleSchema(schema: unknown, value: unknown): z.ZodType {
  const { anyOf } = z.object({ anyOf: z.array(z.unknown()) }).safeParse(schema).data ?? {};
  const wanted = typeof value === "string" ? "string" : "object";
  const choice = anyOf?.find((each) => Reflect.get(Object(each) as object, "type") === wanted);
  // checked by what reads it: a schema that is none throws
  return z.fromJSONSchema((choice ?? schema) as Parameters<typeof z.fromJSONSchema>[0]);
}
