import { access, constants, realpath, stat } from "node:fs/promises";
import { delimiter, isAbsolute, join } from "node:path";
import { findCacheEntry } from "./cache-entry.ts";
import { type Host, thisHost, toolsFolderOf } from "./host.ts";
import { type ToolName, toolRow } from "./table.ts";
import { runCommand } from "./run-command.ts";
import type { ToolRow } from "./tool-row.ts";
import { formatRange, formatVersion, isWithin, parseVersion } from "./version.ts";

/** A tool that is there and good enough. */
export interface FoundTool {
  readonly name: string;
  /** Absolute path of the program; for data, of the folder that holds it. */
  readonly path: string;
  readonly version: string;
  /** `path`: installed by the user. `cache`: got earlier. The others: got just now, and from where. */
  readonly source: "path" | "cache" | "official" | "registry";
}

/** Something of the right name on PATH that upramp does not use, and why. */
export interface Unsuitable {
  readonly path: string;
  readonly why: string;
}

/** The outcome of looking for one tool. */
export interface LookUp {
  readonly found: FoundTool | undefined;
  readonly unsuitable: readonly Unsuitable[];
}

/** A program that only has to print its version; one that hangs is not used. */
const versionTimeoutMs = 10_000;

/** The tool on PATH if its version fits, else from the cache, else undefined. Never downloads. */
export async function findTool(
  name: ToolName,
  host: Host = thisHost(),
): Promise<FoundTool | undefined> {
  return (await lookUpTool(name, toolRow(name), host)).found;
}

/** As `findTool`, for any row, and with what was passed over. */
export async function lookUpTool(name: string, row: ToolRow, host: Host): Promise<LookUp> {
  const unsuitable: Unsuitable[] = [];
  for (const path of await candidatesOnPath(row, host)) {
    const version = await versionOf(path, row, host);
    if (version.ok) {
      const found: FoundTool = { name, path, version: version.version, source: "path" };
      return { found, unsuitable };
    }
    unsuitable.push({ path, why: version.why });
  }
  const entry = await findCacheEntry(host, name, row.accepts);
  if (entry === undefined) return { found: undefined, unsuitable };
  const found: FoundTool = {
    name,
    path: join(entry.folder, row.path),
    version: entry.manifest.version,
    source: "cache",
  };
  return { found, unsuitable };
}

/**
 * Every program of this name on PATH, in PATH's order; those of our own cache are left out. The
 * Node that runs this program comes first: it is new enough, whatever PATH has.
 */
async function candidatesOnPath(row: ToolRow, host: Host): Promise<readonly string[]> {
  if (row.command === undefined) return [];
  const candidates = row.command === "node" ? [process.execPath] : [];
  for (const folder of pathFolders(host)) {
    const path = join(folder, row.command);
    if (!candidates.includes(path) && (await isProgram(path))) candidates.push(path);
  }
  return candidates;
}

/** The folders of PATH that are the user's. */
export function pathFolders(host: Host): readonly string[] {
  const ours = toolsFolderOf(host);
  return (host.env["PATH"] ?? "")
    .split(delimiter)
    .filter((folder) => isAbsolute(folder) && !folder.startsWith(ours));
}

/** Whether the path is a file that this user may run. */
export async function isProgram(path: string): Promise<boolean> {
  try {
    await access(path, constants.X_OK);
    return (await stat(await realpath(path))).isFile();
  } catch {
    return false;
  }
}

/** A program's version, or why it cannot be used. */
export type VersionCheck =
  { readonly ok: true; readonly version: string } | { readonly ok: false; readonly why: string };

/** Asks a program for its version and compares it with the row's range. */
export async function versionOf(path: string, row: ToolRow, host: Host): Promise<VersionCheck> {
  let text: string;
  try {
    const result = await runCommand(path, row.versionArgs ?? ["--version"], {
      env: { ...host.env, PULUMI_SKIP_UPDATE_CHECK: "true" },
      timeoutMs: versionTimeoutMs,
    });
    if (result.code !== 0)
      return { ok: false, why: `printing its version ended with code ${result.code}` };
    text = `${result.stdout}\n${result.stderr}`;
  } catch (error) {
    return {
      ok: false,
      why: `it does not run: ${error instanceof Error ? error.message : String(error)}`,
    };
  }
  const version = parseVersion(text);
  if (version === undefined) return { ok: false, why: "it prints no version" };
  const formatted = formatVersion(version);
  if (isWithin(version, row.accepts)) return { ok: true, version: formatted };
  return { ok: false, why: `version ${formatted}, upramp needs ${formatRange(row.accepts)}` };
}
