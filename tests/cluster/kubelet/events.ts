import type { KubeletApi } from "./api.ts";
import type { PodKey } from "./pod-key.ts";

/** Who reports an event. */
export type EventSource = "kubelet" | "default-scheduler";

interface Seen {
  readonly name: string;
  count: number;
}

/**
 * Reports events about pods, as `kubectl describe pod` shows them. An event that repeats is counted,
 * not written anew. An event that cannot be written is lost, as on a real node.
 */
export class Events {
  readonly #api: KubeletApi;
  readonly #seen = new Map<string, Seen>();
  #last = 0;

  constructor(api: KubeletApi) {
    this.#api = api;
  }

  report(
    source: EventSource,
    pod: PodKey,
    type: "Normal" | "Warning",
    reason: string,
    message: string,
  ): void {
    const id = `${pod.uid} ${reason} ${message}`;
    const seen = this.#seen.get(id);
    const { namespace } = pod;
    const now = new Date();
    if (seen !== undefined) {
      seen.count += 1;
      const body = { count: seen.count, lastTimestamp: now };
      this.#api.core.patchNamespacedEvent({ name: seen.name, namespace, body }).catch(lost);
      return;
    }
    const name = `${pod.name}.${Date.now().toString(16)}${(this.#last += 1).toString(16)}`;
    this.#seen.set(id, { name, count: 1 });
    this.#api.core
      .createNamespacedEvent({
        namespace,
        body: {
          metadata: { name, namespace },
          involvedObject: { apiVersion: "v1", kind: "Pod", ...pod },
          type,
          reason,
          message,
          count: 1,
          firstTimestamp: now,
          lastTimestamp: now,
          source: { component: source },
          reportingComponent: source,
        },
      })
      .catch(lost);
  }
}

function lost(): void {
  // Events are best effort.
}
