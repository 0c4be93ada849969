import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parse as parseYaml, stringify as stringifyYaml } from "yaml";
import { z } from "zod";
import {
  ContractError,
  configNamespace,
  driveKey,
  driverVariable,
  parse,
  type Drive,
} from "../../infra/contract.ts";

const stackSettings = z.looseObject({ config: z.record(z.string(), z.unknown()).default({}) });

/** What a stack's own file says. */
export type StackSettings = z.output<typeof stackSettings>;

/** Reads `Pulumi.<stack>.yaml`. A stack may have no file: then it has no configuration. */
export async function readSettings(
  projectDirectory: string,
  stackName: string,
): Promise<StackSettings> {
  const path = join(projectDirectory, `Pulumi.${stackName}.yaml`);
  const text = await readFile(path, "utf8").catch(() => "");
  return parse(stackSettings, parsedYaml(text, path) ?? {}, path);
}

function parsedYaml(text: string, path: string): unknown {
  try {
    return parseYaml(text);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new ContractError(`${path} is not YAML: ${why}`);
  }
}

/**
 * Runs `work` with a configuration file that says what the stack's settings say, plus the drive. So the
 * checkout is not touched, no CLI call is spent on setting the key, and the stack's history shows it.
 */
export async function withDriveConfig<T>(
  settings: StackSettings,
  drive: Drive,
  work: (configFile: string) => Promise<T>,
): Promise<T> {
  const config = { ...settings.config, [`${configNamespace}:${driveKey}`]: JSON.stringify(drive) };
  const folder = await mkdtemp(join(tmpdir(), "upramp-"));
  const file = join(folder, "Pulumi.drive.yaml");
  // read by an inline program in this process, and inherited by one that the CLI starts
  process.env[driverVariable] = "1";
  try {
    await writeFile(file, stringifyYaml({ ...settings, config }), { mode: 0o600 });
    return await work(file);
  } finally {
    delete process.env[driverVariable];
    await rm(folder, { recursive: true, force: true });
  }
}
