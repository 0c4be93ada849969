import type { V1Pod } from "@kubernetes/client-node";
import { podAddress } from "../addresses.ts";
import { Pod, type NodeContext } from "./pod.ts";
import { podKey } from "./pod-key.ts";

/** All pods bound to this node. */
export class Pods {
  readonly #node: NodeContext;
  readonly #byUid = new Map<string, Pod>();
  #nextAddress = 0;

  constructor(node: NodeContext) {
    this.#node = node;
  }

  /** A pod of this node was added or changed. */
  see(pod: V1Pod): void {
    const { uid } = podKey(pod);
    const known = this.#byUid.get(uid);
    if (known !== undefined) return known.update(pod);
    const phase = pod.status?.phase;
    if (phase === "Succeeded" || phase === "Failed") return;
    // Addresses are never used twice, so a late request to a pod that is gone meets no other.
    const begun = new Pod(pod, podAddress((this.#nextAddress += 1)), this.#node);
    this.#byUid.set(uid, begun);
    void begun.gone.then(() => this.#byUid.delete(uid));
    begun.update(pod);
  }

  /** A pod was removed from the API without waiting for this node: ends it at once. */
  forget(pod: V1Pod): void {
    this.#byUid.get(podKey(pod).uid)?.end(0);
  }

  /** Leaves the addresses alone that an earlier kubelet gave out. */
  skipAddresses(count: number): void {
    this.#nextAddress = Math.max(this.#nextAddress, count);
  }

  all(): Pod[] {
    return [...this.#byUid.values()];
  }

  find(namespace: string, name: string): Pod | undefined {
    return this.all().find(({ key }) => key.namespace === namespace && key.name === name);
  }

  /** Kills every container at once: this node ends. */
  killAll(): void {
    for (const { sessionId } of this.all().flatMap((pod) => pod.running())) {
      try {
        process.kill(-sessionId, "SIGKILL");
      } catch {
        // It has just ended.
      }
    }
  }
}
