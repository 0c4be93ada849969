import { Agent, request } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";

/** One answer, or the lack of one. */
export interface Outcome {
  /** When the request was sent, in ms since the load began. */
  readonly sentAtMs: number;
  /** HTTP status; undefined when the connection failed. */
  readonly status: number | undefined;
  /** Value of `version` in the answer. */
  readonly version: string | undefined;
  readonly error: string | undefined;
}

/** Where and how fast to send. */
export interface LoadOptions {
  readonly url: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** Default 200; more is refused, as the machine is shared with the servers under test. */
  readonly requestsPerSecond?: number;
  /** Ends by itself after this many ms, whatever the caller does. Default 60,000. */
  readonly boundMs?: number;
}

const ratePerSecondMax = 500;
const tickMs = 10;
const requestBoundMs = 5_000;

/**
 * Steady requests to one address of this machine: sent on time whether or not earlier ones have been
 * answered, so a stall shows as failures and not as fewer requests.
 */
export class Load {
  readonly outcomes: Outcome[] = [];
  readonly #options: Required<LoadOptions>;
  // closes what is idle long before a gateway does (Contour after 60 s): who sends closes first
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 64, timeout: 10_000 });
  readonly #pending = new Set<Promise<void>>();
  readonly #stopping = new AbortController();
  readonly #startedAt = performance.now();
  readonly #sending: Promise<void>;

  /** Starts at once. @throws Error for a rate above 500 a second */
  constructor(options: LoadOptions) {
    this.#options = { headers: {}, requestsPerSecond: 200, boundMs: 60_000, ...options };
    if (this.#options.requestsPerSecond > ratePerSecondMax) {
      throw new Error(`at most ${ratePerSecondMax} requests a second`);
    }
    this.#sending = this.#send();
  }

  /** Stops sending and resolves when every request has its outcome. */
  async stop(): Promise<Outcome[]> {
    this.#stopping.abort();
    await this.#sending;
    await Promise.all(this.#pending);
    this.#agent.destroy();
    return this.outcomes;
  }

  /** Requests that got no answer or a 5xx. */
  failures(): Outcome[] {
    return this.outcomes.filter(({ status }) => status === undefined || status >= 500);
  }

  /** Sends for so long and stops. */
  async for(ms: number): Promise<Outcome[]> {
    await sleep(ms, undefined, { signal: this.#stopping.signal }).catch(() => undefined);
    return this.stop();
  }

  async #send(): Promise<void> {
    const { requestsPerSecond, boundMs } = this.#options;
    let sent = 0;
    while (!this.#stopping.signal.aborted) {
      const elapsedMs = performance.now() - this.#startedAt;
      if (elapsedMs > boundMs) return;
      for (; sent < (elapsedMs / 1_000) * requestsPerSecond; sent += 1) {
        const pending = this.#sendOne(elapsedMs);
        this.#pending.add(pending);
        void pending.then(() => this.#pending.delete(pending));
      }
      await sleep(tickMs);
    }
  }

  #sendOne(sentAtMs: number): Promise<void> {
    const { url, headers } = this.#options;
    return new Promise((resolve) => {
      const settle = (outcome: Omit<Outcome, "sentAtMs">): void => {
        this.outcomes.push({ sentAtMs, ...outcome });
        resolve();
      };
      const sent = request(
        url,
        { agent: this.#agent, headers, signal: AbortSignal.timeout(requestBoundMs) },
        (response) => {
          let body = "";
          response.setEncoding("utf8");
          response.on("data", (chunk: string) => (body += chunk));
          response.once("end", () => {
            settle({ status: response.statusCode, version: versionIn(body), error: undefined });
          });
          response.once("error", fail);
        },
      );
      const fail = (error: Error): void => {
        settle({ status: undefined, version: undefined, error: error.message });
      };
      sent.once("error", fail);
      sent.end();
    });
  }
}

/** How many outcomes each version has; "none" counts answers without one. */
export function countByVersion(outcomes: readonly Outcome[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { version = "none" } of outcomes) counts[version] = (counts[version] ?? 0) + 1;
  return counts;
}

function versionIn(body: string): string | undefined {
  return /"version":"([^"]*)"/.exec(body)?.[1];
}
