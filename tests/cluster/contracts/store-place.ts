import { z } from "zod";
import type { ClusterAccess } from "../../../infra/contract.ts";
import { KubernetesStore } from "../../../rollout/adapters/kubernetes-store.ts";
import { apiRequest } from "../api-request.ts";
import { apply } from "../apply.ts";
import type { TestCluster } from "../test-cluster.ts";
import { clusterAccess } from "./access.ts";

const leaseSchema = z.object({
  spec: z.object({ holderIdentity: z.string(), renewTime: z.string(), acquireTime: z.string() }),
});

/** Where the record of one service is kept: a namespace, and what happens there behind the store's back. */
export class StorePlace {
  readonly name = "upramp-podinfo";
  readonly namespace: string;
  readonly #cluster: TestCluster;

  constructor(cluster: TestCluster, namespace: string) {
    this.#cluster = cluster;
    this.namespace = namespace;
  }

  /** The store as one more process sees it. */
  open(access: ClusterAccess = clusterAccess(this.#cluster)): KubernetesStore {
    const { namespace, name } = this;
    return new KubernetesStore({ kind: "kubernetes", cluster: access, namespace, name });
  }

  /** The Lease as somebody else writes it, who renewed it so long ago. */
  async steal(renewedAgoMs = 0): Promise<void> {
    const renewTime = new Date(Date.now() - renewedAgoMs).toISOString().replace(/Z$/, "000Z");
    const spec = { holderIdentity: "somebody else", leaseDurationSeconds: 15, renewTime };
    const { name, namespace } = this;
    await apply(this.#cluster.config, [
      {
        apiVersion: "coordination.k8s.io/v1",
        kind: "Lease",
        metadata: { name, namespace },
        spec: { ...spec, acquireTime: renewTime },
      },
    ]);
  }

  async lease(): Promise<z.output<typeof leaseSchema>["spec"]> {
    const text = await apiRequest(this.#cluster.config, "GET", this.#path("lease"));
    return leaseSchema.parse(JSON.parse(text)).spec;
  }

  /** The ConfigMap of the record, as it stands. */
  async configMap(): Promise<unknown> {
    return JSON.parse(await apiRequest(this.#cluster.config, "GET", this.#path("configmap")));
  }

  async remove(what: "lease" | "configmap"): Promise<void> {
    await apiRequest(this.#cluster.config, "DELETE", this.#path(what));
  }

  /** As `kubectl patch` does. */
  async patch(what: "lease" | "configmap", change: object): Promise<void> {
    await apiRequest(this.#cluster.config, "PATCH", this.#path(what), {
      contentType: "application/merge-patch+json",
      text: JSON.stringify(change),
    });
  }

  #path(what: "lease" | "configmap"): string {
    const group = what === "lease" ? "/apis/coordination.k8s.io/v1" : "/api/v1";
    return `${group}/namespaces/${this.namespace}/${what}s/${this.name}`;
  }
}
