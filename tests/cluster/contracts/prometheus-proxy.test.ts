import assert from "node:assert/strict";
import type { ClusterAccess } from "../../../infra/contract.ts";
import { KubernetesProxy } from "../../../rollout/adapters/kubernetes-proxy.ts";
import { PrometheusClient } from "../../../rollout/adapters/prometheus.ts";
import { metricsContract, type MetricsUnderTest } from "../../contracts/metrics.contract.ts";
import { describeOnCluster, type TestCluster } from "../test-cluster.ts";
import { TestNamespace } from "../test-namespace.ts";
import { waitUntil } from "../wait-until.ts";
import { clusterAccess, limitedAccess } from "./access.ts";
import { ApiRelay } from "./api-relay.ts";

const name = "prometheus";
const port = 9_090;

const never = new AbortController().signal;

/** A Prometheus in the cluster that scrapes nothing. */
async function placePrometheus(cluster: TestCluster): Promise<TestNamespace> {
  const space = await TestNamespace.create(cluster, "proxy");
  await space.apply(
    { apiVersion: "v1", kind: "ConfigMap", metadata: { name }, data: { "prometheus.yml": "{}" } },
    {
      apiVersion: "v1",
      kind: "Service",
      metadata: { name },
      spec: { selector: { app: name }, ports: [{ port, targetPort: port }] },
    },
  );
  await space.applyDeployment(name, 1, {
    containers: [
      {
        name,
        image: "prometheus:v3.16.0",
        ports: [{ containerPort: port }],
        readinessProbe: { httpGet: { path: "/-/ready", port }, periodSeconds: 1 },
        volumeMounts: [
          { name: "config", mountPath: "/etc/prometheus" },
          { name: "data", mountPath: "/prometheus" },
        ],
      },
    ],
    volumes: [
      { name: "config", configMap: { name } },
      { name: "data", emptyDir: {} },
    ],
  });
  await space.untilRolledOut(name);
  return space;
}

describeOnCluster("a Prometheus reached through the API server", (cluster) => {
  describe("keeps the contract of MetricsClient", () => {
    metricsContract(async (): Promise<MetricsUnderTest> => {
      const space = await placePrometheus(cluster());
      const relay = await ApiRelay.start(cluster().config);
      const place = { namespace: space.name, service: name, port, cluster: relay.access };
      const proxy = await KubernetesProxy.open(place);
      return {
        client: new PrometheusClient({ address: proxy.address }),
        unreachable: () => Promise.resolve(relay.set("cut")),
        async close() {
          proxy.close();
          await relay.close();
          await space.remove();
        },
      };
    });
  });

  describe("is unavailable", () => {
    let space: TestNamespace;

    before(async function () {
      this.timeout(60_000);
      space = await placePrometheus(cluster());
    });

    after(() => space?.remove());

    async function words(
      access: ClusterAccess,
      { service = name, timeoutMs = 5_000 } = {},
    ): Promise<string | null> {
      const place = { namespace: space.name, service, port, cluster: access };
      const proxy = await KubernetesProxy.open(place);
      try {
        const client = new PrometheusClient({ address: proxy.address, timeoutMs });
        const sample = await client.query("vector(1)", Date.now(), never);
        return sample.kind === "unavailable" ? sample.message : null;
      } finally {
        proxy.close();
      }
    }

    it("not with the one right that is needed, on this Service alone", async () => {
      const rule = {
        apiGroups: [""],
        resources: ["services/proxy"],
        resourceNames: [`http:${name}:${port}`],
        verbs: ["get"],
      };
      const access = await limitedAccess(cluster(), space.name, "asks", [rule]);
      await waitUntil("the right is known", 10_000, async () => (await words(access)) === null);
    });

    it("to who lacks that right, and names it", async () => {
      const access = await limitedAccess(cluster(), space.name, "may-not", []);
      assert.match(
        (await words(access)) ?? "",
        /^HTTP 502: the API server answered 403: .*User "may-not" cannot get resource "services\/proxy".*; give whoever drives the right `get` on services\/proxy/,
      );
    });

    it("while no pod of its Service is ready, or there is no such Service", async () => {
      await space.apply({
        apiVersion: "v1",
        kind: "Service",
        metadata: { name: "empty" },
        spec: { selector: { app: "nothing" }, ports: [{ port, targetPort: port }] },
      });
      const access = clusterAccess(cluster());
      const empty = await words(access, { service: "empty" });
      assert.match(empty ?? "", /the API server answered 503: no endpoints available/);
      const missing = await words(access, { service: "missing" });
      assert.match(missing ?? "", /the API server answered 404: services "missing" not found/);
    });

    it("when the API server does not answer in time, or is away", async () => {
      const relay = await ApiRelay.start(cluster().config);
      try {
        relay.set("mute");
        assert.equal(await words(relay.access, { timeoutMs: 300 }), "no answer within 300 ms");
        relay.set("cut");
        assert.match((await words(relay.access)) ?? "", /^HTTP 502: /);
        relay.set("open");
        assert.equal(await words(relay.access), null);
      } finally {
        await relay.close();
      }
    });
  });
});
