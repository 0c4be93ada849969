import { KubernetesStore } from "../../../rollout/adapters/kubernetes-store.ts";
import type { RolloutRecord } from "../../../rollout/core/state.ts";
import {
  startKubernetesProvider,
  type KubernetesProviderProcess,
} from "../../support/kubernetes-provider/start.ts";
import type { Cluster } from "../cluster.ts";
import { startPrometheus, type TestPrometheus } from "../prometheus.ts";
import type { TestCluster } from "../test-cluster.ts";
import { TestNamespace } from "../test-namespace.ts";
import { ClusterProject, type ClusterService } from "./cluster-project.ts";
import type { OpenScene, Scene } from "./scene.ts";

/** A router, a Prometheus and a project of a user, all in use. */
export class Ground {
  readonly scene: Scene;
  readonly space: TestNamespace;
  readonly prometheus: TestPrometheus;
  readonly project: ClusterProject;
  readonly processes: Cluster;
  readonly #provider: KubernetesProviderProcess;

  private constructor(
    scene: Scene,
    space: TestNamespace,
    prometheus: TestPrometheus,
    project: ClusterProject,
    processes: Cluster,
    provider: KubernetesProviderProcess,
  ) {
    this.scene = scene;
    this.space = space;
    this.prometheus = prometheus;
    this.project = project;
    this.processes = processes;
    this.#provider = provider;
  }

  static async prepare(cluster: TestCluster, openScene: OpenScene): Promise<Ground> {
    const { processes } = cluster;
    if (processes === undefined) throw new Error("its parts are killed: not on a real cluster");
    const provider = await startKubernetesProvider({ settleMs: 300 });
    const space = await TestNamespace.create(cluster, "rollouts");
    const scene = await openScene(cluster, space.name);
    const prometheus = await startPrometheus(processes, { gateway: scene.statsAddress });
    process.env["KUBECONFIG"] = processes.kubeconfigPath;
    const project = await ClusterProject.deploy(cluster, provider, {
      namespace: { name: space.name, create: false },
      router: scene.router,
      endpoint: scene.url,
      prometheus: { address: prometheus.url },
    });
    return new Ground(scene, space, prometheus, project, processes, provider);
  }

  /** The saved record of a service, as the driver's own store reads it. */
  async record(service: ClusterService): Promise<RolloutRecord> {
    const { store } = await service.outputs();
    if (store.kind !== "kubernetes") throw new Error(`store ${store.kind}`);
    const found = await new KubernetesStore(store).load();
    if (found === null) throw new Error(`no record of ${service.stack}`);
    return found;
  }

  /** Pods of each slot that are not being deleted. */
  async pods(service: string): Promise<Record<"blue" | "green", number>> {
    const { items } = await this.space.core.listNamespacedPod({
      namespace: this.space.name,
      labelSelector: `upramp.dev/service=${service}`,
    });
    const left = items.filter(({ metadata }) => metadata?.deletionTimestamp === undefined);
    const of = (slot: string): number =>
      left.filter(({ metadata }) => metadata?.labels?.["upramp.dev/slot"] === slot).length;
    return { blue: of("blue"), green: of("green") };
  }

  async close(): Promise<void> {
    await this.prometheus.stop();
    await this.#provider.stop();
    await this.project.remove();
    await this.space.remove();
  }
}
