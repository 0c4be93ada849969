import { spawn, type ChildProcess } from "node:child_process";
import { closeSync, mkdirSync, openSync, readFileSync } from "node:fs";
import { dirname } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

/** What to run and where its words go. */
export interface ProcessSpec {
  /** Used in messages. */
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
  /** Whole environment of the process; default this process's own. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** stdout and stderr are appended here. */
  readonly logPath: string;
}

/**
 * One part of the cluster as a process in a group of its own. It is known by the handle of its own
 * spawn, never by name, and dies with the process that started it.
 */
export class ManagedProcess {
  readonly spec: ProcessSpec;
  #child: ChildProcess | undefined;
  #exited: Promise<string> = Promise.resolve("never started");

  constructor(spec: ProcessSpec) {
    this.spec = spec;
  }

  /** Starts it, or starts it again after an end. @throws Error while it runs */
  start(): void {
    if (this.isRunning()) throw new Error(`${this.spec.name} runs already`);
    mkdirSync(dirname(this.spec.logPath), { recursive: true });
    const log = openSync(this.spec.logPath, "a");
    try {
      const child = spawn(
        "setpriv",
        ["--pdeathsig", "KILL", "--", this.spec.command, ...this.spec.args],
        { env: this.spec.env ?? process.env, stdio: ["ignore", log, log], detached: true },
      );
      this.#child = child;
      this.#exited = new Promise((resolve) => {
        child.once("error", (error) => resolve(error.message));
        child.once("exit", (code, signal) => resolve(signal ?? `exit code ${code}`));
      });
    } finally {
      closeSync(log);
    }
  }

  /** Pid, in this pid namespace, while it runs. */
  get pid(): number | undefined {
    return this.isRunning() ? this.#child?.pid : undefined;
  }

  isRunning(): boolean {
    const child = this.#child;
    return child?.pid !== undefined && child.exitCode === null && child.signalCode === null;
  }

  /** Resolves, when it has ended, to how: a signal or an exit code. */
  get exited(): Promise<string> {
    return this.#exited;
  }

  /** @throws Error with the end of the log when it has ended */
  assertRunning(): void {
    if (this.isRunning()) return;
    throw new Error(`${this.spec.name} has ended. Its last words:\n${this.logTail(15)}`);
  }

  /**
   * SIGTERM to the group, then SIGKILL.
   *
   * @param graceMs time between the two, in ms
   */
  async stop(graceMs = 5_000): Promise<void> {
    if (!this.isRunning()) return;
    this.#signalGroup("SIGTERM");
    const abort = new AbortController();
    const timer = sleep(graceMs, undefined, { signal: abort.signal })
      .then(() => this.#signalGroup("SIGKILL"))
      .catch(() => undefined);
    await this.#exited;
    abort.abort();
    await timer;
    // What the leader left behind in its group, such as Envoy under a gateway that was killed.
    this.#signalGroup("SIGKILL");
  }

  /** As a crash would end it: SIGKILL to the process alone, not to its group. */
  async kill(): Promise<void> {
    this.#child?.kill("SIGKILL");
    await this.#exited;
  }

  /** The last lines of its log. */
  logTail(lines: number): string {
    try {
      return readFileSync(this.spec.logPath, "utf8").trimEnd().split("\n").slice(-lines).join("\n");
    } catch {
      return "(no log)";
    }
  }

  #signalGroup(signal: NodeJS.Signals): void {
    const pid = this.#child?.pid;
    if (pid === undefined) return;
    try {
      process.kill(-pid, signal);
    } catch {
      // The group is gone already.
    }
  }
}
