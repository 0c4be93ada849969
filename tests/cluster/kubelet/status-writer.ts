import { setTimeout as sleep } from "node:timers/promises";
import type { V1PodStatus } from "@kubernetes/client-node";
import { statusOf, strategicMerge, type KubeletApi } from "./api.ts";
import type { PodKey } from "./pod-key.ts";

/** How long a write that did not reach the API server waits for its next try, in ms. */
const retryMs = 250;

/**
 * Writes one pod's status: one patch at a time, never two in flight, always the newest state, and
 * again after an outage of the API server.
 */
export class StatusWriter {
  readonly #api: KubeletApi;
  readonly #key: PodKey;
  readonly #make: () => V1PodStatus;
  #written = "";
  #dirty = false;
  #writing: Promise<void> = Promise.resolve();
  #isWriting = false;
  #closed = false;

  /** @param make the status as it is now */
  constructor(api: KubeletApi, key: PodKey, make: () => V1PodStatus) {
    this.#api = api;
    this.#key = key;
    this.#make = make;
  }

  /** Says that the status may have changed. */
  mark(): void {
    this.#dirty = true;
    if (this.#isWriting || this.#closed) return;
    this.#isWriting = true;
    this.#writing = this.#writeAll()
      .catch((error: unknown) => console.error(error))
      .finally(() => (this.#isWriting = false));
  }

  /** Resolves when the newest state is written. */
  async flush(): Promise<void> {
    this.mark();
    await this.#writing;
  }

  /** Stops writing; the pod is gone. */
  close(): void {
    this.#closed = true;
  }

  async #writeAll(): Promise<void> {
    while (this.#dirty && !this.#closed) {
      this.#dirty = false;
      const status = this.#make();
      const text = JSON.stringify(status);
      if (text === this.#written) continue;
      if (await this.#write(status)) this.#written = text;
    }
  }

  async #write(status: V1PodStatus): Promise<boolean> {
    const { namespace, name, uid } = this.#key;
    try {
      // The uid makes the patch fail when another pod has the name by now.
      const body = { metadata: { uid }, status: withResets(status) };
      await this.#api.core.patchNamespacedPodStatus({ namespace, name, body }, strategicMerge);
      return true;
    } catch (error) {
      const code = statusOf(error);
      if (code === 404 || code === 409) {
        this.#closed = true;
        return false;
      }
      if (code !== undefined && code < 500) {
        throw new Error(`status of pod ${namespace}/${name} refused`, { cause: error });
      }
      await sleep(retryMs);
      this.#dirty = true;
      return false;
    }
  }
}

/**
 * Conditions are merged by their type, so what a condition no longer says has to be named as null.
 * Addresses are merged too, and a pod gets another when its kubelet is started anew. The lists of
 * container statuses are replaced whole.
 */
function withResets(status: V1PodStatus): object {
  const conditions = status.conditions?.map((condition) =>
    Object.assign({ reason: null, message: null }, condition),
  );
  const podIPs = status.podIPs && [...status.podIPs, { $patch: "replace" }];
  return Object.assign({}, status, { conditions, podIPs });
}
