import { Agent, request } from "node:http";

/** What one request came to. */
export interface Answer {
  readonly at: number;
  readonly tookMs: number;
  /** HTTP status; 0 when the connection failed. */
  readonly status: number;
  /** The version that answered; null when no version did (the router itself, or nobody). */
  readonly version: string | null;
}

/** More than this at once means that the service hangs: further requests are counted as failed. */
const inFlightMax = 400;
const timeoutMs = 10_000;

/** A steady stream of GET requests, for one service on this machine and a bounded time. */
export class Traffic {
  readonly answers: Answer[] = [];
  readonly #url: URL;
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 100 });
  readonly #endsAt: number;
  readonly #everyMs: number;
  readonly #timer: NodeJS.Timeout;
  #due: number;
  #inFlight = 0;

  constructor(url: string, requestsPerSecond: number, secondsMax: number) {
    this.#url = new URL(url);
    this.#everyMs = 1_000 / requestsPerSecond;
    this.#due = Date.now();
    this.#endsAt = this.#due + secondsMax * 1_000;
    // the timer may be late on a busy machine: what is due is sent then, so the rate holds
    this.#timer = setInterval(() => this.#sendDue(), 5);
  }

  /** Stops sending and waits for the answers that are still out, at most the request timeout. */
  async stop(): Promise<void> {
    clearInterval(this.#timer);
    const giveUpAt = Date.now() + timeoutMs;
    while (this.#inFlight > 0 && Date.now() < giveUpAt) {
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    this.#agent.destroy();
  }

  #sendDue(): void {
    const now = Date.now();
    if (now > this.#endsAt) clearInterval(this.#timer);
    for (; this.#due <= now; this.#due += this.#everyMs) this.#send();
  }

  #send(): void {
    const at = Date.now();
    if (this.#inFlight >= inFlightMax) {
      this.answers.push({ at, tookMs: 0, status: 0, version: null });
      return;
    }
    this.#inFlight += 1;
    const done = (status: number, version: string | null): void => {
      this.#inFlight -= 1;
      this.answers.push({ at, tookMs: Date.now() - at, status, version });
    };
    const sent = request(this.#url, { agent: this.#agent, timeout: timeoutMs }, (response) => {
      const version = response.headers["x-version"];
      response.resume();
      response.once("end", () =>
        done(response.statusCode ?? 0, typeof version === "string" ? version : null),
      );
      response.once("error", () => done(0, null));
    });
    sent.once("timeout", () => sent.destroy());
    sent.once("error", () => done(0, null));
    sent.end();
  }
}
