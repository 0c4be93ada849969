import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { openSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { ToolName } from "../../tools/table.ts";
import { getTool } from "../../tools/get.ts";
import { progressTo } from "../../tools/progress.ts";

/** A server of the contracts' real side, with a folder of its own; it ends with the process that started it. */
export class RealServer {
  readonly directory: string;
  readonly #process: ChildProcess;
  readonly #ended: Promise<unknown>;

  private constructor(directory: string, child: ChildProcess) {
    this.directory = directory;
    this.#process = child;
    this.#ended = once(child, "exit");
  }

  /** `prepare` writes what the server reads into its folder and gives its arguments. */
  static async start(
    tool: ToolName,
    prepare: (directory: string) => Promise<readonly string[]>,
  ): Promise<RealServer> {
    const { path } = await getTool(tool, progressTo(process.stderr));
    const directory = await mkdtemp(join(tmpdir(), `upramp-${tool}-`));
    const log = openSync(join(directory, "log"), "w");
    const own = [path, ...(await prepare(directory))];
    // where it can be had: a test run that is killed leaves no server behind
    const [command = path, ...args] =
      process.platform === "linux" ? ["setpriv", "--pdeathsig", "KILL", "--", ...own] : own;
    return new RealServer(directory, spawn(command, args, { stdio: ["ignore", log, log] }));
  }

  /** All that it has said. */
  async log(): Promise<string> {
    if (this.#process.exitCode !== null) {
      const words = await readFile(join(this.directory, "log"), "utf8");
      throw new Error(`it has ended with code ${this.#process.exitCode}: ${words}`);
    }
    return readFile(join(this.directory, "log"), "utf8");
  }

  /** Ends it; its folder stays. */
  async kill(): Promise<void> {
    if (this.#process.exitCode === null && this.#process.signalCode === null) {
      this.#process.kill("SIGKILL");
      await this.#ended;
    }
  }

  async close(): Promise<void> {
    await this.kill();
    await rm(this.directory, { recursive: true, force: true });
  }
}
