import type { V1Container, V1Pod } from "@kubernetes/client-node";
import { findClaim, statusOf, strategicMerge, type KubeletApi } from "./api.ts";
import type { KubeletConfig } from "./config.ts";
import type { Events } from "./events.ts";
import { podKey, type PodKey } from "./pod-key.ts";
import { parseQuantity } from "./quantities.ts";

/** How often pods that did not fit are tried again, in ms; a pod that leaves triggers a try at once. */
const retryMs = 2_000;

/** Node labels a pod may select by. */
type Labels = Readonly<Record<string, string>>;

interface Amounts {
  cpu: number;
  memory: number;
  pods: number;
}

/**
 * Binds pending pods to the one node, as long as their requests fit, and says in the scheduler's
 * words why others wait.
 */
export class Binder {
  readonly #api: KubeletApi;
  readonly #config: KubeletConfig;
  readonly #events: Events;
  readonly #capacity: Amounts;
  readonly #labels: Labels;
  readonly #bound = new Map<string, Amounts>();
  readonly #waiting = new Map<string, V1Pod>();
  readonly #said = new Map<string, string>();
  #queue: Promise<void> = Promise.resolve();

  constructor(api: KubeletApi, config: KubeletConfig, events: Events, signal: AbortSignal) {
    this.#api = api;
    this.#config = config;
    this.#events = events;
    const { cpu, memory, pods } = config.capacity;
    this.#capacity = {
      cpu: parseQuantity(cpu),
      memory: parseQuantity(memory),
      pods: parseQuantity(pods),
    };
    this.#labels = { "kubernetes.io/hostname": config.nodeName, "kubernetes.io/os": "linux" };
    const timer = setInterval(() => this.#tryAll(), retryMs);
    signal.addEventListener("abort", () => clearInterval(timer), { once: true });
  }

  /** A pod was added or changed: counts it when it is bound, binds it when it is not. */
  see(pod: V1Pod): void {
    const { uid } = podKey(pod);
    const phase = pod.status?.phase;
    if (phase === "Succeeded" || phase === "Failed") return this.forget(pod);
    if (pod.spec?.nodeName !== undefined) {
      this.#bound.set(uid, requestsOf(pod));
      this.#waiting.delete(uid);
      return;
    }
    if (pod.metadata?.deletionTimestamp !== undefined) return;
    if ((pod.spec?.schedulingGates ?? []).length > 0) return;
    const isNew = !this.#waiting.has(uid);
    this.#waiting.set(uid, pod);
    if (isNew) this.#enqueue(uid);
  }

  /** A pod is gone: its room is free. */
  forget(pod: V1Pod): void {
    const { uid } = podKey(pod);
    this.#waiting.delete(uid);
    this.#said.delete(uid);
    if (this.#bound.delete(uid)) this.#tryAll();
  }

  #tryAll(): void {
    for (const uid of this.#waiting.keys()) this.#enqueue(uid);
  }

  /** One pod after the other, so that two cannot take the same room. */
  #enqueue(uid: string): void {
    this.#queue = this.#queue
      .then(async () => {
        const pod = this.#waiting.get(uid);
        if (pod !== undefined) await this.#place(pod);
      })
      // The pod stays among the waiting and is tried again.
      .catch((error: unknown) => console.error(error));
  }

  async #place(pod: V1Pod): Promise<void> {
    const key = podKey(pod);
    const obstacle = (await this.#claimsAreBound(pod))
      ? this.#obstacle(pod)
      : "pod has unbound immediate PersistentVolumeClaims";
    if (obstacle !== undefined) return this.#refuse(key, obstacle);
    this.#bound.set(key.uid, requestsOf(pod));
    this.#waiting.delete(key.uid);
    try {
      await this.#api.core.createNamespacedPodBinding({
        name: key.name,
        namespace: key.namespace,
        body: {
          metadata: { name: key.name, uid: key.uid },
          target: { kind: "Node", name: this.#config.nodeName },
        },
      });
    } catch (error) {
      const code = statusOf(error);
      // Gone, or bound by someone else.
      if (code === 404 || code === 409) return;
      this.#bound.delete(key.uid);
      this.#waiting.set(key.uid, pod);
      throw error;
    }
  }

  async #claimsAreBound(pod: V1Pod): Promise<boolean> {
    const { namespace } = podKey(pod);
    for (const { persistentVolumeClaim: volume } of pod.spec?.volumes ?? []) {
      if (volume === undefined) continue;
      const claim = await findClaim(this.#api, namespace, volume.claimName);
      if (claim?.status?.phase !== "Bound") return false;
    }
    return true;
  }

  #obstacle(pod: V1Pod): string | undefined {
    for (const [name, value] of Object.entries(pod.spec?.nodeSelector ?? {})) {
      if (this.#labels[name] !== value) return "node(s) didn't match Pod's node affinity/selector";
    }
    const used: Amounts = { cpu: 0, memory: 0, pods: 0 };
    for (const amounts of this.#bound.values()) addTo(used, amounts);
    const wanted = requestsOf(pod);
    if (used.pods + wanted.pods > this.#capacity.pods) return "Too many pods";
    if (used.cpu + wanted.cpu > this.#capacity.cpu) return "Insufficient cpu";
    if (used.memory + wanted.memory > this.#capacity.memory) return "Insufficient memory";
    return undefined;
  }

  async #refuse({ namespace, name, uid }: PodKey, obstacle: string): Promise<void> {
    const message =
      `0/1 nodes are available: 1 ${obstacle}. no new claims to deallocate, ` +
      "preemption: 0/1 nodes are available: 1 Preemption is not helpful for scheduling.";
    if (this.#said.get(uid) === message) return;
    const since = new Date();
    const condition = {
      type: "PodScheduled",
      status: "False",
      reason: "Unschedulable",
      message,
      lastTransitionTime: since,
    };
    const body = { metadata: { uid }, status: { conditions: [condition] } };
    await this.#api.core.patchNamespacedPodStatus({ namespace, name, body }, strategicMerge);
    this.#said.set(uid, message);
    const key = { namespace, name, uid };
    this.#events.report("default-scheduler", key, "Warning", "FailedScheduling", message);
  }
}

/** What a pod asks for: its containers together, or its largest init container if that is more. */
function requestsOf(pod: V1Pod): Amounts {
  const sum: Amounts = { cpu: 0, memory: 0, pods: 1 };
  for (const container of pod.spec?.containers ?? []) addTo(sum, requestsOfContainer(container));
  const inits = pod.spec?.initContainers ?? [];
  for (const sidecar of inits.filter(({ restartPolicy }) => restartPolicy === "Always")) {
    addTo(sum, requestsOfContainer(sidecar));
  }
  for (const init of inits.map(requestsOfContainer)) {
    sum.cpu = Math.max(sum.cpu, init.cpu);
    sum.memory = Math.max(sum.memory, init.memory);
  }
  return sum;
}

function requestsOfContainer({ resources }: V1Container): Amounts {
  const { cpu = "0", memory = "0" } = resources?.requests ?? {};
  return { cpu: parseQuantity(cpu), memory: parseQuantity(memory), pods: 0 };
}

function addTo(sum: Amounts, amounts: Amounts): void {
  sum.cpu += amounts.cpu;
  sum.memory += amounts.memory;
  sum.pods += amounts.pods;
}
