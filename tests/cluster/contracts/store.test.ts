import { KubernetesStore } from "../../../rollout/adapters/kubernetes-store.ts";
import { storeContract, type StorePlaceUnderTest } from "../../contracts/store.contract.ts";
import { apply } from "../apply.ts";
import { describeOnCluster } from "../test-cluster.ts";
import { TestNamespace } from "../test-namespace.ts";
import { clusterAccess } from "./access.ts";

const name = "upramp-podinfo";

describeOnCluster("contract of StateStore on the cluster", (cluster) => {
  let space: TestNamespace;

  async function place(): Promise<StorePlaceUnderTest> {
    space = await TestNamespace.create(cluster(), "store");
    const location = {
      kind: "kubernetes",
      cluster: clusterAccess(cluster()),
      namespace: space.name,
      name,
    } as const;
    return {
      open: () => new KubernetesStore(location),
      steal: () => apply(cluster().config, [stolenLease(space.name)]),
      close: () => space.remove(),
    };
  }

  describe("KubernetesStore", () => storeContract(place));
});

/** The Lease as another driver has it that took it by force. */
function stolenLease(namespace: string) {
  const now = new Date().toISOString().replace(/Z$/, "000Z");
  return {
    apiVersion: "coordination.k8s.io/v1",
    kind: "Lease",
    metadata: { namespace, name },
    spec: {
      holderIdentity: "somebody else",
      leaseDurationSeconds: 15,
      acquireTime: now,
      renewTime: now,
    },
  };
}
