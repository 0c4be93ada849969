import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

/** A process of a test: known by its handle, ended by `end` at the latest. */
export class Child {
  readonly #process: ChildProcess;
  readonly #lines: string[] = [];
  readonly #closed: Promise<unknown>;
  #wake: () => void = () => undefined;

  constructor(command: string, args: readonly string[]) {
    this.#process = spawn(command, args, { stdio: ["pipe", "pipe", "inherit"] });
    this.#closed = Promise.race([once(this.#process, "close"), once(this.#process, "error")]);
    // standard output is a pipe, as told just above
    createInterface({ input: this.#process.stdout! }).on("line", (line) => {
      this.#lines.push(line);
      this.#wake();
    });
    void this.#closed.then(() => this.#wake());
  }

  /** Runs the store's script with the Node that runs the tests. */
  static storeProcess(what: string, directory: string): Child {
    return new Child(process.execPath, [storeProcessPath, what, directory]);
  }

  get pid(): number {
    const { pid } = this.#process;
    if (pid === undefined) throw new Error("the process did not start");
    return pid;
  }

  /** Null while it runs, or when a signal ended it. */
  get exitCode(): number | null {
    return this.#process.exitCode;
  }

  /** The next line of its output; rejects when it ends without one, or after 8 s. */
  async line(): Promise<string> {
    const bound = AbortSignal.timeout(8_000);
    for (;;) {
      const line = this.#lines.shift();
      if (line !== undefined) return line;
      if (this.#process.exitCode !== null || this.#process.signalCode !== null) {
        throw new Error(`it ended (${this.#process.exitCode ?? this.#process.signalCode})`);
      }
      await new Promise<void>((resolve, reject) => {
        this.#wake = resolve;
        bound.addEventListener("abort", () => reject(new Error("it says nothing")), { once: true });
      });
    }
  }

  /** Sends the signal and waits until it has ended. */
  async end(signal: NodeJS.Signals = "SIGKILL"): Promise<void> {
    this.#process.kill(signal);
    await this.#closed;
  }

  /** Resolves when it has ended. */
  async ended(): Promise<void> {
    await this.#closed;
  }

  signal(signal: NodeJS.Signals): void {
    this.#process.kill(signal);
  }
}

/** The script whose processes keep a file store. */
export const storeProcessPath = fileURLToPath(new URL("./store-process.ts", import.meta.url));
