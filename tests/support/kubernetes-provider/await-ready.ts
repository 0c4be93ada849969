import type { ApiClient } from "./api-client.ts";
import { followObject } from "./follow-object.ts";
import { type Fields, nameOf, namespaceOf } from "./kubernetes-object.ts";
import type { ReadinessRule } from "./readiness/rules.ts";

/** How often the pods of an object that is not ready are asked why, in ms. */
const problemsIntervalMs = 10_000;

/** The object is there, but not ready. */
export class NotReadyError extends Error {
  override readonly name = "NotReadyError";
  /** What is wrong, one sentence each. */
  readonly errors: readonly string[];
  /** The object as it was last seen. */
  readonly live: Fields;

  constructor(message: string, errors: readonly string[], live: Fields) {
    super(message);
    this.errors = errors;
    this.live = live;
  }
}

/** What to wait for. */
export interface Wait {
  readonly api: ApiClient;
  /** The object as the server answered the change. */
  readonly object: Fields;
  readonly rule: ReadinessRule;
  readonly timeoutMs: number;
  /** How long the companion must not have changed, in ms. */
  readonly settleMs: number;
  /** Ends the wait as cancelled. */
  readonly signal: AbortSignal;
  /** Told what is waited for, each time that changes. */
  readonly onWait: (message: string, severity: "info" | "warning") => void;
}

/**
 * Resolves to the object once it is ready.
 *
 * @throws NotReadyError when the bound is reached or the wait is cancelled
 */
export async function awaitReady(wait: Wait): Promise<Fields> {
  const { api, rule, signal } = wait;
  const deadline = performance.now() + wait.timeoutMs;
  const stop = new AbortController();
  const state = new Observed(wait.object);
  const follow = (collection: string, seen: (object: Fields | undefined) => void): void =>
    void followObject(api, collection, nameOf(wait.object), stop.signal, seen);
  try {
    const companion = rule.companion?.(wait.object);
    if (companion !== undefined) {
      const { apiVersion, kind } = companion;
      const path = await api.collectionPath(apiVersion, kind, namespaceOf(wait.object));
      follow(path, (object) => state.seeCompanion(object));
    }
    let isFollowing = false;
    let problemsAt = performance.now() + problemsIntervalMs;
    for (;;) {
      const { version } = state;
      const verdict = rule.verdict(state.object, state.companion);
      const unsettledMs =
        companion === undefined ? 0 : state.companionChangedAt + wait.settleMs - performance.now();
      if (verdict.ready && unsettledMs <= 0) return state.object;
      if (!verdict.ready) wait.onWait(verdict.waitingFor, "info");
      const now = performance.now();
      if (signal.aborted || now >= deadline) {
        if (verdict.ready) return state.object;
        throw await failure(wait, state.object, verdict.errors);
      }
      if (now >= problemsAt) {
        problemsAt = now + problemsIntervalMs;
        for (const problem of await problemsOf(wait, state.object)) wait.onWait(problem, "warning");
      }
      if (!isFollowing) {
        // Most objects are ready at once and need no watch.
        isFollowing = true;
        follow(await api.collectionOf(wait.object), (object) => state.seeObject(object));
      }
      const pauseMs = Math.min(
        deadline - now,
        problemsAt - now,
        verdict.ready ? unsettledMs : Infinity,
      );
      await state.change(version, Math.max(pauseMs, 1), signal);
    }
  } finally {
    stop.abort();
  }
}

async function failure(
  wait: Wait,
  object: Fields,
  errors: readonly string[],
): Promise<NotReadyError> {
  const name = nameOf(object);
  const message = wait.signal.aborted
    ? `Resource operation was cancelled for "${name}"`
    : `'${name}' timed out waiting to be Ready`;
  const problems = await problemsOf(wait, object);
  return new NotReadyError(message, [...errors, ...problems], object);
}

/** What the pods of an object say about themselves. */
export async function problemsOf(
  { api, rule }: Pick<Wait, "api" | "rule">,
  object: Fields,
): Promise<readonly string[]> {
  try {
    return (await rule.problems?.(api, object)) ?? [];
  } catch {
    // Without its pods an object still has its own conditions to tell.
    return [];
  }
}

/** The newest versions seen, and whoever waits for a newer one. */
class Observed {
  object: Fields;
  companion: Fields | undefined;
  companionChangedAt = performance.now();
  /** Counts what was seen. */
  version = 0;
  #wake: () => void = () => undefined;

  constructor(object: Fields) {
    this.object = object;
  }

  seeObject(object: Fields | undefined): void {
    // An object that was deleted meanwhile stays as it was, until the bound.
    if (object !== undefined) this.object = object;
    this.#changed();
  }

  seeCompanion(object: Fields | undefined): void {
    this.companion = object;
    this.companionChangedAt = performance.now();
    this.#changed();
  }

  #changed(): void {
    this.version += 1;
    this.#wake();
  }

  /** Resolves at a change since `version`, the end of the pause or the signal. */
  async change(version: number, pauseMs: number, signal: AbortSignal): Promise<void> {
    if (version !== this.version || signal.aborted) return;
    await new Promise<void>((resolve) => {
      const done = (): void => {
        clearTimeout(timer);
        signal.removeEventListener("abort", done);
        resolve();
      };
      const timer = setTimeout(done, pauseMs);
      this.#wake = done;
      signal.addEventListener("abort", done);
    });
  }
}
