import assert from "node:assert/strict";
import * as kubernetes from "@pulumi/kubernetes";
import { ComponentResource } from "@pulumi/pulumi";
import { kubernetesServiceWritten } from "../../infra/kubernetes-contract.ts";
import type { AppMeshRouterSettings } from "../../infra/router-contract.ts";
import { slots } from "../../infra/names.ts";
import { virtualRouter } from "../../infra/routers/app-mesh-objects.ts";
import { appMeshRouter } from "../../infra/routers/app-mesh.ts";
import type { KubernetesRouterArgs, Routed } from "../../infra/routers/router.ts";
import { slotLabels, slotName } from "../../infra/service/kubernetes-names.ts";
import { declareServices } from "../../infra/service/services.ts";
import { AppMeshTraffic } from "../../rollout/adapters/app-mesh-traffic.ts";
import { pulumiEnvironment } from "../../tools/environment.ts";
import { silentProgress } from "../../tools/progress.ts";
import { routerArgs, routeVariants, type WrittenRoute } from "../infra/app-mesh-router-args.ts";
import {
  startKubernetesProvider,
  type KubernetesProviderProcess,
} from "../support/kubernetes-provider/start.ts";
import { TestStack } from "../support/kubernetes-provider/test-stack.ts";
import { gatewayPort, membership, meshed } from "./app-mesh/canary-objects.ts";
import type { AppMesh } from "./app-mesh/controller.ts";
import { remove, untilActive, untilGone } from "./app-mesh/object-access.ts";
import { kinds, type Kind } from "./app-mesh/objects.ts";
import { startAppMesh } from "./app-mesh/start.ts";
import { apply } from "./apply.ts";
import { countByVersion, Load } from "./load.ts";
import { podinfoPod } from "./podinfo-template.ts";
import { describeOnCluster } from "./test-cluster.ts";
import { TestNamespace } from "./test-namespace.ts";
import { waitUntil } from "./wait-until.ts";

const service = "podinfo";
const versions = { blue: "1.0.0", green: "2.0.0" } as const;
/** Short against the official 10 s: no Service here is waited for. */
const settleMs = 300;

describeOnCluster("router app-mesh", (cluster) => {
  let appMesh: AppMesh;
  let space: TestNamespace;
  let provider: KubernetesProviderProcess;
  let stack: TestStack;
  let routed: Routed;
  let url: string;

  before(async function () {
    this.timeout(120_000);
    const { processes, config } = cluster();
    // the stand-in serves its webhooks on loopback, which only an API server on this machine can reach
    if (processes === undefined) return this.skip();
    appMesh = await startAppMesh(processes);
    space = await TestNamespace.create(cluster(), "app-mesh-router");
    await apply(config, membership(space.name));
    await space.apply(...meshed(space.name).filter(({ kind }) => kind === "VirtualGateway"));
    for (const slot of slots) await deploy(slot);
    provider = await startKubernetesProvider({ settleMs });
    const pulumi = await pulumiEnvironment({ program: "inline", progress: silentProgress });
    stack = await TestStack.create({ ...pulumi, ...provider.env });
    await untilActive(space, "VirtualGateway", "ingress");
    url = `http://${appMesh.gateway(`${space.name}/ingress`)?.place.address}:${gatewayPort}`;
    for (const slot of slots) await space.untilRolledOut(slotName(service, slot));
  });

  after(async () => {
    await (stack as TestStack | undefined)?.remove();
    const meshObjects = [
      ["VirtualGateway", "ingress"],
      ["Mesh", space.name],
    ] as const;
    for (const [kind, name] of meshObjects) await remove(space, kind, name);
    for (const [kind, name] of meshObjects) await untilGone(space, kind, name);
    await space.remove();
    await provider.stop();
    await appMesh.stop();
    assert.deepEqual(appMesh.failures, []);
  });

  async function deploy(slot: "blue" | "green"): Promise<void> {
    const labels = slotLabels(service, slot);
    const spec = podinfoPod(cluster(), versions[slot]);
    await space.apply({
      apiVersion: "apps/v1",
      kind: "Deployment",
      metadata: { name: slotName(service, slot) },
      spec: {
        replicas: 2,
        selector: { matchLabels: labels },
        template: { metadata: { labels }, spec },
      },
    });
  }

  /** A program with the Services and the route of podinfo, as a service stack has them. */
  function program(route: WrittenRoute, more: Partial<KubernetesRouterArgs> = {}) {
    return async (): Promise<void> => {
      const kubeconfig = cluster().config.exportConfig();
      const options = { provider: new kubernetes.Provider("cluster", { kubeconfig }) };
      const parent = new ComponentResource("test:index:Service", service, {}, options);
      const args = routerArgs(route, {
        namespace: space.name,
        cluster: { kubeconfig },
        weights: { blue: 100, green: 0 },
        ...more,
      });
      const written = { name: service, port: args.port, route, revision: null };
      const inside = { parent, ...options };
      const { primary, port, namespace } = args;
      const dependsOn = declareServices(
        kubernetesServiceWritten.parse(written),
        namespace,
        primary,
        { blue: port, green: port },
        inside,
      );
      routed = appMeshRouter(settings()).declare({ ...args, dependsOn }, parent);
    };
  }

  function settings(): AppMeshRouterSettings {
    return {
      kind: "app-mesh",
      mesh: space.name,
      virtualGateway: { namespace: space.name, name: "ingress" },
      allowDiscontinuedAppMesh: true,
    };
  }

  async function up(route: WrittenRoute, more: Partial<KubernetesRouterArgs> = {}) {
    const { errors, steps } = await stack.up(program(route, more));
    assert.equal(errors, "");
    await untilAllActive();
    return steps.filter(([, op]) => op !== "same");
  }

  /** Every object of App Mesh that the stack holds, as it is now, has been taken. */
  async function untilAllActive(): Promise<readonly string[]> {
    const names: string[] = [];
    for (const { type, id = "" } of await stack.resources()) {
      const kind = Object.keys(kinds).find((known) => type.endsWith(`:${known}`));
      if (!type.includes("appmesh.k8s.aws") || kind === undefined) continue;
      const name = id.split("/").at(-1) ?? "";
      // one of the keys of `kinds`
      await untilActive(space, kind as Kind, name);
      names.push(`${kind} ${name}`);
    }
    return names.toSorted();
  }

  async function readBack() {
    assert.equal(routed.traffic.router, "app-mesh");
    const reader = new AppMeshTraffic(routed.traffic);
    return (await reader.read(AbortSignal.timeout(5_000))).weights;
  }

  /** Versions that answer, and how often, of so many requests. */
  async function answers(
    path: string,
    headers: Record<string, string> = {},
  ): Promise<Readonly<Record<string, number>>> {
    return countByVersion(
      await new Load({ url: `${url}${path}`, headers, requestsPerSecond: 100 }).for(500),
    );
  }

  async function untilServed(): Promise<void> {
    await waitUntil("the gateway serves", 20_000, async () => (await fetch(`${url}/`)).ok);
  }

  for (const [name, route] of Object.entries(routeVariants)) {
    it(`brings every object to Active: ${name}`, async function () {
      this.timeout(60_000);
      await up(route, { weights: { blue: 90, green: 10 } });
      const objects = await untilAllActive();
      assert.deepEqual(
        objects.filter((object) => !object.startsWith("GatewayRoute")),
        [
          "VirtualNode podinfo-blue",
          "VirtualNode podinfo-green",
          "VirtualRouter podinfo",
          "VirtualRouter podinfo-canary",
          "VirtualService podinfo",
          "VirtualService podinfo-canary",
        ],
      );
      const hosts = "hostnames" in route ? route.hostnames.length : 1;
      assert.equal(objects.length, 6 + hosts, objects.join(", "));
      assert.deepEqual(await readBack(), { blue: 90, green: 10 });
    });
  }

  it("changes the router alone when weights move, and requests follow", async function () {
    this.timeout(90_000);
    await up({});
    await untilServed();
    assert.deepEqual(Object.keys(await answers("/")), [versions.blue]);
    const moved = await up({}, { weights: { blue: 0, green: 100 } });
    assert.deepEqual(moved, [["podinfo-route", "update"]]);
    assert.deepEqual(await readBack(), { blue: 0, green: 100 });
    assert.deepEqual(Object.keys(await answers("/")), [versions.green]);
    const halved = await up({}, { weights: { blue: 50, green: 50 } });
    assert.deepEqual(halved, [["podinfo-route", "update"]]);
    assert.deepEqual(Object.keys(await answers("/")).toSorted(), Object.values(versions));
  });

  it("keeps the live weights in a plain update, even when something else changes", async function () {
    this.timeout(90_000);
    await up({}, { weights: { blue: 70, green: 30 } });
    assert.deepEqual(await up({}, { keepWeights: true }), []);
    assert.deepEqual(await readBack(), { blue: 70, green: 30 });
    const longer = { timeouts: { request: "20s" } };
    const changed = (await up(longer, { keepWeights: true })).map(([name]) => name);
    assert.ok(changed.includes("podinfo-route"), changed.join(", "));
    assert.deepEqual(await readBack(), { blue: 70, green: 30 });
  });

  it("keeps the live weights when an A/B match comes and goes", async function () {
    this.timeout(120_000);
    await up({}, { weights: { blue: 70, green: 30 } });
    for (const route of [routeVariants["A/B by header"], {}]) {
      await up(route, { keepWeights: true });
      assert.deepEqual(await readBack(), { blue: 70, green: 30 });
    }
  });

  it("sends only what matches to the canary", async function () {
    this.timeout(60_000);
    const insider = { "x-canary": "insider", region: "eu-west" };
    await up(routeVariants["A/B by header"], { weights: { blue: 0, green: 100 } });
    await untilServed();
    assert.deepEqual(Object.keys(await answers("/", insider)), [versions.green]);
    const elsewhere = { ...insider, region: "us-east" };
    assert.deepEqual(Object.keys(await answers("/", elsewhere)), [versions.blue]);
    await up(routeVariants["A/B by cookie and query"], { weights: { blue: 0, green: 100 } });
    const cookie = { cookie: "a=b; canary=always" };
    assert.deepEqual(Object.keys(await answers("/?beta=1", cookie)), [versions.green]);
    assert.deepEqual(Object.keys(await answers("/?beta=2", cookie)), [versions.blue]);
    assert.deepEqual(Object.keys(await answers("/?beta=1")), [versions.blue]);
  });

  it("serves its host names and paths, and nothing else", async function () {
    this.timeout(60_000);
    await up(routeVariants["host names and paths"]);
    const status = async (host: string, path: string) => {
      const load = new Load({ url: `${url}${path}`, headers: { host }, requestsPerSecond: 20 });
      const [first] = await load.for(100);
      return first?.status;
    };
    await waitUntil("the first host is served", 20_000, async () => {
      return (await status("podinfo.example.com", "/version")) === 200;
    });
    assert.equal(await status("any.podinfo.test", "/version"), 200);
    assert.equal(await status("other.example.com", "/version"), 404);
    assert.equal(await status("podinfo.example.com", "/versions"), 404);
  });

  it("hides no error of the canary", async function () {
    this.timeout(60_000);
    await up({}, { weights: { blue: 0, green: 100 } });
    await untilServed();
    const cluster = routed.variables.green["cluster"] ?? "";
    const before = await counted(cluster, "503");
    const outcomes = await new Load({ url: `${url}/status/503`, requestsPerSecond: 50 }).for(500);
    assert.ok(outcomes.length > 10 && outcomes.every(({ status }) => status === 503));
    // one for each: App Mesh's unseen policy would have sent three
    assert.equal((await counted(cluster, "503")) - before, outcomes.length);
  });

  /** How many answers of a status the gateway's Envoy has counted, under the name that the router's queries use. */
  async function counted(cluster: string, status: string): Promise<number> {
    const stats = appMesh.gateway(`${space.name}/ingress`)?.statsAddress;
    const text = await (await fetch(`http://${stats}/stats/prometheus`)).text();
    assert.ok(text.includes(`envoy_cluster_name="${cluster}"`), `no series of ${cluster}`);
    const series = text
      .split("\n")
      .find(
        (line) =>
          line.startsWith("envoy_cluster_upstream_rq{") &&
          line.includes(`envoy_cluster_name="${cluster}"`) &&
          line.includes(`envoy_response_code="${status}"`),
      );
    return Number(series?.split(" ").at(-1) ?? 0);
  }

  it("is refused by the router before the API server would", async () => {
    const canaryMatch = [{ headers: { ["x".repeat(51)]: { exact: "1" } } }];
    const { errors } = await stack.up(program({ canaryMatch }));
    assert.match(
      errors,
      /route\.canaryMatch\[0\]: header x+: App Mesh takes names of 50 characters/,
    );
    const { metadata, ...rest } = virtualRouter(routerArgs({ canaryMatch }), "split");
    const own = { ...rest, metadata: { ...metadata, namespace: space.name, labels: {} } };
    await assert.rejects(space.apply(own), /headers\[0\]\.name: Too long: may not be more than 50/);
  });

  it("swaps roles without a break, and leaves nothing when it is destroyed", async function () {
    this.timeout(90_000);
    await up({}, { weights: { blue: 0, green: 100 } });
    await untilServed();
    const load = new Load({ url: `${url}/`, requestsPerSecond: 100 });
    const swapped = await up({}, { weights: { blue: 0, green: 100 }, primary: "green" });
    await load.stop();
    assert.deepEqual(load.failures().slice(0, 3), []);
    assert.deepEqual(swapped.map(([name]) => name).toSorted(), [
      "podinfo-canary-route",
      "podinfo-canary-service",
      "podinfo-service",
    ]);
    assert.equal((await stack.destroy()).errors, "");
    assert.deepEqual(await untilAllActive(), []);
  });
});
