import { type ChildProcess, spawn } from "node:child_process";
import { closeSync, mkdirSync, openSync } from "node:fs";
import { join } from "node:path";
import { thisHost } from "./host.ts";
import { packageFolder } from "./launch.mjs";
import { countsEnvironment, readCounts } from "./test-counts.ts";
import type { TestGroup } from "./test-groups.ts";
import { endLeftovers } from "./test-leftovers.ts";
import { type GroupEnding, type GroupOutcome, outcomeOf } from "./test-outcome.ts";

/** A group that hangs must not use up the time of a whole CI run. */
const groupBoundMs = 20 * 60_000;
/** What a cluster takes to stop, and time to spare. */
const stopGraceMs = 10_000;
/** What the last processes of a group may take to follow it. */
const leftoverGraceMs = 3_000;

/** A group that has ended. */
export interface GroupResult extends GroupOutcome {
  readonly group: TestGroup;
  readonly tookMs: number;
  /** Command lines of processes that outlived it and had to be killed. */
  readonly leftovers: readonly string[];
  /** File of all that it printed, absent where it printed to our own output. */
  readonly logPath?: string;
  /** What it had as TMPDIR. */
  readonly temporaryFolder: string;
}

/** How a group is run. */
export interface GroupRunOptions {
  /** A folder of the group's own, made here: its log, its counts and its temporary files. */
  readonly folder: string;
  /** Prints to our own output as it runs, instead of to a file. */
  readonly isLive: boolean;
  /** Ends the group and all that it started. The result is then a rejection with the reason. */
  readonly signal: AbortSignal;
  /** Longest run in ms; default 20 min. */
  readonly boundMs?: number;
}

/**
 * Runs a group in a process group and with temporary files of its own. Whatever way it ends, nothing
 * that it started is left running.
 */
export async function runGroup(group: TestGroup, options: GroupRunOptions): Promise<GroupResult> {
  const { folder, isLive, signal, boundMs = groupBoundMs } = options;
  signal.throwIfAborted();
  // Short, as the paths of sockets in it must be.
  const temporaryFolder = join(folder, "t");
  mkdirSync(temporaryFolder, { recursive: true });
  const logPath = join(folder, "log");
  const countsFile = join(folder, "counts.json");
  const startedAt = performance.now();
  const overrun = AbortSignal.timeout(boundMs);
  const stop = AbortSignal.any([signal, overrun]);
  const child = start(group.args, isLive ? undefined : logPath, {
    // A fifth of what the Go programs do, most of which run for less than a second, is collecting garbage.
    GOGC: "400",
    // Tests start hundreds of Node processes, each of which else compiles the same files again.
    NODE_COMPILE_CACHE: join(thisHost().cacheFolder, "node-compile-cache"),
    ...process.env,
    ...countsEnvironment(countsFile),
    TMPDIR: temporaryFolder,
  });
  const ending = await untilEnd(child, stop);
  signalGroup(child, "SIGKILL");
  const leftovers = await endLeftovers(temporaryFolder, stop.aborted ? 0 : leftoverGraceMs);
  signal.throwIfAborted();
  const ended = overrun.aborted ? { ...ending, overranMs: boundMs } : ending;
  return {
    ...outcomeOf(ended, readCounts(countsFile), group.mayBeEmpty ?? false),
    group,
    tookMs: performance.now() - startedAt,
    leftovers,
    ...(isLive ? {} : { logPath }),
    temporaryFolder,
  };
}

/** A file holds all output in its order, also of what is killed, and nobody waits for who has it open. */
function start(
  args: readonly string[],
  logPath: string | undefined,
  env: NodeJS.ProcessEnv,
): ChildProcess {
  const output = logPath === undefined ? "inherit" : openSync(logPath, "a");
  try {
    return spawn(process.execPath, args, {
      cwd: packageFolder,
      env,
      stdio: ["ignore", output, output],
      // A group of its own: Ctrl-C of a terminal comes here only, and is passed on once.
      detached: true,
    });
  } finally {
    if (typeof output === "number") closeSync(output);
  }
}

function untilEnd(child: ChildProcess, stop: AbortSignal): Promise<GroupEnding> {
  return new Promise((resolve) => {
    let kill: NodeJS.Timeout | undefined;
    const onStop = (): void => {
      child.kill("SIGTERM");
      kill = setTimeout(() => signalGroup(child, "SIGKILL"), stopGraceMs);
    };
    const settle = (ending: GroupEnding): void => {
      clearTimeout(kill);
      stop.removeEventListener("abort", onStop);
      resolve(ending);
    };
    if (stop.aborted) onStop();
    else stop.addEventListener("abort", onStop, { once: true });
    child.once("error", ({ message }) => settle({ code: null, signal: null, error: message }));
    child.once("exit", (code, signal) => settle({ code, signal }));
  });
}

function signalGroup({ pid }: ChildProcess, signal: NodeJS.Signals): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, signal);
  } catch {
    // All of it has ended.
  }
}
