import { accessSync, constants, statSync } from "node:fs";
import { delimiter, join, resolve } from "node:path";

/** The file a shell would run for `command`: a path as it stands, a bare name from PATH; null when none. */
export function findCommand(command: string, cwd: string, path: string): string | null {
  if (command.includes("/")) {
    const file = resolve(cwd, command);
    return isExecutable(file) ? file : null;
  }
  const found = path
    .split(delimiter)
    .filter((directory) => directory !== "")
    .map((directory) => join(directory, command))
    .find(isExecutable);
  return found ?? null;
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return statSync(file).isFile();
  } catch {
    return false;
  }
}
