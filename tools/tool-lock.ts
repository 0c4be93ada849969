import { mkdir, readFile, rm, stat, utimes, writeFile } from "node:fs/promises";
import { setTimeout as delay } from "node:timers/promises";
import { join } from "node:path";
import { errorCode } from "./error-code.ts";
import { type Host, toolsFolderOf } from "./host.ts";
import { isProcessAlive } from "./process-alive.ts";
import { UserError } from "../rollout/errors.ts";

/** Longer than the slowest build on a slow machine: a lock this old belongs to something stuck. */
const waitMsMax = 45 * 60_000;
const pollMs = 200;
/** The holder touches its lock this often … */
const heartbeatMs = 5_000;
/** … and one that was not touched for this long is dead, even where its pid is in use again. */
const silenceMsMax = 60_000;

/** Settings of `withToolLock`. */
export interface LockOptions {
  readonly signal?: AbortSignal | undefined;
  /** Called once when another process holds the lock, with its pid. */
  readonly onWait: (pid: number) => void;
  readonly waitMsMax?: number;
}

/**
 * Runs `work` while no other process gets the same tool. The lock saves the second process a
 * long build; it is not what keeps the cache whole (the rename of a finished folder is), so the
 * tiny race in taking over a dead process's lock costs at most a build done twice.
 */
export async function withToolLock<T>(
  host: Host,
  name: string,
  options: LockOptions,
  work: () => Promise<T>,
): Promise<T> {
  await mkdir(toolsFolderOf(host), { recursive: true });
  const file = join(toolsFolderOf(host), `.${name}.lock`);
  await acquire(file, name, options);
  const heartbeat = setInterval(() => void touch(file), heartbeatMs);
  heartbeat.unref();
  try {
    return await work();
  } finally {
    clearInterval(heartbeat);
    await rm(file, { force: true });
  }
}

async function touch(file: string): Promise<void> {
  const now = new Date();
  // Taken over by a process that thought us dead, or the disk is gone: the work shows which.
  await utimes(file, now, now).catch(() => undefined);
}

async function acquire(file: string, name: string, options: LockOptions): Promise<void> {
  const deadline = Date.now() + (options.waitMsMax ?? waitMsMax);
  let told = false;
  while (!(await create(file))) {
    const holder = await holderOf(file);
    if (holder === undefined) {
      await rm(file, { force: true });
      continue;
    }
    if (Date.now() >= deadline) {
      throw new UserError(
        `process ${holder} has been getting ${name} for too long. Stop it, or remove ${file}, and try again.`,
      );
    }
    if (!told) options.onWait(holder);
    told = true;
    await delay(pollMs, undefined, options.signal === undefined ? {} : { signal: options.signal });
  }
}

async function create(file: string): Promise<boolean> {
  try {
    await writeFile(file, `${process.pid}\n`, { flag: "wx" });
    return true;
  } catch (error) {
    if (errorCode(error) === "EEXIST") return false;
    throw error;
  }
}

/** The pid of the live holder; undefined when the lock is gone or its holder is dead. */
async function holderOf(file: string): Promise<number | undefined> {
  try {
    const text = await readFile(file, "utf8");
    const silenceMs = Date.now() - (await stat(file)).mtimeMs;
    if (silenceMs > silenceMsMax) return undefined;
    // Empty for the moment between creating and filling it: then its age decides alone.
    const pid = /^\d+\n$/.test(text) ? Number(text) : undefined;
    return pid === undefined || isProcessAlive(pid) ? (pid ?? 0) : undefined;
  } catch (error) {
    if (errorCode(error) === "ENOENT") return undefined;
    throw error;
  }
}
