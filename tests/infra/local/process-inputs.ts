import { join } from "node:path";

export const podinfo = join(import.meta.dirname, "../../../examples/podinfo/server.ts");

/** Inputs of a process that runs the example server. */
export function processInputs(
  directory: string,
  env: Readonly<Record<string, string>> = {},
): Record<string, unknown> & { readonly logFile: string } {
  return {
    directory,
    name: "blue-0",
    command: process.execPath,
    args: [podinfo],
    env: { VERSION: "1", ...env },
    cwd: directory,
    readinessPath: "/readyz",
    readinessTimeoutMs: 20_000,
    stopGraceMs: 3_000,
    logFile: join(directory, "logs", "blue-0.log"),
  };
}
