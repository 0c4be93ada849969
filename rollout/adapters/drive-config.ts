import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parse as parseYaml, stringify as stringifyYaml } from "yaml";
import { z } from "zod";
import {
  configNamespace,
  driveKey,
  driverVariable,
  parse,
  type Drive,
} from "../../infra/contract.ts";

const stackSettings = z.looseObject({ config: z.record(z.string(), z.unknown()).default({}) });

/**
 * Runs `work` with a configuration file that says what the stack's own file says, plus the drive. So the
 * checkout is not touched, no CLI call is spent on setting the key, and the stack's history shows it.
 */
export async function withDriveConfig<T>(
  projectDirectory: string,
  stackName: string,
  drive: Drive,
  work: (configFile: string) => Promise<T>,
): Promise<T> {
  const name = `Pulumi.${stackName}.yaml`;
  const settings = await readSettings(join(projectDirectory, name));
  const config = { ...settings.config, [`${configNamespace}:${driveKey}`]: JSON.stringify(drive) };
  const folder = await mkdtemp(join(tmpdir(), "upramp-"));
  const file = join(folder, name);
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

/** A stack may have no file of its own: then it has no configuration. */
async function readSettings(path: string): Promise<z.output<typeof stackSettings>> {
  const text = await readFile(path, "utf8").catch(() => "");
  const settings: unknown = parseYaml(text);
  return parse(stackSettings, settings ?? {}, path);
}
