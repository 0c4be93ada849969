import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { closeSync, mkdirSync, openSync } from "node:fs";
import { get } from "node:http";
import { dirname } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { LocalError } from "./local-error.ts";
import { isAlive, liveStartTime, ownStartTime } from "./process-identity.ts";
import type { ProcessIdentity } from "./process-identity.ts";

export interface Launch {
  readonly command: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly cwd: string;
  readonly logFile: string;
}

/**
 * Starts a process in a session and group of its own, so that it outlives whoever started it. The output is
 * appended to the log file.
 */
export function launch(options: Launch): { identity: ProcessIdentity; child: ChildProcess } {
  mkdirSync(dirname(options.logFile), { recursive: true });
  const log = openSync(options.logFile, "a");
  try {
    const child = spawn(options.command, options.args, {
      cwd: options.cwd,
      env: options.env,
      detached: true,
      stdio: ["ignore", log, log],
    });
    // the fault comes back as a missing pid below; without a listener it would end this process
    child.once("error", () => {});
    child.unref();
    const startTime = child.pid === undefined ? null : ownStartTime(child.pid);
    if (child.pid === undefined || startTime === null) {
      throw new LocalError(`${options.command} could not be started in ${options.cwd}`);
    }
    return { identity: { pid: child.pid, startTime }, child };
  } finally {
    closeSync(log);
  }
}

/** Between two looks at a process or its readiness; short, as each weight step may wait for one. */
const pollMs = 25;

/** A readiness request that takes longer counts as not ready. */
const probeMs = 1_000;

/** Whether `GET url` is answered with a status from 200 to 399. Never rejects. */
export function isReady(url: string, signal: AbortSignal): Promise<boolean> {
  return new Promise((resolve) => {
    const bound = AbortSignal.any([signal, AbortSignal.timeout(probeMs)]);
    const request = get(url, { agent: false, signal: bound }, (response) => {
      response.resume();
      const { statusCode = 0 } = response;
      resolve(statusCode >= 200 && statusCode < 400);
    });
    request.once("error", () => {
      resolve(false);
    });
  });
}

export interface ReadinessWait {
  readonly url: string;
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
}

/** How a wait for readiness ended. */
export type ReadinessResult = "ready" | "exited" | "timeout" | "canceled";

/** Waits until the process answers, ends, or the time is over. */
export async function waitUntilReady(
  identity: ProcessIdentity,
  { url, timeoutMs, signal }: ReadinessWait,
): Promise<ReadinessResult> {
  const deadline = performance.now() + timeoutMs;
  for (;;) {
    if (signal.aborted) return "canceled";
    // in this order: an answer only counts while the process lives
    const ready = await isReady(url, signal);
    if (!isAlive(identity)) return "exited";
    if (ready) return "ready";
    if (performance.now() > deadline) return "timeout";
    await sleep(pollMs);
  }
}

/** After SIGKILL the kernel ends a process at once; more than this means it hangs in the kernel. */
const killMs = 5_000;

/**
 * Ends the process and its group: SIGTERM, SIGKILL after the grace. A process of the same pid with another
 * start time is never signalled. Throws when even SIGKILL did not end it in time.
 */
export async function stopProcess(identity: ProcessIdentity, graceMs: number): Promise<void> {
  if (isAlive(identity)) {
    signalGroup(identity.pid, "SIGTERM");
    if (!(await waitUntilDead(identity, graceMs))) {
      signalGroup(identity.pid, "SIGKILL");
      if (!(await waitUntilDead(identity, killMs))) {
        throw new Error(`process ${identity.pid} is alive ${killMs} ms after SIGKILL`);
      }
    }
  }
  // what the leader left behind: the pid cannot be another's while a group of that id exists
  const startTime = ownStartTime(identity.pid);
  if (startTime === null || startTime === identity.startTime) signalGroup(identity.pid, "SIGKILL");
}

async function waitUntilDead(identity: ProcessIdentity, withinMs: number): Promise<boolean> {
  const deadline = performance.now() + withinMs;
  while (liveStartTime(identity.pid) === identity.startTime) {
    if (performance.now() > deadline) return false;
    await sleep(pollMs);
  }
  return true;
}

function signalGroup(pid: number, signal: "SIGTERM" | "SIGKILL"): void {
  try {
    process.kill(-pid, signal);
  } catch (error) {
    // nobody left in the group, or (macOS) only zombies
    const code = error instanceof Error && "code" in error ? error.code : undefined;
    if (code !== "ESRCH" && code !== "EPERM") throw error;
  }
}
