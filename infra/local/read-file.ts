import { readFileSync } from "node:fs";

/** The text of a file, or null when there is none. Other faults are thrown. */
export function readFileIfAny(path: string): string | null {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return null;
    throw error;
  }
}

/** The parsed JSON of a file, or null when there is none or it is not JSON. */
export function readJsonIfAny(path: string): unknown {
  const text = readFileIfAny(path);
  if (text === null) return null;
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return null;
  }
}
