import { rmSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type {
  V1Container,
  V1ContainerStatus,
  V1Pod,
  V1PodCondition,
} from "@kubernetes/client-node";
import { nodeAddress } from "../addresses.ts";
import { statusOf, type KubeletApi } from "./api.ts";
import { Container, type ContainerContext } from "./container.ts";
import type { PodFacts } from "./environment.ts";
import type { Events } from "./events.ts";
import type { ImageTable } from "./images.ts";
import { podKey, type PodKey } from "./pod-key.ts";
import { podStatus } from "./status.ts";
import { StatusWriter } from "./status-writer.ts";
import { PodVolumes } from "./volumes.ts";

/** How often a volume whose source is missing is tried again, in ms. */
const volumeRetryMs = 1_000;

/** How often a start that waits for another container looks again, in ms. */
const startedPollMs = 50;

/** How often mounted ConfigMaps and Secrets are brought up to date, in ms. A real node takes a minute. */
const refreshMs = 5_000;

/** How long the deletion of a pod that could not be confirmed waits for its next try, in ms. */
const deleteRetryMs = 250;

/** What all pods of the node share. */
export interface NodeContext {
  readonly api: KubeletApi;
  readonly nodeName: string;
  readonly images: ImageTable;
  readonly events: Events;
  readonly baseEnv: Readonly<Record<string, string>>;
  /** Folder of the node's pods. */
  readonly folder: string;
}

/** One pod on this node, from its binding to its removal. */
export class Pod {
  readonly key: PodKey;
  readonly ip: string;
  /** Resolves when nothing of it is left here. */
  readonly gone: Promise<void>;
  readonly #node: NodeContext;
  readonly #folder: string;
  readonly #startTime: Date;
  readonly #initContainers: readonly Container[];
  readonly #containers: readonly Container[];
  readonly #volumes: PodVolumes;
  readonly #writer: StatusWriter;
  readonly #ending = new AbortController();
  readonly #settled = Promise.withResolvers<undefined>();
  #latest: V1Pod;
  #conditions: readonly V1PodCondition[];
  #networkReady = false;
  #graceMs = Number.POSITIVE_INFINITY;

  constructor(pod: V1Pod, ip: string, node: NodeContext) {
    this.key = podKey(pod);
    this.ip = ip;
    this.gone = this.#settled.promise.then(() => undefined);
    this.#node = node;
    this.#latest = pod;
    this.#conditions = pod.status?.conditions ?? [];
    this.#folder = join(node.folder, `${this.key.namespace}_${this.key.name}_${this.key.uid}`);
    const started = pod.status?.startTime;
    this.#startTime = started === undefined ? new Date() : new Date(started);
    const facts = { pod, podIp: ip, nodeName: node.nodeName, nodeIp: nodeAddress };
    this.#volumes = new PodVolumes(node.api, facts, join(this.#folder, "volumes"));
    const initSpecs = pod.spec?.initContainers ?? [];
    const waitingFor = initSpecs.length === 0 ? "ContainerCreating" : "PodInitializing";
    this.#initContainers = initSpecs.map((spec) => this.#container(spec, facts, waitingFor, true));
    this.#containers = (pod.spec?.containers ?? []).map((spec) =>
      this.#container(spec, facts, waitingFor, false),
    );
    this.#writer = new StatusWriter(node.api, this.key, () => this.#status());
    void this.#run();
  }

  /** Takes in a newer version of the pod. A deletion starts its end. */
  update(pod: V1Pod): void {
    this.#latest = pod;
    this.#writer.mark();
    if (pod.metadata?.deletionTimestamp !== undefined) {
      this.end((pod.metadata.deletionGracePeriodSeconds ?? 30) * 1_000);
    }
  }

  /**
   * Ends the pod. A later call can only shorten the grace.
   *
   * @param graceMs for preStop and SIGTERM together
   */
  end(graceMs: number): void {
    if (graceMs >= this.#graceMs) return;
    const first = this.#graceMs === Number.POSITIVE_INFINITY;
    this.#graceMs = graceMs;
    this.#ending.abort();
    const ended = Promise.all(this.#all().map((container) => container.end(graceMs)));
    if (first) void ended.then(() => this.#remove());
  }

  get labels(): Readonly<Record<string, string>> {
    return this.#latest.metadata?.labels ?? {};
  }

  /** The containers that run now, with the id of their session. */
  running(): { name: string; sessionId: number }[] {
    return this.#all().flatMap((container) =>
      container.pid === undefined ? [] : [{ name: container.spec.name, sessionId: container.pid }],
    );
  }

  /** Log of a container's present or previous start; undefined when there is none. */
  logPath(containerName: string | undefined, previous: boolean): string | undefined {
    const container =
      containerName === undefined
        ? this.#containers[0]
        : this.#all().find(({ spec }) => spec.name === containerName);
    return previous ? container?.previousLogPath : container?.logPath;
  }

  async #run(): Promise<void> {
    this.#writer.mark();
    if (!(await this.#setUpVolumes())) return;
    this.#networkReady = true;
    if (!(await this.#initialize())) return;
    for (const container of this.#containers) container.begin();
    if (this.#volumes.isRefreshable) void this.#keepRefreshing();
    await Promise.all(this.#containers.map(({ finished }) => finished));
    if (this.#ending.signal.aborted) return;
    // The work is done; sidecars end with it.
    const graceMs = (this.#latest.spec?.terminationGracePeriodSeconds ?? 30) * 1_000;
    await Promise.all(this.#initContainers.map((container) => container.end(graceMs)));
    this.#writer.mark();
  }

  async #setUpVolumes(): Promise<boolean> {
    while (!this.#ending.signal.aborted) {
      try {
        await this.#volumes.setUp();
        return !this.#ending.signal.aborted;
      } catch (error) {
        const message = error instanceof Error ? error.message : String(error);
        this.#warn("FailedMount", `MountVolume.SetUp failed: ${message}`);
        await this.#pause(volumeRetryMs);
      }
    }
    return false;
  }

  /** Runs the init containers in turn; a sidecar only has to start. False when the pod ends first. */
  async #initialize(): Promise<boolean> {
    for (const container of this.#initContainers) {
      container.begin();
      if (container.spec.restartPolicy === "Always") {
        while (!container.report().started && !this.#ending.signal.aborted) {
          await this.#pause(startedPollMs);
        }
      } else {
        await container.finished;
        const { state } = container.report();
        if (state.kind !== "terminated" || state.exitCode !== 0) return false;
      }
      if (this.#ending.signal.aborted) return false;
    }
    return true;
  }

  async #keepRefreshing(): Promise<void> {
    while (await this.#pause(refreshMs)) {
      // A source that is gone keeps its last content, as on a real node.
      await this.#volumes.refresh().catch(() => undefined);
    }
  }

  /** The pod has ended: says so, lets the API server forget it, and cleans up. */
  async #remove(): Promise<void> {
    await this.#writer.flush();
    this.#writer.close();
    const { namespace, name, uid } = this.key;
    const deleted = this.#latest.metadata?.deletionTimestamp !== undefined;
    while (deleted) {
      try {
        const body = { gracePeriodSeconds: 0, preconditions: { uid } };
        await this.#node.api.core.deleteNamespacedPod({ namespace, name, body });
        break;
      } catch (error) {
        const code = statusOf(error);
        if (code === 404 || code === 409) break;
        await sleep(deleteRetryMs);
      }
    }
    rmSync(join(this.#folder, "volumes"), { recursive: true, force: true });
    this.#settled.resolve(undefined);
  }

  #container(spec: V1Container, facts: PodFacts, waitingFor: string, isInit: boolean): Container {
    const policy = this.#latest.spec?.restartPolicy ?? "Always";
    const always = isInit ? spec.restartPolicy === "Always" : policy === "Always";
    const context: ContainerContext = {
      api: this.#node.api,
      images: this.#node.images,
      facts,
      volumes: this.#volumes,
      baseEnv: this.#node.baseEnv,
      folder: join(this.#folder, spec.name),
      restarts: (exitCode) => always || (exitCode !== 0 && policy !== "Never"),
      changed: () => this.#writer.mark(),
      warn: (reason, message) => this.#warn(reason, message),
    };
    return new Container(spec, context, waitingFor, reportedRestarts(this.#latest, spec.name));
  }

  #status(): ReturnType<typeof podStatus> {
    const status = podStatus(this.#latest, {
      nodeIp: nodeAddress,
      podIp: this.#networkReady ? this.ip : undefined,
      startTime: this.#startTime,
      initContainers: this.#initContainers.map((container) => container.report()),
      containers: this.#containers.map((container) => container.report()),
      previous: this.#conditions,
      now: new Date(),
    });
    this.#conditions = status.conditions ?? [];
    return status;
  }

  #all(): Container[] {
    return [...this.#initContainers, ...this.#containers];
  }

  #warn(reason: string, message: string): void {
    this.#node.events.report("kubelet", this.key, "Warning", reason, message);
  }

  async #pause(ms: number): Promise<boolean> {
    try {
      await sleep(ms, undefined, { signal: this.#ending.signal });
      return true;
    } catch {
      return false;
    }
  }
}

/** What an earlier kubelet reported: its containers are gone, and starting them again is a restart. */
function reportedRestarts(pod: V1Pod, name: string): number {
  const statuses: readonly V1ContainerStatus[] = [
    ...(pod.status?.initContainerStatuses ?? []),
    ...(pod.status?.containerStatuses ?? []),
  ];
  const before = statuses.find((status) => status.name === name);
  if (before === undefined) return 0;
  return before.restartCount + (before.state?.waiting === undefined ? 1 : 0);
}
