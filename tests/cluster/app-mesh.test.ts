import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import { z } from "zod";
import { PrometheusClient } from "../../rollout/adapters/prometheus.ts";
import { ApiRefusal } from "./api-request.ts";
import { gatewayPort, membership, meshed, node, router } from "./app-mesh/canary-objects.ts";
import type { AppMesh } from "./app-mesh/controller.ts";
import { egressPort } from "./app-mesh/names.ts";
import { read, remove, untilActive, untilGone } from "./app-mesh/object-access.ts";
import { startAppMesh } from "./app-mesh/start.ts";
import { apply } from "./apply.ts";
import { countByVersion, Load } from "./load.ts";
import { podinfoPod, podinfoPort } from "./podinfo-template.ts";
import { startPrometheus } from "./prometheus.ts";
import { describeOnCluster, type TestCluster } from "./test-cluster.ts";
import { TestNamespace } from "./test-namespace.ts";
import { waitUntil } from "./wait-until.ts";

/** Bounded so that the servers under test keep a core to themselves. */
const requestsPerSecond = 200;

describeOnCluster("the stand-in for App Mesh", (cluster) => {
  let appMesh: AppMesh;
  let space: TestNamespace;
  let url: string;

  before(async function () {
    this.timeout(120_000);
    const { processes } = cluster();
    // It serves its webhooks on loopback, which only an API server on this machine can reach.
    if (processes === undefined) return this.skip();
    appMesh = await startAppMesh(processes);
    space = await TestNamespace.create(cluster(), "app-mesh");
    await deploySlot(space, cluster(), "primary", "1.0.0");
    await deploySlot(space, cluster(), "canary", "2.0.0");
    await apply(cluster().config, membership(space.name));
    await space.apply(...meshed(space.name), router(0));
    await space.untilRolledOut("primary");
    await space.untilRolledOut("canary");
    await untilActive(space, "GatewayRoute", "podinfo");
    const gateway = appMesh.gateway(`${space.name}/ingress`);
    url = `http://${gateway?.place.address}:${gatewayPort}/`;
    await waitUntil("the gateway serves", 20_000, async () => (await fetch(url)).ok);
  });

  after(async () => {
    await removeMeshed(space);
    await space?.remove();
    await appMesh?.stop();
    assert.deepEqual(appMesh?.failures ?? [], []);
  });

  it("brings every kind to Active with its ARN, its name and its mesh", async () => {
    const names = [
      ["Mesh", space.name],
      ["VirtualGateway", "ingress"],
      ["VirtualNode", "primary"],
      ["VirtualRouter", "podinfo"],
      ["VirtualService", "podinfo"],
      ["GatewayRoute", "podinfo"],
    ] as const;
    for (const [kind, name] of names) {
      const { status, spec } = await untilActive(space, kind, name);
      const arn = Object.entries(status).find(([field]) => field.endsWith("ARN"))?.[1];
      assert.match(String(arn), new RegExp(`^arn:aws:appmesh:.*:mesh/${space.name}`));
      assert.equal(spec.meshRef?.name, kind === "Mesh" ? undefined : space.name);
    }
    const { spec, status } = await read(space, "VirtualRouter", "podinfo");
    assert.equal(spec.awsName, `podinfo_${space.name}`);
    assert.deepEqual(Object.keys(z.record(z.string(), z.string()).parse(status["routeARNs"])), [
      "podinfo",
    ]);
  });

  it("keeps what its webhooks have set when an object is applied again", async () => {
    const before = await read(space, "VirtualNode", "primary");
    await space.apply(node(space.name, "primary"));
    const { spec } = await read(space, "VirtualNode", "primary");
    assert.deepEqual(spec, before.spec);
  });

  it("splits requests by weight", async () => {
    await setWeight(space, 10);
    const counts = countByVersion(await new Load({ url, requestsPerSecond }).for(4_000));
    const share = (counts["2.0.0"] ?? 0) / ((counts["1.0.0"] ?? 0) + (counts["2.0.0"] ?? 0));
    // 800 requests at 10 %: 5 points are nearly five standard deviations.
    assert.ok(Math.abs(share - 0.1) < 0.05, `${share} of the requests went to the canary`);
  });

  it("sends a matching header to the canary only, and nothing else there", async () => {
    await space.apply(router(0, [{ name: "x-canary", match: { exact: "insider" } }]));
    await untilActive(space, "VirtualRouter", "podinfo");
    const headers = { "x-canary": "insider" };
    const marked = await new Load({ url, headers, requestsPerSecond: 100 }).for(500);
    const unmarked = await new Load({ url, requestsPerSecond: 100 }).for(500);
    assert.deepEqual(Object.keys(countByVersion(marked)), ["2.0.0"]);
    assert.deepEqual(Object.keys(countByVersion(unmarked)), ["1.0.0"]);
  });

  it("loses no request when a weight goes from 0 to 100 and back", async function () {
    this.timeout(60_000);
    await setWeight(space, 0);
    const load = new Load({ url, requestsPerSecond });
    for (const weight of [100, 0, 100, 0, 50, 0, 100, 0]) {
      await sleep(500);
      await setWeight(space, weight);
    }
    const outcomes = await load.stop();
    assert.ok(outcomes.length > 4 * requestsPerSecond, `${outcomes.length} requests`);
    assert.deepEqual(load.failures().slice(0, 3), []);
    const counts = countByVersion(outcomes);
    assert.ok((counts["1.0.0"] ?? 0) > 100 && (counts["2.0.0"] ?? 0) > 100);
  });

  it("has a changed weight in Envoy within 100 ms of the write", async function () {
    this.timeout(60_000);
    const delaysMs: number[] = [];
    for (const weight of [100, 0, 100, 0, 100, 0, 100, 0, 100, 0]) {
      await space.apply(router(weight));
      const writtenAt = performance.now();
      const wanted = weight === 100 ? "2.0.0" : "1.0.0";
      await waitForVersion(url, wanted);
      delaysMs.push(performance.now() - writtenAt);
      await untilActive(space, "VirtualRouter", "podinfo");
    }
    const median = delaysMs.toSorted((one, other) => one - other)[delaysMs.length / 2] ?? NaN;
    console.log(`      from write to first answer, in ms: ${delaysMs.map(Math.round).join(" ")}`);
    assert.ok(median < 100, `the median is ${median} ms`);
  });

  it("counts the requests of each virtual node under App Mesh's cluster names", async () => {
    const stats = appMesh.gateway(`${space.name}/ingress`)?.statsAddress;
    const metrics = await (await fetch(`http://${stats}/stats/prometheus`)).text();
    for (const slot of ["primary", "canary"]) {
      const cluster = `cds_egress_${space.name}_${slot}_${space.name}_http_${podinfoPort}`;
      const series = metrics
        .split("\n")
        .find(
          (line) =>
            line.startsWith("envoy_cluster_upstream_rq{") &&
            line.includes(`envoy_cluster_name="${cluster}"`) &&
            line.includes('envoy_response_code="200"'),
        );
      assert.ok(Number(series?.split(" ").at(-1)) > 100, series ?? `no series of ${cluster}`);
    }
    assert.match(metrics, new RegExp(`self_redirect_http_${egressPort}`));
  });

  it("answers the caller-side queries of a virtual node by Prometheus", async function () {
    this.timeout(60_000);
    const { processes } = cluster();
    assert.ok(processes !== undefined);
    const gateway = appMesh.gateway(`${space.name}/ingress`);
    const prometheus = await startPrometheus(processes, {
      "appmesh-envoy": gateway?.statsAddress ?? "",
    });
    const client = new PrometheusClient({ address: prometheus.url });
    await setWeight(space, 50);
    const load = new Load({ url: `${url}status/503`, requestsPerSecond: 20 });
    const others = new Load({ url, requestsPerSecond: 100 });
    const node = `envoy_cluster_name="cds_egress_${space.name}_canary_${space.name}_http_${podinfoPort}"`;
    const rate = (selector: string): string =>
      `sum(rate(envoy_cluster_upstream_rq{${node}${selector}}[5s]))`;
    const successRate = `${rate(',envoy_response_code!~"5.*"')} / ${rate("")} * 100`;
    const p99 = `histogram_quantile(0.99, sum by (le) (rate(envoy_cluster_upstream_rq_time_bucket{${node}}[5s])))`;
    await waitUntil("the success rate is that of the requests", 20_000, async () => {
      const percent = await numberOf(client, successRate);
      // 100 good ones for each 20 bad ones.
      return percent !== undefined && percent > 70 && percent < 95;
    });
    const latencyMs = await numberOf(client, p99);
    assert.ok(latencyMs !== undefined && latencyMs > 0 && latencyMs < 1_000, `${latencyMs} ms`);
    await Promise.all([load.stop(), others.stop(), prometheus.stop()]);
  });

  /** Resolves when that version has answered many requests, from now on. */
  function answeredBy(load: Load, version: string): Promise<true> {
    const before = countByVersion(load.outcomes)[version] ?? 0;
    return waitUntil(`${version} answers`, 10_000, () => {
      const answers = countByVersion(load.outcomes)[version] ?? 0;
      return answers > before + 20 || false;
    });
  }

  it("reports a dead reference, and keeps what was accepted before in force", async () => {
    await setWeight(space, 0);
    const before = await read(space, "VirtualRouter", "podinfo");
    await space.apply(router(100, undefined, "nobody"));
    const after = await waitUntil("the router reports it", 10_000, async () => {
      const found = await read(space, "VirtualRouter", "podinfo");
      return found.status.conditions[0]?.message === undefined ? undefined : found;
    });
    assert.match(
      after.status.conditions[0]?.message ?? "",
      new RegExp(`unable to fetch virtualNode: ${space.name}/nobody: .* not found`),
    );
    assert.equal(after.status.observedGeneration, before.status.observedGeneration);
    assert.ok(after.metadata.generation > before.metadata.generation);
    assert.deepEqual(
      Object.keys(countByVersion(await new Load({ url, requestsPerSecond: 100 }).for(300))),
      ["1.0.0"],
    );
    await setWeight(space, 0);
  });

  it("refuses an object of a namespace that belongs to no mesh", async () => {
    const outside = await TestNamespace.create(cluster(), "no-mesh");
    await assert.rejects(outside.apply(node(outside.name, "primary")), (error: unknown) => {
      assert.ok(error instanceof ApiRefusal);
      assert.match(
        error.message,
        new RegExp(`failed to find matching mesh for namespace: ${outside.name}, expecting 1`),
      );
      return true;
    });
    await outside.remove();
  });

  it("refuses a change of a name that App Mesh knows the object by", async () => {
    await assert.rejects(
      space.apply(node(space.name, "primary", { awsName: "another" })),
      /VirtualNode update may not change these fields: spec\.awsName/,
    );
  });

  it("keeps serving while its controller is gone, and takes changes when it is back", async function () {
    this.timeout(60_000);
    await setWeight(space, 0);
    const load = new Load({ url, requestsPerSecond });
    await appMesh.killController();
    await assert.rejects(space.apply(router(100)), /failed calling webhook/);
    await answeredBy(load, "1.0.0");
    await appMesh.restartController();
    await setWeight(space, 100);
    await answeredBy(load, "2.0.0");
    await load.stop();
    assert.deepEqual(load.failures().slice(0, 3), []);
  });

  it("goes on when the API server has been killed and is back", async function () {
    this.timeout(90_000);
    await setWeight(space, 0);
    const load = new Load({ url, requestsPerSecond });
    const { processes } = cluster();
    await processes?.controlPlane.parts.apiServer.kill();
    await processes?.controlPlane.restart("apiServer");
    await waitUntil("a write is admitted again", 20_000, async () => {
      await space.apply(router(100));
      return true;
    });
    await untilActive(space, "VirtualRouter", "podinfo");
    assert.match(await (await fetch(url)).text(), /"version":"2\.0\.0"/);
    await load.stop();
    assert.deepEqual(load.failures().slice(0, 3), []);
  });

  it("loses no request while the pods of a slot are replaced", async function () {
    this.timeout(60_000);
    await setWeight(space, 0);
    const load = new Load({ url, requestsPerSecond });
    await deploySlot(space, cluster(), "primary", "1.0.1");
    await space.untilRolledOut("primary");
    await sleep(1_500);
    const outcomes = await load.stop();
    assert.deepEqual(load.failures().slice(0, 3), []);
    assert.ok((countByVersion(outcomes)["1.0.1"] ?? 0) > 100);
  });

  it("keeps a virtual node that is being deleted until no route names it", async () => {
    await remove(space, "VirtualNode", "canary");
    const { metadata } = await read(space, "VirtualNode", "canary");
    assert.ok(metadata.deletionTimestamp !== undefined);
    await space.apply(router(0, undefined, "primary"));
    await untilGone(space, "VirtualNode", "canary");
    await space.apply(node(space.name, "canary"));
    await untilActive(space, "VirtualNode", "canary");
    await setWeight(space, 0);
  });
});

/** The one number that a query has now; undefined while it has none. */
async function numberOf(client: PrometheusClient, promql: string): Promise<number | undefined> {
  const sample = await client.query(promql, Date.now(), AbortSignal.timeout(5_000));
  return sample.kind === "value" ? sample.value : undefined;
}

async function deploySlot(
  space: TestNamespace,
  cluster: TestCluster,
  slot: string,
  version: string,
): Promise<void> {
  await space.applyDeployment(slot, 2, podinfoPod(cluster, version));
  await space.apply({
    apiVersion: "v1",
    kind: "Service",
    metadata: { name: slot },
    // App Mesh's Envoy asks the Service for the node's own port.
    spec: {
      selector: { app: slot },
      ports: [{ name: "http", port: podinfoPort, targetPort: "http" }],
    },
  });
}

/** Resolves when the weight of the canary is in force. */
async function setWeight(space: TestNamespace, weight: number): Promise<void> {
  await space.apply(router(weight));
  await untilActive(space, "VirtualRouter", "podinfo");
}

/** Resolves when the gateway answers with a version; asks without a pause, for the time that takes. */
async function waitForVersion(url: string, version: string): Promise<void> {
  const deadline = performance.now() + 5_000;
  while (performance.now() < deadline) {
    const response = await fetch(url);
    if ((await response.text()).includes(`"version":"${version}"`)) return;
  }
  throw new Error(`no answer of ${version} within 5 s`);
}

/** Deletes all of it at once; App Mesh lets go of users before what they use. */
async function removeMeshed(space: TestNamespace | undefined): Promise<void> {
  if (space === undefined) return;
  const objects = [
    ["Mesh", space.name],
    ["VirtualNode", "primary"],
    ["VirtualNode", "canary"],
    ["VirtualGateway", "ingress"],
    ["VirtualRouter", "podinfo"],
    ["VirtualService", "podinfo"],
    ["GatewayRoute", "podinfo"],
  ] as const;
  for (const [kind, name] of objects) await remove(space, kind, name);
  for (const [kind, name] of objects) await untilGone(space, kind, name);
}
