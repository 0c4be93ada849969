import { randomBytes } from "node:crypto";
import {
  AppsV1Api,
  CoreV1Api,
  type V1ContainerStatus,
  type V1Deployment,
  type V1Pod,
  type V1PodSpec,
} from "@kubernetes/client-node";
import { apiRequest } from "./api-request.ts";
import { apply, type AnyObject } from "./apply.ts";
import { podinfoPort, podinfoSource } from "./podinfo-template.ts";
import type { TestCluster } from "./test-cluster.ts";
import { waitUntil } from "./wait-until.ts";

/** Real clusters pull images; the process cluster is done in two seconds. */
const rolloutBoundMs = 45_000;

/** A namespace of one suite's own, with what tests do in it. */
export class TestNamespace {
  readonly name: string;
  readonly cluster: TestCluster;
  readonly core: CoreV1Api;
  readonly apps: AppsV1Api;

  /** Makes it, and waits until pods can be made in it. */
  static async create(cluster: TestCluster, prefix: string): Promise<TestNamespace> {
    const namespace = new TestNamespace(cluster, `${prefix}-${randomBytes(3).toString("hex")}`);
    await namespace.#setUp();
    return namespace;
  }

  private constructor(cluster: TestCluster, name: string) {
    this.cluster = cluster;
    this.name = name;
    this.core = cluster.config.makeApiClient(CoreV1Api);
    this.apps = cluster.config.makeApiClient(AppsV1Api);
  }

  /** Removes it with all that is in it, without waiting for the end of that. */
  async remove(): Promise<void> {
    await this.core.deleteNamespace({ name: this.name });
  }

  /** Applies objects, in this namespace where they name none. */
  async apply(...objects: AnyObject[]): Promise<void> {
    const placed = objects.map((object) => ({
      ...object,
      metadata: Object.assign({ namespace: this.name }, object.metadata),
    }));
    await apply(this.cluster.config, placed);
  }

  /** Applies a Deployment whose pods are labelled `app: NAME`. */
  async applyDeployment(name: string, replicas: number, spec: V1PodSpec, more = {}): Promise<void> {
    await this.apply(deployment(name, replicas, spec, more));
  }

  /** Resolves when a Deployment has only pods of its newest template, all available. */
  async untilRolledOut(name: string): Promise<V1Deployment> {
    let seen = "";
    return waitUntil(
      `Deployment ${this.name}/${name} is rolled out`,
      rolloutBoundMs,
      async () => {
        const found = await this.apps.readNamespacedDeployment({ name, namespace: this.name });
        const { status, spec, metadata } = found;
        seen = JSON.stringify(status);
        const wanted = spec?.replicas ?? 1;
        const isDone =
          status?.observedGeneration === metadata?.generation &&
          (status?.updatedReplicas ?? 0) === wanted &&
          (status?.replicas ?? 0) === wanted &&
          (status?.availableReplicas ?? 0) === wanted;
        return isDone ? found : undefined;
      },
      () => seen,
    );
  }

  /** The pods labelled `app: NAME` that are not being deleted. */
  async pods(app: string): Promise<V1Pod[]> {
    const list = await this.core.listNamespacedPod({
      namespace: this.name,
      labelSelector: `app=${app}`,
    });
    return list.items.filter(({ metadata }) => metadata?.deletionTimestamp === undefined);
  }

  /** Resolves to the first pod of an app for which the condition holds. */
  async untilPod(app: string, what: string, condition: (pod: V1Pod) => boolean): Promise<V1Pod> {
    let seen = "";
    return waitUntil(
      `a pod of ${this.name}/${app} ${what}`,
      rolloutBoundMs,
      async () => {
        const pods = await this.pods(app);
        seen = JSON.stringify(pods.map(({ status }) => status));
        return pods.find(condition);
      },
      () => seen,
    );
  }

  /** GETs a path of podinfo in a pod, through the API server, which works on every cluster. */
  async get(pod: V1Pod, path: string): Promise<unknown> {
    const target = `${pod.metadata?.name}:${podinfoPort}`;
    const proxy = `/api/v1/namespaces/${this.name}/pods/${target}/proxy`;
    return JSON.parse(await apiRequest(this.cluster.config, "GET", `${proxy}${path}`));
  }

  async #setUp(): Promise<void> {
    await apply(this.cluster.config, [
      { apiVersion: "v1", kind: "Namespace", metadata: { name: this.name } },
      ...podinfoSource(this.cluster, this.name),
    ]);
    await waitUntil(`namespace ${this.name} has its service account`, rolloutBoundMs, () =>
      this.core.readNamespacedServiceAccount({ name: "default", namespace: this.name }),
    );
  }
}

/** A Deployment whose pods are labelled `app: NAME`. */
export function deployment(name: string, replicas: number, spec: V1PodSpec, more = {}): AnyObject {
  const labels = { app: name };
  return {
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata: { name },
    spec: {
      replicas,
      selector: { matchLabels: labels },
      template: { metadata: { labels }, spec },
      ...more,
    },
  };
}

/** Status of a pod's first container, once there is one. */
export function firstContainer(pod: V1Pod): V1ContainerStatus | undefined {
  return pod.status?.containerStatuses?.[0];
}
