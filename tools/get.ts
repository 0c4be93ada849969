import { rm } from "node:fs/promises";
import { join } from "node:path";
import { type Manifest, makeStagingFolder, publish } from "./cache-entry.ts";
import { type FoundTool, lookUpTool, versionOf } from "./find.ts";
import { type Host, thisHost } from "./host.ts";
import type { ToolProgress } from "./progress.ts";
import { type ToolName, toolRow } from "./table.ts";
import { withToolLock } from "./tool-lock.ts";
import type { ToolRow, Way } from "./tool-row.ts";
import { UserError } from "../rollout/errors.ts";
import { obtain, wayTitle } from "./ways/obtain.ts";
import { type WayContext, WayUnavailable } from "./ways/way.ts";

/** Settings of getting tools. */
export interface GetOptions {
  readonly host?: Host;
  /** Aborting stops downloads and builds; the cache stays whole. */
  readonly signal?: AbortSignal | undefined;
}

/**
 * The tool, found or got: PATH if its version fits, the cache, the official release, the package
 * registries. Throws a UserError that says what was tried and what to install.
 */
export async function getTool(
  name: ToolName,
  progress: ToolProgress,
  options: GetOptions = {},
): Promise<FoundTool> {
  return await getRow(name, toolRow(name), progress, options, new Map());
}

/** Several tools, one after the other (a build uses every core anyway). */
export async function getTools(
  names: readonly ToolName[],
  progress: ToolProgress,
  options: GetOptions = {},
): Promise<readonly FoundTool[]> {
  const unreachable = new Map<string, string>();
  const found: FoundTool[] = [];
  for (const name of names) {
    found.push(await getRow(name, toolRow(name), progress, options, unreachable));
  }
  return found;
}

/** As `getTool`, for any row. `unreachable` remembers hosts that do not answer, across rows. */
export async function getRow(
  name: string,
  row: ToolRow,
  progress: ToolProgress,
  options: GetOptions,
  unreachable: Map<string, string>,
): Promise<FoundTool> {
  const host = options.host ?? thisHost();
  const present = (await lookUpTool(name, row, host)).found;
  if (present !== undefined) return present;
  const step = (text: string, amount?: string): void =>
    progress({ kind: "step", tool: name, text, ...(amount === undefined ? {} : { amount }) });
  const lock = {
    signal: options.signal,
    onWait: (pid: number) => step(`waiting for process ${pid}, which is getting it`),
  };
  return await withToolLock(host, name, lock, async () => {
    const meanwhile = (await lookUpTool(name, row, host)).found;
    if (meanwhile !== undefined) {
      progress({ kind: "done", tool: name, text: `${meanwhile.version}, got by another process` });
      return meanwhile;
    }
    const context = { name, row, host, unreachable, signal: options.signal, step };
    return await tryWays(context, progress);
  });
}

async function tryWays(
  context: Omit<WayContext, "staging">,
  progress: ToolProgress,
): Promise<FoundTool> {
  const { name, row } = context;
  const failures: string[] = [];
  for (const way of row.ways) {
    try {
      const found = await tryWay(way, context);
      progress({ kind: "done", tool: name, text: `${found.version}, ${wayTitle(way)}` });
      return found;
    } catch (error) {
      if (!(error instanceof WayUnavailable)) {
        progress({ kind: "failed", tool: name, text: "failed" });
        throw error;
      }
      failures.push(`  ${wayTitle(way)}: ${error.message}`);
    }
  }
  progress({ kind: "failed", tool: name, text: "could not be had" });
  const tried = failures.length === 0 ? "" : `\nTried:\n${failures.join("\n")}\n`;
  throw new UserError(
    `${name} is needed (it ${row.purpose}) and could not be had.${tried}\n` +
      `Install it yourself: ${row.install}\nOr mend one of the ways above and try again.`,
  );
}

async function tryWay(way: Way, context: Omit<WayContext, "staging">): Promise<FoundTool> {
  const { name, row, host } = context;
  const staging = await makeStagingFolder(host, name);
  try {
    const result = await obtain(way, { ...context, staging });
    const version = await stagedVersion(staging, row, host);
    const manifest: Manifest = { name, version, source: result.source, origin: result.origin };
    const entry = await publish(host, staging, manifest);
    return {
      name,
      path: join(entry.folder, row.path),
      version: entry.manifest.version,
      source: entry.manifest.source,
    };
  } finally {
    // Gone after a publish; after anything else nothing half may stay.
    await rm(staging, { recursive: true, force: true });
  }
}

/** What was got must run here and be a version that fits, else the next way is tried. */
async function stagedVersion(staging: string, row: ToolRow, host: Host): Promise<string> {
  if (row.versionArgs === undefined) return row.pinned;
  const version = await versionOf(join(staging, row.path), row, host);
  if (version.ok) return version.version;
  throw new WayUnavailable(`what it brings cannot be used: ${version.why}`);
}
