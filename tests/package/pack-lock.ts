import { once } from "node:events";
import { mkdir, rm } from "node:fs/promises";
import { createServer, connect, type Server } from "node:net";
import { dirname } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { errorCode } from "../../tools/error-code.ts";

/** Another process packs for 30 s on a busy machine. */
const waitMsMax = 240_000;
const pollMs = 100;

/**
 * Runs `work` while no other process does so with the same file. A listening socket is the lock: it ends with its process,
 * whatever ends that, and it is seen from other namespaces of pids and networks, where tests on a cluster are.
 */
export async function withPackLock<T>(file: string, work: () => Promise<T>): Promise<T> {
  await mkdir(dirname(file), { recursive: true });
  const deadline = Date.now() + waitMsMax;
  let held = await tryToHold(file);
  while (held === undefined) {
    if (Date.now() > deadline) throw new Error(`${file} is held for more than ${waitMsMax} ms`);
    await sleep(pollMs);
    held = await tryToHold(file);
  }
  try {
    return await work();
  } finally {
    const closed = once(held, "close");
    held.close();
    await closed;
  }
}

async function tryToHold(file: string): Promise<Server | undefined> {
  const server = createServer((socket) => socket.destroy());
  server.listen(file);
  try {
    await once(server, "listening");
    return server;
  } catch (error) {
    if (errorCode(error) !== "EADDRINUSE") throw error;
    if (!(await isAnswered(file))) await rm(file, { force: true });
    return undefined;
  }
}

/** False when the process that listened was killed. */
async function isAnswered(file: string): Promise<boolean> {
  const socket = connect(file);
  try {
    await once(socket, "connect");
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}
