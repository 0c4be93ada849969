import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { parse as parseYaml } from "yaml";
import { z } from "zod";
import { parse } from "../../infra/contract.ts";
import { UserError } from "../errors.ts";

/** Folder of this package: its Pulumi project, policies and examples. */
export const packageDirectory = resolve(fileURLToPath(new URL("../..", import.meta.url)));

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

const ownProgram = join(packageDirectory, "infra", "index.ts");

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
    own: resolve(directory, main) === ownProgram,
    policyPacks: existsSync(join(policies, "PulumiPolicy.yaml")) ? [policies] : [],
  };
}
