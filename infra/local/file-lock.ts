import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { LocalError } from "./local-error.ts";
import { identityText, isAlive, ownStartTime, parseIdentity } from "./process-identity.ts";
import { readFileIfAny } from "./read-file.ts";

/** Held for milliseconds only, so ten seconds mean that something is wrong. */
const waitMs = 10_000;

/** Runs `work` while no other process runs under the same lock file; a dead holder's file is taken away. */
export async function withFileLock<T>(path: string, work: () => T): Promise<T> {
  mkdirSync(dirname(path), { recursive: true });
  const startTime = ownStartTime(process.pid);
  if (startTime === null) throw new Error(`start time of process ${process.pid} is not known`);
  const own = identityText({ pid: process.pid, startTime });
  const deadline = performance.now() + waitMs;
  while (!tryLock(path, own)) {
    if (performance.now() > deadline) {
      throw new LocalError(`${path} has been held for ${waitMs} ms by ${readFileIfAny(path)}`);
    }
    await sleep(5);
  }
  try {
    return work();
  } finally {
    rmSync(path, { force: true });
  }
}

function tryLock(path: string, own: string): boolean {
  try {
    writeFileSync(path, own, { flag: "wx" });
    return true;
  } catch (error) {
    if (!(error instanceof Error && "code" in error && error.code === "EEXIST")) throw error;
  }
  const holder = readFileIfAny(path);
  // empty: the holder is between creating and writing, or died there; the deadline bounds that
  if (holder !== null && holder !== "" && !isAlive(parseIdentity(holder))) {
    rmSync(path, { force: true });
  }
  return false;
}
