import { spawn } from "node:child_process";
import { constants, setPriority } from "node:os";

/** How a command that ran to its end came out. */
export interface CommandResult {
  /** Exit code; 128 plus the signal's number when a signal ended it, as a shell counts. */
  readonly code: number;
  /** Standard output and standard error as they came, at most the last 256 KiB of each. */
  readonly stdout: string;
  readonly stderr: string;
}

/** Settings of `runCommand`. */
export interface CommandOptions {
  readonly cwd?: string;
  readonly env?: NodeJS.ProcessEnv;
  /** The command is killed after this long. */
  readonly timeoutMs: number;
  readonly signal?: AbortSignal | undefined;
  /** Runs at low priority, so that a long build leaves the machine usable. */
  readonly background?: boolean;
}

const keptCharactersMax = 256 * 1024;
const backgroundNiceness = 10;

/**
 * Runs a program without a shell and without input, and returns how it ended.
 * Rejects when it cannot be started (`code` ENOENT, EACCES …), is aborted or overruns its time.
 */
export async function runCommand(
  file: string,
  args: readonly string[],
  options: CommandOptions,
): Promise<CommandResult> {
  options.signal?.throwIfAborted();
  return await new Promise((resolve, reject) => {
    const child = spawn(file, args, {
      cwd: options.cwd,
      env: options.env ?? process.env,
      stdio: ["ignore", "pipe", "pipe"],
    });
    let stdout = "";
    let stderr = "";
    let stopped: Error | undefined;
    child.stdout.setEncoding("utf8").on("data", (text: string) => {
      stdout = (stdout + text).slice(-keptCharactersMax);
    });
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      stderr = (stderr + text).slice(-keptCharactersMax);
    });
    const stop = (reason: Error): void => {
      stopped ??= reason;
      child.kill("SIGKILL");
      // A grandchild may hold the pipes open after the kill; nothing more is wanted from them.
      child.stdout.destroy();
      child.stderr.destroy();
    };
    const timer = setTimeout(() => {
      stop(new Error(`${file} was stopped: it took longer than ${options.timeoutMs / 1000} s`));
    }, options.timeoutMs);
    const onAbort = (): void => {
      stop(new Error(`${file} was stopped`, { cause: options.signal?.reason }));
    };
    options.signal?.addEventListener("abort", onAbort, { once: true });
    const settle = (): void => {
      clearTimeout(timer);
      options.signal?.removeEventListener("abort", onAbort);
    };
    child.once("error", (error) => {
      settle();
      reject(error);
    });
    child.once("close", (code, signal) => {
      settle();
      if (stopped !== undefined) reject(stopped);
      else resolve({ code: code ?? 128 + signalNumber(signal), stdout, stderr });
    });
    if (options.background === true && child.pid !== undefined) lowerPriority(child.pid);
  });
}

/** The last lines of what a command printed, for an error message. */
export function lastLines(result: CommandResult, count: number): string {
  const lines = `${result.stdout}\n${result.stderr}`.split("\n").filter((line) => line !== "");
  return lines.slice(-count).join("\n");
}

function signalNumber(signal: NodeJS.Signals | null): number {
  return signal === null ? 0 : constants.signals[signal];
}

function lowerPriority(pid: number): void {
  try {
    setPriority(pid, backgroundNiceness);
  } catch {
    // It ended already, or the system forbids it: then it runs at the usual priority.
  }
}
