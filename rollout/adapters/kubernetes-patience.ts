import { setTimeout as sleep } from "node:timers/promises";
import { OperationError } from "../errors.ts";

/** An API server that is restarted is away for seconds; after this many ms the lock may be another's anyway. */
const patienceMs = 10_000;
/** Pauses between tries, in ms: the first is short, as most outages are a connection that was closed. */
const pauseMs = { first: 100, max: 1_000 } as const;

/**
 * Tries again while the API server is away, for 10 s at most or until the signal is aborted; then gives its last error.
 * What is tried must be harmless when it is done twice: an answer that was lost is no sign that nothing happened.
 */
export async function patiently<T>(
  signal: AbortSignal,
  attempt: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const startedAt = performance.now();
  const bound = AbortSignal.any([signal, AbortSignal.timeout(patienceMs)]);
  for (let pause: number = pauseMs.first; ; pause = Math.min(2 * pause, pauseMs.max)) {
    try {
      return await attempt(bound);
    } catch (error) {
      if (!(error instanceof OperationError)) throw error;
      // aborted while it waits: the next look at the bound ends it
      await sleep(pause, undefined, { signal: bound }).catch(() => undefined);
      if (bound.aborted) throw tired(error, performance.now() - startedAt);
    }
  }
}

function tired(error: OperationError, ms: number): OperationError {
  return new OperationError(`${error.message} (tried for ${Math.round(ms / 100) / 10} s)`, {
    cause: error.cause,
  });
}
