import { randomBytes } from "node:crypto";
import { mkdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";

/**
 * Puts a whole file in its place by rename(2): a reader, and Envoy's file watch, sees the old content or
 * the new one, never a part. Parent directories are made.
 */
export function writeFileAtomically(path: string, content: string): void {
  mkdirSync(dirname(path), { recursive: true });
  const sibling = `${path}.${randomBytes(4).toString("hex")}.tmp`;
  try {
    writeFileSync(sibling, content);
    renameSync(sibling, path);
  } catch (error) {
    rmSync(sibling, { force: true });
    throw error;
  }
}
