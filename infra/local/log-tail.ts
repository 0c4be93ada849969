import { closeSync, fstatSync, openSync, readSync } from "node:fs";

const tailLines = 10;
const tailBytes = 8_192;

/** The last lines of a log file written at or after the byte `from`; none when it cannot be read. */
export function lastLines(path: string, from: number): string[] {
  let file: number;
  try {
    file = openSync(path, "r");
  } catch {
    return [];
  }
  try {
    const end = fstatSync(file).size;
    const begin = Math.max(Math.min(from, end), end - tailBytes, 0);
    const bytes = Buffer.alloc(end - begin);
    readSync(file, bytes, 0, bytes.length, begin);
    const text = bytes.toString("utf8").trimEnd();
    return text === "" ? [] : text.split("\n").slice(-tailLines);
  } finally {
    closeSync(file);
  }
}
