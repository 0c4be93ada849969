import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";

/** A start takes about 0.5 s on an idle machine. */
const startBoundMs = 30_000;
const stopBoundMs = 5_000;

/** A process that serves engines, which ends when its standard input does. */
export interface ProviderProcess {
  /** What it said when it was ready. */
  readonly firstLine: string;
  readonly stop: () => Promise<void>;
}

/**
 * Starts a provider as a process of its own, which ends with this one, whatever ends it.
 *
 * @param options.name for the error
 * @param options.env  added to this process's
 * @throws Error with the process's words when it does not start
 */
export async function startProviderProcess(options: {
  readonly name: string;
  readonly script: string;
  readonly args?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}): Promise<ProviderProcess> {
  const child = spawn(process.execPath, [options.script, ...(options.args ?? [])], {
    stdio: ["pipe", "pipe", "pipe"],
    env: { ...process.env, ...options.env },
  });
  let words = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    words = (words + text).slice(-4_000);
  });
  const exited = once(child, "exit");
  const lines = createInterface(child.stdout);
  const firstLine = await Promise.race([
    once(lines, "line", { signal: AbortSignal.timeout(startBoundMs) }).then(([line]) =>
      String(line),
    ),
    exited.then(() => undefined),
  ]).catch(() => undefined);
  if (firstLine === undefined) {
    child.kill("SIGKILL");
    throw new Error(`the ${options.name} provider did not start:\n${words}`);
  }
  return {
    firstLine,
    stop: async () => {
      child.stdin.end();
      const bound = setTimeout(() => child.kill("SIGKILL"), stopBoundMs);
      await exited;
      clearTimeout(bound);
    },
  };
}
