import { chmod, cp, lstat, mkdir, readdir, rename, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { Host } from "../host.ts";
import type { FileToKeep, ToolRow } from "../tool-row.ts";

/** What a way works with while it fills a staging folder. */
export interface WayContext {
  readonly name: string;
  readonly row: ToolRow;
  readonly host: Host;
  /** Empty folder to fill as the tool's folder of the cache. */
  readonly staging: string;
  /** Hosts that did not answer since this program started getting tools; not tried again. */
  readonly unreachable: Map<string, string>;
  readonly signal?: AbortSignal | undefined;
  /** Says what is being done now and, where that changes often, how far it is. */
  readonly step: (text: string, amount?: string) => void;
}

/** How a way that worked is remembered. */
export interface WayResult {
  readonly source: "official" | "registry";
  /** Where exactly the tool came from, for people. */
  readonly origin: string;
}

/** This way cannot be gone here and now (no network, no Go …); the next one may. */
export class WayUnavailable extends Error {
  override readonly name = "WayUnavailable";
}

/** Moves the wanted files from where a way put them to where the cache wants them. */
export async function keepFiles(
  from: string,
  staging: string,
  files: readonly FileToKeep[],
): Promise<void> {
  for (const file of files) {
    const target = join(staging, file.to);
    await mkdir(dirname(target), { recursive: true });
    await rename(join(from, file.from), target);
    if (file.executable === true) await chmod(target, 0o755);
  }
  await rm(from, { recursive: true, force: true });
}

/** Copies the wanted files out of a folder that is not ours and may be read-only. */
export async function copyFiles(
  from: string,
  staging: string,
  files: readonly FileToKeep[],
): Promise<void> {
  for (const file of files) {
    const target = join(staging, file.to);
    await mkdir(dirname(target), { recursive: true });
    // Go's module cache is read-only, folders too; the copy must be removable by a plain rm -r.
    await cp(join(from, file.from), target, { recursive: true });
    await makeWritable(target);
    if (file.executable === true) await chmod(target, 0o755);
  }
}

async function makeWritable(path: string): Promise<void> {
  const status = await lstat(path);
  await chmod(path, status.mode | 0o200);
  if (!status.isDirectory()) return;
  for (const name of await readdir(path)) await makeWritable(join(path, name));
}
