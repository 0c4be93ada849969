import { connect } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";

/** Between two tries; a weight change does not come here, only a new listener does. */
const pollMs = 25;

/** Whether somebody takes connections on the port on loopback within the time. */
export async function listensWithin(
  port: number,
  withinMs: number,
  signal: AbortSignal,
): Promise<boolean> {
  const deadline = performance.now() + withinMs;
  while (!signal.aborted) {
    if (await takesConnection(port)) return true;
    if (performance.now() > deadline) return false;
    await sleep(pollMs);
  }
  return false;
}

function takesConnection(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ port, host: "127.0.0.1" });
    const answer = (taken: boolean) => (): void => {
      socket.destroy();
      resolve(taken);
    };
    socket.once("connect", answer(true));
    socket.once("error", answer(false));
    socket.setTimeout(1_000, answer(false));
  });
}
