import { execFileSync } from "node:child_process";
import { readFileSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import { writeFileAtomically } from "./atomic-file.ts";
import { liveStartTime } from "./process-identity.ts";
import type { ProcessIdentity } from "./process-identity.ts";
import { readJsonIfAny } from "./read-file.ts";

/**
 * What was started under a name, kept beside the logs. It is written once before the start, without the
 * identity, and once after it; so a process whose start never reached the stack's state is found again.
 */
const runSchema = z.object({
  /** Hash of what was started. */
  what: z.string(),
  /** Value of the environment variable `markVariable` of the process. */
  mark: z.string(),
  port: z.int(),
  identity: z.object({ pid: z.int(), startTime: z.string() }).nullable(),
});
export type Run = z.infer<typeof runSchema>;

/** Environment variable by which a started process is recognized. */
export const markVariable = "UPRAMP_PROCESS";

/** Where the run files of a directory are, one a process: `<name>.json`. */
export function runDirectory(directory: string): string {
  return join(directory, "run");
}

export function writeRun(path: string, run: Run): void {
  writeFileAtomically(path, JSON.stringify(run));
}

export function removeRun(path: string): void {
  rmSync(path, { force: true });
}

/** What the run file says; null when there is none. */
export function readRun(path: string): Run | null {
  const parsed = runSchema.safeParse(readJsonIfAny(path));
  return parsed.success ? parsed.data : null;
}

/** The process last started under this run file, if it lives. */
export function findRun(path: string): { run: Run; identity: ProcessIdentity } | null {
  const run = readRun(path);
  if (run === null) return null;
  const identity = run.identity ?? findMarked(run.mark);
  if (identity === null || liveStartTime(identity.pid) !== identity.startTime) return null;
  return { run, identity };
}

/** Looks for the group leader that carries the mark. Only needed after a crash between the two writes. */
function findMarked(mark: string): ProcessIdentity | null {
  const pids = process.platform === "linux" ? markedByProc(mark) : markedByPs(mark);
  // processes that it started carry the mark as well: the first one, which started them, is the oldest
  const [identity] = pids.toSorted((a, b) => a - b).flatMap((pid) => identityOf(pid));
  return identity ?? null;
}

function identityOf(pid: number): ProcessIdentity[] {
  const startTime = liveStartTime(pid);
  return startTime === null ? [] : [{ pid, startTime }];
}

function markedByProc(mark: string): number[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .filter((name) => {
      try {
        const environment = readFileSync(`/proc/${name}/environ`, "utf8").split("\0");
        return environment.includes(`${markVariable}=${mark}`);
      } catch {
        return false; // another user's, or gone meanwhile
      }
    })
    .map(Number);
}

function markedByPs(mark: string): number[] {
  const lines = execFileSync("ps", ["-A", "-E", "-ww", "-o", "pid=,command="], {
    encoding: "utf8",
    timeout: 5_000,
  }).split("\n");
  return lines
    .filter((line) => line.includes(`${markVariable}=${mark}`))
    .map((line) => Number.parseInt(line, 10));
}
