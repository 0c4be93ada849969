import assert from "node:assert/strict";
import { CoreV1Api } from "@kubernetes/client-node";
import { KubernetesStore } from "../../../rollout/adapters/kubernetes-store.ts";
import { record } from "../../support/builders.ts";
import { describeOnCluster } from "../test-cluster.ts";
import { TestNamespace } from "../test-namespace.ts";
import { waitUntil } from "../wait-until.ts";
import { clusterAccess, limitedAccess, type Rule } from "./access.ts";
import { driverRights } from "./driver-rights.ts";
import { StorePlace } from "./store-place.ts";

describeOnCluster("KubernetesStore where it may not do all", (cluster) => {
  let space: TestNamespace;
  let place: StorePlace;

  beforeEach(async () => {
    space = await TestNamespace.create(cluster(), "access");
    place = new StorePlace(cluster(), space.name);
  });

  afterEach(() => space.remove());

  /** The store of a user who has the driver's rights but for one verb on one resource. */
  async function without(resource: string, verb: string): Promise<KubernetesStore> {
    const rules: Rule[] = driverRights.map((rule) =>
      rule.resources.includes(resource)
        ? { ...rule, verbs: rule.verbs.filter((one) => one !== verb) }
        : rule,
    );
    return place.open(await limitedAccess(cluster(), space.name, "somebody", rules));
  }

  async function denied(doing: Promise<unknown>, verb: string, resource: string): Promise<void> {
    await assert.rejects(doing, (error: unknown) => {
      assert.ok(error instanceof Error);
      assert.equal(error.name, "UserError");
      assert.match(
        error.message,
        new RegExp(
          `User "somebody" cannot ${verb} resource "${resource}" in API group "[a-z0-9.]*" in the namespace "${space.name}"`,
        ),
      );
      assert.match(error.message, /"upramp-podinfo"/);
      assert.match(error.message, /with a Role and a RoleBinding/);
      return true;
    });
  }

  it("does all with no more than the driver's rights", async () => {
    const store = place.open(await limitedAccess(cluster(), space.name, "somebody", driverRights));
    const result = await store.lock();
    assert.ok(result.kind === "locked");
    await store.save(record());
    await store.save(record("v1", "v3"));
    await store.sendCommand("promote");
    assert.equal(await store.readCommand(), "promote");
    await store.clearCommand();
    assert.deepEqual(await store.load(), record("v1", "v3"));
    await result.lock.release();
    assert.equal(await store.holder(), null);
  });

  for (const verb of ["get", "create"]) {
    it(`names the right when it may not ${verb} the Lease`, async () => {
      const store = await without("leases", verb);
      await denied(store.lock(), verb, "leases");
    });
  }

  it("names the right when it may not take a Lease that is there", async () => {
    await place.steal(60_000);
    const store = await without("leases", "update");
    await denied(store.lock(), "update", "leases");
  });

  it("names the right when it may not read the record", async () => {
    const store = await without("configmaps", "get");
    await denied(store.load(), "get", "configmaps");
  });

  it("names the right when it may not save the first record, or the next", async () => {
    await denied((await without("configmaps", "create")).save(record()), "create", "configmaps");
    await place.open().save(record());
    await denied((await without("configmaps", "update")).save(record()), "update", "configmaps");
  });

  it("says that there is no such namespace", async () => {
    const store = new KubernetesStore({
      kind: "kubernetes",
      cluster: clusterAccess(cluster()),
      namespace: "nowhere",
      name: "upramp-podinfo",
    });
    const nowhere = (what: string) => ({
      name: "UserError",
      message: new RegExp(
        `^cannot write ${what} nowhere/upramp-podinfo: namespaces "nowhere" not found: create it`,
      ),
    });
    await assert.rejects(store.lock(), nowhere("Lease"));
    await assert.rejects(store.save(record()), nowhere("ConfigMap"));
    assert.equal(await store.load(), null);
  });

  it("says that the namespace is being deleted", async () => {
    const leaving = await TestNamespace.create(cluster(), "leaving");
    const core = cluster().config.makeApiClient(CoreV1Api);
    const metadata = { name: "holds", finalizers: ["upramp.dev/test"] };
    await leaving.apply({ apiVersion: "v1", kind: "ConfigMap", metadata });
    await leaving.remove();
    try {
      const store = new StorePlace(cluster(), leaving.name).open();
      await waitUntil("the namespace is terminating", 10_000, async () => {
        const { status } = await core.readNamespace({ name: leaving.name });
        return status?.phase === "Terminating";
      });
      await assert.rejects(store.save(record()), {
        name: "UserError",
        message: /is being terminated.*Wait until it is gone, then deploy the service again/,
      });
    } finally {
      await leaving.apply({ apiVersion: "v1", kind: "ConfigMap", metadata: { name: "holds" } });
    }
  });
});
