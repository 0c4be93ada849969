import { storeContract, type StorePlaceUnderTest } from "../../contracts/store.contract.ts";
import { describeOnCluster } from "../test-cluster.ts";
import { TestNamespace } from "../test-namespace.ts";
import { StorePlace } from "./store-place.ts";

describeOnCluster("contract of StateStore on the cluster", (cluster) => {
  async function underTest(): Promise<StorePlaceUnderTest> {
    const space = await TestNamespace.create(cluster(), "store");
    const place = new StorePlace(cluster(), space.name);
    return {
      open: () => place.open(),
      steal: () => place.steal(),
      close: () => space.remove(),
    };
  }

  describe("KubernetesStore", () => storeContract(underTest));
});
