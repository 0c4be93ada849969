import { setTimeout as sleep } from "node:timers/promises";

/** How often a condition is tried, in ms: short against what is waited for, long against one try. */
const pollIntervalMs = 25;

/**
 * Try a condition until it holds.
 *
 * @param what   names the condition in the error
 * @param boundMs longest wait in ms
 * @param probe  resolves to the awaited value, or to undefined or false when it is not there yet; a
 *               rejection counts as "not yet"
 * @throws Error naming `what`, the bound and the last rejection or observation when the bound is reached
 */
export async function waitUntil<T>(
  what: string,
  boundMs: number,
  probe: () => Promise<T | undefined | false> | T | undefined | false,
  seen?: () => string,
): Promise<T> {
  const deadline = performance.now() + boundMs;
  let last: unknown;
  for (;;) {
    try {
      const value = await probe();
      if (value !== undefined && value !== false) return value;
      last = undefined;
    } catch (error) {
      last = error;
    }
    if (performance.now() >= deadline) break;
    await sleep(pollIntervalMs);
  }
  const observed = seen === undefined ? "" : `; last seen: ${seen()}`;
  throw new Error(`${what}: not so after ${boundMs} ms${observed}`, { cause: last });
}
