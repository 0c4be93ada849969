import { mkdir, readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { randomBytes } from "node:crypto";
import { z } from "zod";
import { errorCode } from "./error-code.ts";
import { type Host, toolsFolderOf } from "./host.ts";
import { isProcessAlive } from "./process-alive.ts";
import { compareVersions, isWithin, parseVersion, type VersionRange } from "./version.ts";

const manifestName = "tool.json";

const manifestSchema = z.object({
  name: z.string(),
  version: z.string(),
  source: z.enum(["official", "registry"]),
  /** Where exactly it came from, for people. */
  origin: z.string(),
});

/** What the cache knows about a finished tool: its `tool.json`. */
export type Manifest = z.infer<typeof manifestSchema>;

/** A finished tool in the cache. */
export interface CacheEntry {
  readonly folder: string;
  readonly manifest: Manifest;
}

/** The newest finished version of the tool in the range, or undefined. */
export async function findCacheEntry(
  host: Host,
  name: string,
  accepts: VersionRange,
): Promise<CacheEntry | undefined> {
  const entries: CacheEntry[] = [];
  for (const folderName of await namesIn(toolsFolderOf(host))) {
    if (!folderName.startsWith(`${name}-`) || !folderName.endsWith(`-${host.platform}`)) continue;
    const folder = join(toolsFolderOf(host), folderName);
    const manifest = await readManifest(folder);
    if (manifest === undefined || manifest.name !== name) continue;
    const version = parseVersion(manifest.version);
    if (version !== undefined && isWithin(version, accepts)) entries.push({ folder, manifest });
  }
  return entries.toSorted(newestFirst)[0];
}

function newestFirst(a: CacheEntry, b: CacheEntry): number {
  const versionA = parseVersion(a.manifest.version);
  const versionB = parseVersion(b.manifest.version);
  return versionA === undefined || versionB === undefined ? 0 : compareVersions(versionB, versionA);
}

/**
 * Makes an empty folder to assemble a tool in. It has a name of its own, so nothing that is
 * killed in the middle is ever taken for a finished tool. Folders that dead processes left
 * behind for the same tool are removed.
 */
export async function makeStagingFolder(host: Host, name: string): Promise<string> {
  const toolsFolder = toolsFolderOf(host);
  await mkdir(toolsFolder, { recursive: true });
  for (const folderName of await namesIn(toolsFolder)) {
    const owner = stagingOwner(folderName, name);
    if (owner !== undefined && !isProcessAlive(owner)) {
      await rm(join(toolsFolder, folderName), { recursive: true, force: true });
    }
  }
  const unique = `${process.pid}-${randomBytes(4).toString("hex")}`;
  const staging = join(toolsFolder, `.${name}-${unique}.partial`);
  await mkdir(staging);
  return staging;
}

function stagingOwner(folderName: string, name: string): number | undefined {
  const match = /^\.(.+)-(\d+)-[0-9a-f]+\.partial$/.exec(folderName);
  return match !== null && match[1] === name ? Number(match[2]) : undefined;
}

/**
 * Turns a staging folder into a finished tool with one rename. Where another process finished the
 * same version first, its result stays and ours is dropped: both are equally good.
 */
export async function publish(
  host: Host,
  staging: string,
  manifest: Manifest,
): Promise<CacheEntry> {
  await writeFile(join(staging, manifestName), `${JSON.stringify(manifest, undefined, 2)}\n`);
  const folder = join(toolsFolderOf(host), `${manifest.name}-${manifest.version}-${host.platform}`);
  try {
    await rename(staging, folder);
    return { folder, manifest };
  } catch (error) {
    if (!["ENOTEMPTY", "EEXIST"].includes(errorCode(error) ?? "")) throw error;
  }
  const other = await readManifest(folder);
  if (other !== undefined) {
    await rm(staging, { recursive: true, force: true });
    return { folder, manifest: other };
  }
  // Only by hand can a folder without a manifest get there.
  await rm(folder, { recursive: true, force: true });
  await rename(staging, folder);
  return { folder, manifest };
}

async function readManifest(folder: string): Promise<Manifest | undefined> {
  try {
    const text = await readFile(join(folder, manifestName), "utf8");
    return manifestSchema.parse(JSON.parse(text));
  } catch {
    return undefined; // Not a finished tool, whatever the cause.
  }
}

async function namesIn(folder: string): Promise<readonly string[]> {
  try {
    return await readdir(folder);
  } catch (error) {
    if (errorCode(error) === "ENOENT") return [];
    throw error;
  }
}
