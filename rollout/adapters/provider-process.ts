import { spawn, type ChildProcess } from "node:child_process";
import { createInterface } from "node:readline";
import { OperationError } from "../errors.ts";

/** A provider that says nothing for so long is not coming. Its start takes about 0.5 s. */
const startMaxMs = 20_000;

/**
 * One provider kept alive for a whole drive, attached to each `up` by PULUMI_DEBUG_PROVIDERS, so that a
 * weight step does not pay for its start. It ends by itself when this process ends, however that ends.
 */
export class ProviderProcess {
  readonly port: number;
  readonly #child: ChildProcess;

  private constructor(child: ChildProcess, port: number) {
    this.#child = child;
    this.port = port;
  }

  /** Starts `command` and reads the port that it prints. */
  static async start(
    command: string,
    args: readonly string[],
    environment: Readonly<Record<string, string>>,
  ): Promise<ProviderProcess> {
    const child = spawn(command, [...args], {
      stdio: ["pipe", "pipe", "pipe"],
      env: { ...process.env, ...environment },
      // a Ctrl-C is for the driver, which finishes its step first
      detached: true,
    });
    try {
      return new ProviderProcess(child, await firstPort(child));
    } catch (error) {
      child.kill("SIGKILL");
      throw new OperationError(`cannot start the provider ${command} ${args.join(" ")}`, {
        cause: error,
      });
    }
  }

  stop(): void {
    this.#child.stdin?.end();
    this.#child.kill("SIGTERM");
  }
}

async function firstPort(child: ChildProcess): Promise<number> {
  let said = "";
  child.stderr?.on("data", (chunk: Buffer) => (said = (said + chunk.toString()).slice(-2_000)));
  return new Promise((resolve, reject) => {
    const timer = setTimeout(
      () => reject(new Error(`no port after ${startMaxMs} ms: ${said}`)),
      startMaxMs,
    );
    const settle = (act: () => void): void => {
      clearTimeout(timer);
      act();
    };
    child.once("error", (error) => settle(() => reject(error)));
    child.once("exit", (code) => settle(() => reject(new Error(`ended with ${code}: ${said}`))));
    if (child.stdout === null) return;
    createInterface(child.stdout).on("line", (line) => {
      const port = Number(line.trim());
      if (Number.isInteger(port) && port > 0) settle(() => resolve(port));
    });
  });
}
