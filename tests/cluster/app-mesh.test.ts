import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import { z } from "zod";
import { ApiRefusal, apiRequest } from "./api-request.ts";
import type { AppMesh } from "./app-mesh/controller.ts";
import { egressPort } from "./app-mesh/names.ts";
import { kinds, type HeaderMatch, type Kind } from "./app-mesh/objects.ts";
import { startAppMesh } from "./app-mesh/start.ts";
import { apply, type AnyObject } from "./apply.ts";
import { countByVersion, Load } from "./load.ts";
import { podinfoPod, podinfoPort } from "./podinfo-template.ts";
import { describeOnCluster, type TestCluster } from "./test-cluster.ts";
import { TestNamespace } from "./test-namespace.ts";
import { waitUntil } from "./wait-until.ts";

const apiVersion = "appmesh.k8s.aws/v1beta2";
const gatewayPort = 8_088;

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
    const admin = appMesh.gateway(`${space.name}/ingress`)?.place.address;
    const metrics = await (await fetch(`http://${admin}:9901/stats/prometheus`)).text();
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

/** A mesh of the namespace's own. */
function membership(namespace: string): AnyObject[] {
  const labels = { mesh: namespace };
  return [
    { apiVersion: "v1", kind: "Namespace", metadata: { name: namespace, labels } },
    {
      apiVersion,
      kind: "Mesh",
      metadata: { name: namespace },
      spec: { namespaceSelector: { matchLabels: labels } },
    },
  ];
}

/** Everything but the router. */
function meshed(namespace: string): AnyObject[] {
  return [
    {
      apiVersion,
      kind: "VirtualGateway",
      metadata: { name: "ingress" },
      spec: {
        namespaceSelector: { matchLabels: { mesh: namespace } },
        podSelector: { matchLabels: { app: "ingress" } },
        listeners: [{ portMapping: { port: gatewayPort, protocol: "http" } }],
      },
    },
    node(namespace, "primary"),
    node(namespace, "canary"),
    {
      apiVersion,
      kind: "VirtualService",
      metadata: { name: "podinfo" },
      spec: { provider: { virtualRouter: { virtualRouterRef: { name: "podinfo" } } } },
    },
    {
      apiVersion,
      kind: "GatewayRoute",
      metadata: { name: "podinfo" },
      spec: {
        httpRoute: {
          match: { prefix: "/" },
          action: { target: { virtualService: { virtualServiceRef: { name: "podinfo" } } } },
        },
      },
    },
  ];
}

function node(namespace: string, slot: string, more: object = {}): AnyObject {
  return {
    apiVersion,
    kind: "VirtualNode",
    metadata: { name: slot },
    spec: {
      podSelector: { matchLabels: { app: slot } },
      listeners: [{ portMapping: { port: podinfoPort, protocol: "http" } }],
      serviceDiscovery: { dns: { hostname: `${slot}.${namespace}.svc.cluster.local.` } },
      ...more,
    },
  };
}

/**
 * The router.
 *
 * @param weight  of the canary
 * @param headers sends requests that match them to the canary, whatever the weight
 * @param canary  name of the canary's node
 */
function router(
  weight: number,
  headers?: readonly Pick<HeaderMatch, "name" | "match">[],
  canary = "canary",
): AnyObject {
  const split = (percent: number): object => ({
    weightedTargets: [
      { virtualNodeRef: { name: canary }, weight: percent },
      { virtualNodeRef: { name: "primary" }, weight: 100 - percent },
    ],
  });
  const route = (name: string, priority: number, match: object, percent: number): object => ({
    name,
    priority,
    httpRoute: { match, action: split(percent) },
  });
  return {
    apiVersion,
    kind: "VirtualRouter",
    metadata: { name: "podinfo" },
    spec: {
      listeners: [{ portMapping: { port: podinfoPort, protocol: "http" } }],
      routes: [
        ...(headers === undefined ? [] : [route("insiders", 10, { prefix: "/", headers }, 100)]),
        route("podinfo", 20, { prefix: "/" }, weight),
      ],
    },
  };
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

const readSchema = z.object({
  metadata: z.object({ generation: z.number(), deletionTimestamp: z.string().optional() }),
  spec: z.looseObject({
    awsName: z.string().optional(),
    meshRef: z.object({ name: z.string() }).optional(),
  }),
  status: z
    .looseObject({
      observedGeneration: z.number().optional(),
      conditions: z
        .array(z.object({ type: z.string(), status: z.string(), message: z.string().optional() }))
        .default([]),
    })
    .prefault({}),
});

type ReadObject = z.output<typeof readSchema>;

function pathOf(space: TestNamespace, kind: Kind, name: string): string {
  const place = kind === "Mesh" ? "" : `/namespaces/${space.name}`;
  return `/apis/${apiVersion}${place}/${kinds[kind].plural}/${name}`;
}

async function read(space: TestNamespace, kind: Kind, name: string): Promise<ReadObject> {
  const text = await apiRequest(space.cluster.config, "GET", pathOf(space, kind, name));
  return readSchema.parse(JSON.parse(text));
}

async function remove(space: TestNamespace, kind: Kind, name: string): Promise<void> {
  await apiRequest(space.cluster.config, "DELETE", pathOf(space, kind, name));
}

/** Resolves when App Mesh has taken an object as it is now. */
async function untilActive(space: TestNamespace, kind: Kind, name: string): Promise<ReadObject> {
  let seen = "";
  return waitUntil(
    `${kind} ${name} is active`,
    20_000,
    async () => {
      const found = await read(space, kind, name);
      seen = JSON.stringify(found.status);
      const [condition] = found.status.conditions;
      const isCurrent = found.status.observedGeneration === found.metadata.generation;
      const isActive = condition?.type === `${kind}Active` && condition.status === "True";
      return isActive && isCurrent ? found : undefined;
    },
    () => seen,
  );
}

async function untilGone(space: TestNamespace, kind: Kind, name: string): Promise<void> {
  await waitUntil(`${kind} ${name} is gone`, 20_000, async () => {
    try {
      await read(space, kind, name);
      return false;
    } catch (error) {
      return error instanceof ApiRefusal && error.status === 404;
    }
  });
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
