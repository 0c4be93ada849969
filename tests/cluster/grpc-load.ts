import { createRequire } from "node:module";
import { setTimeout as sleep } from "node:timers/promises";

/** What one call came to. */
export interface CallOutcome {
  /** gRPC's status; 0 is OK. */
  readonly code: number;
  readonly version: string | undefined;
}

interface Client {
  makeUnaryRequest(
    path: string,
    serialize: (value: Buffer) => Buffer,
    deserialize: (bytes: Buffer) => Buffer,
    request: Buffer,
    options: { readonly deadline: number },
    done: (error: { readonly code: number } | null, answer?: Buffer) => void,
  ): void;
  close(): void;
}

interface Grpc {
  readonly Client: new (
    address: string,
    credentials: unknown,
    options: Readonly<Record<string, string>>,
  ) => Client;
  readonly credentials: { createInsecure(): unknown };
}

// the SDK's own copy; `require` has no types, and the interfaces above name the part that is used
const grpc = createRequire(import.meta.resolve("@pulumi/pulumi"))("@grpc/grpc-js") as Grpc;

const callBoundMs = 5_000;
const tickMs = 10;

/** Steady calls of `grpc-echo.ts` by a released gRPC client, sent on time whether or not earlier ones were answered. */
export class GrpcLoad {
  readonly #outcomes: CallOutcome[] = [];
  readonly #client: Client;
  readonly #pending = new Set<Promise<void>>();
  readonly #stopping = new AbortController();
  readonly #sending: Promise<void>;

  /** Starts at once, and ends by itself after `boundMs`. */
  constructor(address: string, host: string, callsPerSecond: number, boundMs = 120_000) {
    const options = { "grpc.default_authority": host };
    this.#client = new grpc.Client(address, grpc.credentials.createInsecure(), options);
    this.#sending = this.#send(callsPerSecond, boundMs);
  }

  /** Stops sending and resolves when every call has its outcome. */
  async stop(): Promise<readonly CallOutcome[]> {
    this.#stopping.abort();
    await this.#sending;
    await Promise.all(this.#pending);
    this.#client.close();
    return this.#outcomes;
  }

  async #send(callsPerSecond: number, boundMs: number): Promise<void> {
    const startedAt = performance.now();
    let sent = 0;
    while (!this.#stopping.signal.aborted) {
      const elapsedMs = performance.now() - startedAt;
      if (elapsedMs > boundMs) return;
      for (; sent < (elapsedMs / 1_000) * callsPerSecond; sent += 1) {
        const pending = this.#call();
        this.#pending.add(pending);
        void pending.then(() => this.#pending.delete(pending));
      }
      await sleep(tickMs);
    }
  }

  #call(): Promise<void> {
    const same = (bytes: Buffer): Buffer => bytes;
    const deadline = Date.now() + callBoundMs;
    return new Promise((resolve) => {
      this.#client.makeUnaryRequest(
        "/upramp.test.Echo/Version",
        same,
        same,
        Buffer.alloc(0),
        { deadline },
        (error, answer) => {
          this.#outcomes.push({ code: error?.code ?? 0, version: answer?.toString() });
          resolve();
        },
      );
    });
  }
}
