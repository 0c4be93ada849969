import { randomUUID } from "node:crypto";
import { link, mkdir, readdir, readFile, rename, rm } from "node:fs/promises";
import { basename, join } from "node:path";
import { z } from "zod";
import type { Command } from "../core/decide.ts";
import type { RolloutRecord } from "../core/state.ts";
import { UserError } from "../errors.ts";
import type { LockHolder, LockResult, StateStore } from "../ports.ts";
import { errorCode, isAside, replaceFile } from "./durable-file.ts";
import { FileLock } from "./file-lock.ts";
import { parseRecord } from "./record-schema.ts";

export interface FileStoreOptions {
  /** Made when missing. Every process that may drive must see the same one. */
  readonly directory: string;
  /** Begins the names of the files; one service stack has one. */
  readonly name: string;
}

const commandSchema = z.strictObject({
  command: z.enum(["promote", "promoteFull", "rollback"]),
  /** Tells one giving of the command from the next. */
  token: z.uuid(),
});

/**
 * The record, the lock and the command of one service stack as files in a directory:
 * `NAME.json`, `NAME.lock`, `NAME.command`. Only the user may read them.
 */
export class FileStore implements StateStore {
  readonly #directory: string;
  readonly #recordPath: string;
  readonly #lockPath: string;
  readonly #commandPath: string;
  #lock: FileLock | null = null;
  /** Token of the command that was read last, which is the one to clear. */
  #commandRead: string | null = null;

  /** Throws a UserError when the name cannot begin a file's name. */
  constructor({ directory, name }: FileStoreOptions) {
    if (!/^[\w.-]+$/.test(name) || name.startsWith(".")) {
      throw new UserError(
        `"${name}" cannot name the files of a rollout record; use letters, digits, "-", "_" and "."`,
      );
    }
    this.#directory = directory;
    this.#recordPath = join(directory, `${name}.json`);
    this.#lockPath = join(directory, `${name}.lock`);
    this.#commandPath = join(directory, `${name}.command`);
  }

  async load(): Promise<RolloutRecord | null> {
    const text = await this.#read(this.#recordPath);
    if (text === null) return null;
    const toGoOn =
      `To go on without it: mv '${this.#recordPath}' '${this.#recordPath}.broken', ` +
      "then run the command again; upramp then takes what the stack shows as it is.";
    return parseRecord(text, this.#recordPath, toGoOn);
  }

  async save(record: RolloutRecord): Promise<void> {
    if (this.#lock !== null && !(await this.#lock.check())) {
      throw new UserError(
        `the lock ${this.#lockPath} was taken away while this process held it; nothing more is saved or changed. ` +
          "Run `upramp status` to see who drives now.",
      );
    }
    await this.#change("save the rollout record", this.#recordPath, async () => {
      await replaceFile(this.#recordPath, `${JSON.stringify(record)}\n`);
    });
  }

  async lock(): Promise<LockResult> {
    return this.#change("take the lock", this.#lockPath, async () => {
      const result = await FileLock.take(this.#lockPath);
      if (result.kind === "locked") {
        this.#lock = result.lock;
        await this.#sweep();
      }
      return result;
    });
  }

  /** Removes what a killed holder was about to save. Only the holder of the lock saves records. */
  async #sweep(): Promise<void> {
    const names = await readdir(this.#directory);
    const left = names.filter((name) => isAside(name, basename(this.#recordPath)));
    await Promise.all(left.map((name) => rm(join(this.#directory, name), { force: true })));
  }

  async holder(): Promise<LockHolder | null> {
    try {
      return await FileLock.holder(this.#lockPath);
    } catch (error) {
      throw this.#explained("read the lock", this.#lockPath, error);
    }
  }

  async sendCommand(command: Command): Promise<void> {
    const content: z.infer<typeof commandSchema> = { command, token: randomUUID() };
    await this.#change("leave the command", this.#commandPath, async () => {
      await replaceFile(this.#commandPath, `${JSON.stringify(content)}\n`);
    });
  }

  async readCommand(): Promise<Command | null> {
    const text = await this.#read(this.#commandPath);
    const content = text === null ? null : this.#parseCommand(text);
    this.#commandRead = content?.token ?? null;
    return content?.command ?? null;
  }

  /** A command that was left after the last read stays. */
  async clearCommand(): Promise<void> {
    if (this.#commandRead === null) return;
    const aside = `${this.#commandPath}.${randomUUID()}.tmp`;
    try {
      await rename(this.#commandPath, aside);
    } catch (error) {
      if (errorCode(error) === "ENOENT") return;
      throw this.#explained("clear the command", this.#commandPath, error);
    }
    const text = await this.#read(aside);
    if (text !== null && this.#parseCommand(text).token !== this.#commandRead) {
      // a newer one: put it back, unless a still newer one has come
      await link(aside, this.#commandPath).catch((error: unknown) => {
        if (errorCode(error) !== "EEXIST") throw error;
      });
    }
    await rm(aside, { force: true });
    this.#commandRead = null;
  }

  #parseCommand(text: string): z.infer<typeof commandSchema> {
    try {
      return commandSchema.parse(JSON.parse(text));
    } catch (error) {
      throw new UserError(
        `${this.#commandPath} holds no command of this upramp's. Remove it: rm '${this.#commandPath}', ` +
          "then give the command again.",
        { cause: error },
      );
    }
  }

  async #read(path: string): Promise<string | null> {
    try {
      return await readFile(path, "utf8");
    } catch (error) {
      if (errorCode(error) === "ENOENT") return null;
      throw this.#explained("read", path, error);
    }
  }

  /** Does one change in the directory, made first when missing; says what a failure means. */
  async #change<T>(what: string, path: string, act: () => Promise<T>): Promise<T> {
    try {
      await mkdir(this.#directory, { recursive: true, mode: 0o700 });
      return await act();
    } catch (error) {
      throw this.#explained(what, path, error);
    }
  }

  #explained(what: string, path: string, error: unknown): unknown {
    const code = errorCode(error);
    if (code === undefined || error instanceof UserError) return error;
    const remedy = remedies[code] ?? "See to the file system, then run the command again.";
    return new UserError(
      `cannot ${what} (${path}): ${code}. What was saved before is kept as it is. ${remedy}`,
      { cause: error },
    );
  }
}

const noSpace = "The disk is full: free some space, then run the command again.";
const noAccess =
  "This user may not write there: mend the permissions of the directory, then run the command again.";

/** What to do about the file system errors that users meet. */
const remedies: Readonly<Record<string, string>> = {
  ENOSPC: noSpace,
  EDQUOT: "The disk quota is used up: free some space, then run the command again.",
  EFBIG: "The file size limit (ulimit -f) is too low: raise it, then run the command again.",
  EACCES: noAccess,
  EPERM: noAccess,
  EROFS: "The file system is read-only: mount it for writing, then run the command again.",
  ENOTDIR: "A part of the path is a file: move it away, then run the command again.",
  EEXIST: "A file stands where the directory should be: move it away, then run the command again.",
};
