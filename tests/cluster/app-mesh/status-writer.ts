import { ApiRefusal } from "../api-request.ts";
import type { ApiClient } from "./api-client.ts";
import { desiredFinalizers, desiredStatus, isStatus } from "./status.ts";
import type { Verdict } from "./verdict.ts";

/**
 * Writes verdicts into the objects, beside the passes: a weight never waits for a status. For each object
 * one write is under way at a time; a newer verdict waits for it and replaces one that waits already.
 */
export class StatusWriter {
  readonly #client: ApiClient;
  readonly #onFailure: (error: unknown) => void;
  readonly #waiting = new Map<string, Verdict>();
  readonly #writing = new Map<string, Promise<void>>();

  constructor(client: ApiClient, onFailure: (error: unknown) => void) {
    this.#client = client;
    this.#onFailure = onFailure;
  }

  write(verdicts: readonly Verdict[]): void {
    for (const verdict of verdicts) {
      const { uid } = verdict.object.metadata;
      this.#waiting.set(uid, verdict);
      if (!this.#writing.has(uid)) this.#writing.set(uid, this.#writeAll(uid));
    }
  }

  /** Resolves when nothing is being written. */
  async idle(): Promise<void> {
    await Promise.all(this.#writing.values());
  }

  async #writeAll(uid: string): Promise<void> {
    for (;;) {
      const verdict = this.#waiting.get(uid);
      if (verdict === undefined) break;
      this.#waiting.delete(uid);
      await this.#writeOne(verdict).catch((error: unknown) => {
        // Gone, or changed since it was read: its next event brings a new verdict.
        const code = error instanceof ApiRefusal ? error.status : undefined;
        if (code !== 404 && code !== 409) this.#onFailure(error);
      });
    }
    this.#writing.delete(uid);
  }

  async #writeOne(verdict: Verdict): Promise<void> {
    const { object, isReleased } = verdict;
    const status = desiredStatus(verdict, new Date().toISOString());
    if (!isReleased && !isStatus(object, status)) await this.#client.patchStatus(object, status);
    const finalizers = desiredFinalizers(verdict);
    if (finalizers.join() === object.metadata.finalizers.join()) return;
    await this.#client.patchFinalizers(object, finalizers);
  }
}
