import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import { z } from "zod";
import type { AnyObject } from "../apply.ts";
import { countByVersion, Load } from "../load.ts";
import { podinfoPod, podinfoPort } from "../podinfo-template.ts";
import { startPrometheus, type TestPrometheus } from "../prometheus.ts";
import { describeOnCluster, type TestCluster } from "../test-cluster.ts";
import { TestNamespace } from "../test-namespace.ts";
import { waitUntil } from "../wait-until.ts";
import { gatewayNames, type RoutedGateway, type TestGateway } from "./gateway.ts";
import { givenGateway } from "./given-gateways.ts";
import { startGateway } from "./gateways.ts";

const host = "podinfo.test";

/** Bounded so that the servers under test keep a core to themselves. */
const requestsPerSecond = 200;

for (const name of gatewayNames) {
  describeOnCluster(`the released ${name}`, (cluster) => {
    let gateway: RoutedGateway;
    let own: TestGateway | undefined;
    let space: TestNamespace;
    let prometheus: TestPrometheus | undefined;

    before(async function () {
      this.timeout(120_000);
      const { processes } = cluster();
      own = processes && (await startGateway(name, processes));
      const found = own ?? givenGateway(name);
      if (found === undefined) return this.skip();
      gateway = found;
      space = await TestNamespace.create(cluster(), "routing");
      for (const slot of ["blue", "green"] as const) await deploySlot(space, cluster(), slot);
      await space.untilRolledOut("blue");
      await space.untilRolledOut("green");
      await space.apply(...keeper(gateway, space.name));
      await setWeights(space, gateway, 100);
      await untilAnswering(gateway, "1.0.0");
      prometheus =
        processes && own && (await startPrometheus(processes, { envoy: own.statsAddress }));
    });

    after(async () => {
      await prometheus?.stop();
      await space?.remove();
    });

    it("moves weights through 0 and back without losing a request", async function () {
      this.timeout(60_000);
      const load = new Load({ url: gateway.url, headers: { host }, requestsPerSecond });
      await sleep(500);
      for (const blue of [50, 0, 100, 0, 90, 100]) {
        await setWeights(space, gateway, blue);
        await sleep(700);
      }
      const outcomes = await load.stop();
      assert.ok(outcomes.length > 4 * requestsPerSecond, `${outcomes.length} requests`);
      assert.deepEqual(load.failures().slice(0, 3), []);
      const counts = countByVersion(outcomes);
      assert.ok((counts["1.0.0"] ?? 0) > 100 && (counts["2.0.0"] ?? 0) > 100);
    });

    it("splits by weight", async () => {
      await setWeights(space, gateway, 80);
      await untilAnswering(gateway, "2.0.0");
      const load = new Load({ url: gateway.url, headers: { host }, requestsPerSecond });
      const counts = countByVersion(await load.for(4_000));
      const share = (counts["2.0.0"] ?? 0) / ((counts["1.0.0"] ?? 0) + (counts["2.0.0"] ?? 0));
      // 800 requests at 20 %: 7 points are five standard deviations.
      assert.ok(Math.abs(share - 0.2) < 0.07, `${share} of the requests went to 2.0.0`);
    });

    it("loses no request while the pods of a slot are replaced", async function () {
      this.timeout(60_000);
      await setWeights(space, gateway, 100);
      const load = new Load({ url: gateway.url, headers: { host }, requestsPerSecond });
      await deploySlot(space, cluster(), "blue", "1.0.1");
      await space.untilRolledOut("blue");
      await untilAnswering(gateway, "1.0.1");
      await sleep(1_500);
      const outcomes = await load.stop();
      assert.deepEqual(load.failures().slice(0, 3), []);
      assert.ok((countByVersion(outcomes)["1.0.1"] ?? 0) > 100);
    });

    it("counts the requests of each slot for Prometheus", async function () {
      this.timeout(30_000);
      const measured = prometheus;
      if (measured === undefined) return this.skip();
      await setWeights(space, gateway, 50);
      const load = new Load({ url: gateway.url, headers: { host }, requestsPerSecond: 100 });
      for (const slot of ["blue", "green"]) {
        const query = `sum(rate(envoy_cluster_upstream_rq_xx{envoy_cluster_name=~".*${space.name}.${slot}.*"}[5s]))`;
        await waitUntil(`Prometheus sees the requests of ${slot}`, 20_000, async () => {
          const perSecond = await queryPrometheus(measured, query);
          return perSecond !== undefined && perSecond > 20;
        });
      }
      await load.stop();
    });

    it("keeps serving while its controller is gone, and takes changes when it is back", async function () {
      this.timeout(90_000);
      if (own === undefined) return this.skip();
      const load = new Load({ url: gateway.url, headers: { host }, requestsPerSecond });
      await own.killController();
      await sleep(1_000);
      await own.restartController();
      await setWeights(space, gateway, 0);
      await untilAnswering(gateway, "2.0.0", "1.0.1");
      await load.stop();
      assert.deepEqual(load.failures().slice(0, 3), []);
    });
  });
}

async function deploySlot(
  space: TestNamespace,
  cluster: TestCluster,
  slot: "blue" | "green",
  version = slot === "blue" ? "1.0.0" : "2.0.0",
): Promise<void> {
  await space.applyDeployment(slot, 2, podinfoPod(cluster, version));
  await space.apply({
    apiVersion: "v1",
    kind: "Service",
    metadata: { name: slot },
    spec: {
      selector: { app: slot },
      ports: [{ name: "http", port: 80, targetPort: podinfoPort, appProtocol: "http" }],
    },
  });
}

/** Weights of an HTTPRoute; resolves when the gateway has accepted them. */
async function setWeights(
  space: TestNamespace,
  gateway: RoutedGateway,
  blue: number,
): Promise<void> {
  await space.apply(route(gateway, "podinfo", host, blue));
}

/** Envoy Gateway drops the cluster of a backend without weight, unless another route names it. */
function keeper(gateway: RoutedGateway, namespace: string): AnyObject[] {
  return gateway.name === "envoy-gateway"
    ? [route(gateway, "keeper", `keeper.${namespace}.invalid`, 50)]
    : [];
}

function route(gateway: RoutedGateway, name: string, hostname: string, blue: number): AnyObject {
  return {
    apiVersion: "gateway.networking.k8s.io/v1",
    kind: "HTTPRoute",
    metadata: { name },
    spec: {
      parentRefs: [gateway.gateway],
      hostnames: [hostname],
      rules: [
        {
          backendRefs: [
            { name: "blue", port: 80, weight: blue },
            { name: "green", port: 80, weight: 100 - blue },
          ],
        },
      ],
    },
  };
}

/** Resolves when the gateway answers with a version, and no longer with another. */
async function untilAnswering(
  gateway: RoutedGateway,
  version: string,
  noLonger?: string,
): Promise<void> {
  await waitUntil(`${gateway.name} answers with ${version}`, 30_000, async () => {
    const load = new Load({ url: gateway.url, headers: { host }, requestsPerSecond });
    const counts = countByVersion(await load.for(150));
    return (counts[version] ?? 0) > 0 && (noLonger === undefined || counts[noLonger] === undefined);
  });
}

const answerSchema = z.object({
  data: z.object({ result: z.array(z.object({ value: z.tuple([z.number(), z.string()]) })) }),
});

async function queryPrometheus(
  prometheus: TestPrometheus,
  query: string,
): Promise<number | undefined> {
  const url = `${prometheus.url}/api/v1/query?query=${encodeURIComponent(query)}`;
  const response = await fetch(url, { signal: AbortSignal.timeout(5_000) });
  const [first] = answerSchema.parse(await response.json()).data.result;
  return first === undefined ? undefined : Number(first.value[1]);
}
