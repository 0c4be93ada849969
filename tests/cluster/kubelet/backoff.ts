/** A node's delays between tries: 10 s, doubled up to 5 min. */
const firstMs = 10_000;
const longestMs = 300_000;

/** The growing delay between restarts of a container, or pulls of an image. */
export class Backoff {
  #nextMs: number;

  /** @param immediately whether the first delay is none, as for a container's first restart */
  constructor(immediately: boolean) {
    this.#nextMs = immediately ? 0 : firstMs;
  }

  /** Delay before the next try, in ms. Each call doubles it. */
  next(): number {
    const delayMs = this.#nextMs;
    this.#nextMs = delayMs === 0 ? firstMs : Math.min(delayMs * 2, longestMs);
    return delayMs;
  }

  /** A container that ran well for twice the longest delay starts over. */
  reset(ranMs: number): void {
    if (ranMs > 2 * longestMs) this.#nextMs = 0;
  }
}

/** A delay as a node writes it: `10s`, `1m20s`. */
export function inSeconds(ms: number): string {
  const seconds = Math.round(ms / 1_000);
  const rest = `${seconds % 60}s`;
  return seconds < 60 ? rest : `${Math.floor(seconds / 60)}m${rest}`;
}
