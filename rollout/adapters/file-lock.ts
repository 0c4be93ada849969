import { randomUUID } from "node:crypto";
import { link, readFile, rename, rm } from "node:fs/promises";
import { userInfo } from "node:os";
import { setTimeout as sleep } from "node:timers/promises";
import { z } from "zod";
import { UserError } from "../errors.ts";
import type { Lock, LockHolder, LockResult } from "../ports.ts";
import { errorCode, writeAside } from "./durable-file.ts";
import { parseJson } from "./parse-json.ts";
import { livenessOf, ownIdentity, processIdentitySchema } from "./process-identity.ts";

/** What stands in a lock file. The token tells one taking of the lock from every other. */
const contentSchema = z.strictObject({
  token: z.uuid(),
  user: z.string(),
  since: z.number(),
  process: processIdentitySchema,
});
type Content = z.infer<typeof contentSchema>;

/** Others who come and go at the same moment make a try worthless; each such time somebody got on. */
const triesMax = 50;
const triesApartMs = 20;

/** How often a held lock is looked at, so that a driver whose lock was broken stops soon. */
const watchMs = 1_000;

/**
 * A lock as a file with its holder in it, for processes that share a directory.
 *
 * It is made by link(2), so it appears whole, and for one process only. The lock of a dead holder passes
 * on by a second such file named after the dead holder's token, `LOCK.after-TOKEN`: of all who see the
 * same dead holder exactly one can make it. That one then renames its own content over the lock and removes
 * the second file. Who made the second file late, after the lock has passed on, sees another token
 * in the lock, and has lost.
 */
export class FileLock implements Lock {
  readonly #path: string;
  readonly #content: Content;
  readonly #lost = new AbortController();
  readonly #watch: NodeJS.Timeout;

  private constructor(path: string, content: Content) {
    this.#path = path;
    this.#content = content;
    this.#watch = setInterval(() => void this.check(), watchMs).unref();
  }

  get lost(): AbortSignal {
    return this.#lost.signal;
  }

  /** Takes the lock, or says who has it. The directory must exist. */
  static async take(
    path: string,
  ): Promise<LockResult & ({ readonly lock: FileLock } | { readonly kind: "held" })> {
    const content: Content = {
      token: randomUUID(),
      user: userName(),
      since: Date.now(),
      process: await ownIdentity(),
    };
    const own = await writeAside(path, JSON.stringify(content));
    try {
      for (let tries = 1; tries <= triesMax; tries += 1) {
        const result = await tryToTake(path, own, content);
        if (result === "taken") return { kind: "locked", lock: new FileLock(path, content) };
        if (result !== "again") return { kind: "held", holder: result };
        await sleep(triesApartMs);
      }
    } finally {
      await rm(own, { force: true });
    }
    throw new UserError(
      `cannot take the lock ${path}: it changes hands all the time; try again in a moment`,
    );
  }

  /** Who holds the lock at `path`; null when nobody does, or only one who has died. */
  static async holder(path: string): Promise<LockHolder | null> {
    const first = await read(path);
    return first === null ? null : livingHolder(path, await lastAfter(path, first));
  }

  /** Looks whether the lock is still this one; aborts `lost` when not. True while it is held. */
  async check(): Promise<boolean> {
    if (this.#lost.signal.aborted) return false;
    if (await this.#isOurs()) return true;
    clearInterval(this.#watch);
    this.#lost.abort(new Error("another driver has taken it"));
    return false;
  }

  async release(): Promise<void> {
    clearInterval(this.#watch);
    const found = await read(this.#path).catch(() => null);
    if (found?.token === this.#content.token) await rm(this.#path, { force: true });
  }

  async #isOurs(): Promise<boolean> {
    try {
      return (await read(this.#path))?.token === this.#content.token;
    } catch (error) {
      // a disk that fails for a moment gives the lock to nobody; a file that is not a lock has replaced ours
      return !(error instanceof UserError);
    }
  }
}

/** One try. `again`: somebody else moved in between, and whose lock it is must be looked at anew. */
async function tryToTake(
  path: string,
  own: string,
  content: Content,
): Promise<"taken" | "again" | LockHolder> {
  if (await linkNew(own, path)) return "taken";
  const first = await read(path);
  if (first === null) return "again";
  const last = await lastAfter(path, first);
  const holder = await livingHolder(path, last);
  if (holder !== null) return holder;
  const after = afterPath(path, last.token);
  if (!(await linkNew(own, after))) return "again";
  const still = await read(path);
  if (still === null || (await lastAfter(path, still)).token !== content.token) {
    await rm(after, { force: true });
    return "again";
  }
  await passOn(path, own, still);
  return "taken";
}

/** Puts our content in the lock's place, then removes the marks that led to it. */
async function passOn(path: string, own: string, from: Content): Promise<void> {
  const marks = await chainFrom(path, from);
  await rename(own, path);
  for (const { token } of marks) await rm(afterPath(path, token), { force: true });
}

/** The holder at the end of the chain: one who died before its rename has itself been succeeded. */
async function lastAfter(path: string, first: Content): Promise<Content> {
  return (await chainFrom(path, first)).at(-1) ?? first;
}

async function chainFrom(path: string, first: Content): Promise<Content[]> {
  const chain = [first];
  const seen = new Set([first.token]);
  for (let next = await read(afterPath(path, first.token)); next !== null;) {
    if (seen.has(next.token)) break;
    seen.add(next.token);
    chain.push(next);
    next = await read(afterPath(path, next.token));
  }
  return chain;
}

function afterPath(path: string, token: string): string {
  return `${path}.after-${token}`;
}

/** False when the name is taken. */
async function linkNew(from: string, to: string): Promise<boolean> {
  try {
    await link(from, to);
    return true;
  } catch (error) {
    if (errorCode(error) === "EEXIST") return false;
    throw error;
  }
}

/** Null when there is none. Throws a UserError when it is not a lock of ours. */
async function read(path: string): Promise<Content | null> {
  let text: string;
  try {
    text = await readFile(path, "utf8");
  } catch (error) {
    if (errorCode(error) === "ENOENT") return null;
    throw error;
  }
  const parsed = contentSchema.safeParse(parseJson(text));
  if (parsed.success) return parsed.data;
  throw new UserError(
    `the lock ${path} does not say who holds it, so upramp did not write it, or a newer one did. ` +
      `When no other upramp drives this service: rm '${path}'`,
  );
}

/** Null when the holder is proven to be dead. */
async function livingHolder(path: string, content: Content): Promise<LockHolder | null> {
  const { user, since, process: holder } = content;
  const who = `${user} on ${holder.host}, process ${holder.pid}`;
  switch (await livenessOf(holder)) {
    case "dead":
      return null;
    case "alive":
      return { who, since };
    case "unknown": {
      const hint = `cannot be seen from here; when it has surely ended: rm '${path}'`;
      return { who: `${who} (${hint})`, since };
    }
  }
}

function userName(): string {
  try {
    return userInfo().username;
  } catch {
    // a container may run under an id that has no name
    return `user ${process.getuid?.() ?? "?"}`;
  }
}
