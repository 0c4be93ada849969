import { setTimeout as timer } from "node:timers/promises";
import type { Clock } from "../ports.ts";

/** The longest timer that the runtime keeps; a longer one would fire at once. */
const timerMaxMs = 2 ** 31 - 1;

/** The machine's own time. */
export class SystemClock implements Clock {
  now(): number {
    return Date.now();
  }

  async sleep(ms: number, signal: AbortSignal): Promise<void> {
    let leftMs = ms;
    while (leftMs > 0 && !signal.aborted) {
      const partMs = Math.min(leftMs, timerMaxMs);
      try {
        await timer(partMs, undefined, { signal });
      } catch (error) {
        if (!signal.aborted) throw error;
      }
      leftMs -= partMs;
    }
  }
}
