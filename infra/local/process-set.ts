import { readdirSync } from "node:fs";
import { basename, join } from "node:path";
import { stopProcess } from "./managed-process.ts";
import { findRun, removeRun, runDirectory } from "./run-file.ts";

/** Nobody waits for what is left of an interrupted update; it still may answer its open requests. */
const leftoverGraceMs = 2_000;

/** Names of the processes that run from this directory and are not among the expected ones. */
export function unexpectedProcesses(directory: string, expected: readonly string[]): string[] {
  let files: string[];
  try {
    files = readdirSync(runDirectory(directory));
  } catch {
    return [];
  }
  return files
    .filter((file) => file.endsWith(".json"))
    .map((file) => basename(file, ".json"))
    .filter((name) => !expected.includes(name))
    .filter((name) => findRun(join(runDirectory(directory), `${name}.json`)) !== null);
}

/** Ends every process that runs from this directory and is not among the expected ones. */
export async function stopAllBut(directory: string, expected: readonly string[]): Promise<void> {
  await Promise.all(
    unexpectedProcesses(directory, expected).map(async (name) => {
      const file = join(runDirectory(directory), `${name}.json`);
      const found = findRun(file);
      if (found !== null) await stopProcess(found.identity, leftoverGraceMs);
      removeRun(file);
    }),
  );
}
