import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { UserError } from "../../rollout/errors.ts";
import { getTool } from "../../tools/get.ts";
import { progressTo } from "../../tools/progress.ts";

const startBoundMs = 30_000;
const stopBoundMs = 5_000;

/** A stand-in for AWS that runs. */
export interface Moto {
  readonly kind: "running";
  /** Serves every service; which one a call is for is in its signature. */
  readonly url: string;
  readonly stop: () => Promise<void>;
}

/** Why there is no stand-in for AWS on this machine. */
export interface NoMoto {
  readonly kind: "none";
  readonly reason: string;
}

/**
 * Starts moto on loopback at a free port, as a process of its own. It is got first where it is not there; where it cannot
 * be had, that is told instead.
 *
 * @throws Error with the process's words when it does not start
 */
export async function startMoto(): Promise<Moto | NoMoto> {
  let site: string;
  try {
    site = (await getTool("moto", progressTo(process.stderr))).path;
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    return { kind: "none", reason: error.message };
  }
  const child = spawn("python3", ["-m", "moto.server", "-H", "127.0.0.1", "-p", "0"], {
    // where it listens and what it was asked are told on standard error
    stdio: ["ignore", "ignore", "pipe"],
    env: { ...process.env, PYTHONPATH: site, PYTHONUNBUFFERED: "1" },
  });
  const exited = once(child, "exit");
  process.once("exit", () => child.kill("SIGKILL"));
  let words = "";
  const bound = AbortSignal.timeout(startBoundMs);
  const url = await new Promise<string | undefined>((resolve) => {
    createInterface(child.stderr).on("line", (line) => {
      words = `${words}${line}\n`.slice(-4_000);
      const found = / \* Running on (http:\/\/\S+)/.exec(line)?.[1];
      if (found !== undefined) resolve(found);
    });
    void exited.then(
      () => resolve(undefined),
      () => resolve(undefined),
    );
    bound.addEventListener("abort", () => resolve(undefined));
  });
  const stop = async (): Promise<void> => {
    child.kill("SIGTERM");
    const timer = setTimeout(() => child.kill("SIGKILL"), stopBoundMs);
    await exited;
    clearTimeout(timer);
  };
  if (url !== undefined) return { kind: "running", url, stop };
  child.kill("SIGKILL");
  throw new Error(`moto (PYTHONPATH=${site}) did not start:\n${words}`);
}
