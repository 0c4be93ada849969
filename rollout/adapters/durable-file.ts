import { randomUUID } from "node:crypto";
import { open, rename, rm } from "node:fs/promises";
import { dirname } from "node:path";

/** What `writeAside` adds to a name: the whole of it, so that another file is never taken for one. */
const asideEnding = /^\.[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\.tmp$/;

/** Only the user: a revision's environment may hold secrets. */
const fileMode = 0o600;

/**
 * Replaces a file as a whole. When it resolves, the new content survives a crash of the machine; when it
 * rejects or the process dies, the file is the old one or the new one, never a part.
 */
export async function replaceFile(path: string, text: string): Promise<void> {
  const temporary = await writeAside(path, text);
  try {
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
  await syncDirectory(dirname(path));
}

/** Writes a complete new file beside `path`, on the same file system, and returns its name. */
export async function writeAside(path: string, text: string): Promise<string> {
  const temporary = `${path}.${randomUUID()}.tmp`;
  try {
    const file = await open(temporary, "wx", fileMode);
    try {
      await file.writeFile(text);
      await file.sync();
    } finally {
      await file.close();
    }
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
  return temporary;
}

/** True for the name of a file that was written aside to become `name`. */
export function isAside(candidate: string, name: string): boolean {
  return candidate.startsWith(name) && asideEnding.test(candidate.slice(name.length));
}

/** Makes names that were just made, moved or removed in a directory survive a crash of the machine. */
async function syncDirectory(path: string): Promise<void> {
  const directory = await open(path, "r");
  try {
    await directory.sync();
  } finally {
    await directory.close();
  }
}

/** The code of a file system error, such as ENOENT; undefined for any other error. */
export function errorCode(error: unknown): string | undefined {
  return error instanceof Error && "code" in error && typeof error.code === "string"
    ? error.code
    : undefined;
}
