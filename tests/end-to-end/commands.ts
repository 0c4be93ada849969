import { spawn, type ChildProcessByStdio } from "node:child_process";
import { join } from "node:path";
import type { Readable } from "node:stream";
import { packageDirectory } from "../../rollout/cli/project.ts";

/** What a finished command said. */
export interface Finished {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** A command as a user would start it, running as a child process. */
export class RunningCommand {
  readonly done: Promise<Finished>;
  readonly #child: ChildProcessByStdio<null, Readable, Readable>;
  #stdout = "";
  #stderr = "";

  constructor(command: string, args: readonly string[], env: NodeJS.ProcessEnv, cwd: string) {
    this.#child = spawn(command, [...args], { cwd, env, stdio: ["ignore", "pipe", "pipe"] });
    this.#child.stdout.on("data", (chunk: Buffer) => (this.#stdout += chunk.toString()));
    this.#child.stderr.on("data", (chunk: Buffer) => (this.#stderr += chunk.toString()));
    this.done = new Promise((resolve, reject) => {
      this.#child.once("error", reject);
      this.#child.once("close", (code) => {
        resolve({ code, stdout: this.#stdout, stderr: this.#stderr });
      });
    });
  }

  /** Signals this process only, as the kernel's out-of-memory killer would. */
  kill(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  /** Resolves when the output has the text; rejects when the command ends without it or time is up. */
  async said(text: string, withinMs = 60_000): Promise<void> {
    const giveUpAt = Date.now() + withinMs;
    let ended = false;
    void this.done.then(() => (ended = true));
    while (!(this.#stdout + this.#stderr).includes(text)) {
      if (ended || Date.now() > giveUpAt) {
        throw new Error(`"${text}" was not said:\n${this.#stdout}\n${this.#stderr}`);
      }
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }
}

/** `upramp …` in a project folder. */
export function upramp(
  directory: string,
  env: Readonly<Record<string, string>>,
  ...args: readonly string[]
): RunningCommand {
  const main = join(packageDirectory, "rollout", "cli", "main.ts");
  const full = [main, "-C", directory, ...args];
  return new RunningCommand(process.execPath, full, { ...process.env, ...env }, directory);
}

/** A plain `pulumi …`, as from another shell: the program runs through the language host. */
export function pulumi(
  directory: string,
  env: Readonly<Record<string, string>>,
  ...args: readonly string[]
): RunningCommand {
  const main = join(packageDirectory, "tools", "pulumi.ts");
  const full = [main, "-C", directory, ...args];
  return new RunningCommand(process.execPath, full, { ...process.env, ...env }, directory);
}
