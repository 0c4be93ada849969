import { randomBytes } from "node:crypto";
import { linkSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
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
  if (createWith(path, own)) return true;
  if (!isLeftByDead(path)) return false;
  // one at a time looks again and takes it away: else a second one would take away the lock of the first
  const taking = `${path}.taking`;
  if (!createWith(taking, own)) return false;
  try {
    if (isLeftByDead(path)) rmSync(path, { force: true });
  } finally {
    rmSync(taking, { force: true });
  }
  return false;
}

/** Creates the file with its content at once; false when there is one. */
function createWith(path: string, content: string): boolean {
  const sibling = `${path}.${randomBytes(4).toString("hex")}.tmp`;
  writeFileSync(sibling, content);
  try {
    linkSync(sibling, path);
    return true;
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "EEXIST") return false;
    throw error;
  } finally {
    rmSync(sibling, { force: true });
  }
}

function isLeftByDead(path: string): boolean {
  const holder = readFileIfAny(path);
  return holder !== null && !isAlive(parseIdentity(holder));
}
