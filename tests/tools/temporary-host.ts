import { chmod, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { type Host, platformOf } from "../../tools/host.ts";
import type { ToolRow, Way } from "../../tools/tool-row.ts";

/** A machine of its own: empty cache, and a PATH whose first folder the test fills. */
export interface TemporaryHost extends Host {
  /** Everything of this host is under it. */
  readonly folder: string;
  /** The first folder of PATH. */
  readonly binFolder: string;
  remove(): Promise<void>;
}

/**
 * Makes a host. `systemPath` is what follows the test's own folder on PATH: the machine's programs
 * that the ways need, or nothing for a machine without any.
 */
export async function temporaryHost(
  systemPath: string = process.env["PATH"] ?? "",
): Promise<TemporaryHost> {
  const folder = await mkdtemp(join(tmpdir(), "upramp-tools-"));
  const binFolder = join(folder, "bin");
  await mkdir(binFolder);
  const path = [binFolder, systemPath].filter((part) => part !== "").join(delimiter);
  return {
    folder,
    binFolder,
    platform: platformOf(process.platform, process.arch),
    env: { ...process.env, PATH: path },
    cacheFolder: join(folder, "cache"),
    remove: async () => await rm(folder, { recursive: true, force: true }),
  };
}

/** A program that prints this text, whatever it is asked. */
export function scriptPrinting(text: string): string {
  return `#!/bin/sh\necho '${text}'\n`;
}

/** Puts an executable into a folder and returns its path. */
export async function writeProgram(folder: string, name: string, script: string): Promise<string> {
  await mkdir(folder, { recursive: true });
  const path = join(folder, name);
  await writeFile(path, script);
  await chmod(path, 0o755);
  return path;
}

/** A row for a tool `widget`, which any version 2 is good enough for. */
export function widgetRow(ways: readonly Way[]): ToolRow {
  return {
    purpose: "makes widgets",
    groups: ["demo"],
    pinned: "2.1.0",
    accepts: { atLeast: "2.0.0", below: "3.0.0" },
    command: "widget",
    path: "bin/widget",
    versionArgs: ["--version"],
    ways,
    install: "https://widgets.example",
  };
}
