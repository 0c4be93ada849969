import assert from "node:assert/strict";
import { join } from "node:path";
import { mkdirSync, readdirSync } from "node:fs";
import * as k8s from "@pulumi/kubernetes";
import type { PulumiFn } from "@pulumi/pulumi/automation/index.js";
import { z } from "zod";
import { parse } from "../../infra/contract.ts";
import { kubernetesPlatformWritten } from "../../infra/kubernetes-contract.ts";
import { KubernetesPlatform } from "../../infra/platform/kubernetes-platform.ts";
import { pulumiEnvironment } from "../../tools/environment.ts";
import { silentProgress } from "../../tools/progress.ts";
import {
  type KubernetesProviderProcess,
  startKubernetesProvider,
} from "../support/kubernetes-provider/start.ts";
import { TestStack } from "../support/kubernetes-provider/test-stack.ts";
import { apiRequest } from "./api-request.ts";
import { apply, readObjects } from "./apply.ts";
import { applyCrds } from "./gateways/crds.ts";
import { podinfoPod, podinfoPort } from "./podinfo-template.ts";
import { describeOnCluster } from "./test-cluster.ts";
import { TestNamespace } from "./test-namespace.ts";
import { handedToolPaths } from "./tool-paths.ts";
import { waitUntil } from "./wait-until.ts";

type Written = Omit<z.input<typeof kubernetesPlatformWritten>, "target" | "cluster" | "router">;

/** An `up` that starts a Prometheus, on a machine that does other things as well. */
const upBoundMs = 120_000;

const settleBoundMs = 45_000;

const operatorCrds = new URL("prometheus-operator/crds/", import.meta.url).pathname;

describeOnCluster("the metrics of a platform", (cluster) => {
  let provider: KubernetesProviderProcess;
  let space: TestNamespace;
  let stack: TestStack;

  before(async function () {
    this.timeout(upBoundMs);
    if (cluster().processes === undefined) return this.skip();
    await applyCrds(cluster().config, [handedToolPaths()["gateway-api-crds"]]);
    provider = await startKubernetesProvider({ settleMs: 300 });
    const environment = await pulumiEnvironment({ program: "inline", progress: silentProgress });
    space = await TestNamespace.create(cluster(), "metrics");
    // what routes attach to is of no matter here
    await space.apply({
      apiVersion: "gateway.networking.k8s.io/v1",
      kind: "Gateway",
      metadata: { name: "in" },
      spec: { gatewayClassName: "none", listeners: [{ name: "http", port: 80, protocol: "HTTP" }] },
    });
    stack = await TestStack.create({ ...environment, ...provider.env });
  });

  after(async function () {
    this.timeout(upBoundMs);
    await stack?.remove();
    await space?.remove();
    await provider?.stop();
  });

  type Profile = "contour" | "linkerd";

  function platform(prometheus: Written["prometheus"], profile: Profile = "linkerd"): PulumiFn {
    const kubeconfig = cluster().config.exportConfig();
    return async () => {
      const providers = [new k8s.Provider("cluster", { kubeconfig })];
      const written = {
        target: "kubernetes",
        cluster: { kubeconfig },
        namespace: { name: space.name, create: false },
        router: {
          kind: "gateway-api",
          profile,
          gateway: { namespace: space.name, name: "in" },
        },
        prometheus,
      };
      const settings = parse(kubernetesPlatformWritten, written, "upramp:platform");
      const args = { stack: "test", settings };
      return { upramp: new KubernetesPlatform("platform", args, { providers }).outputs };
    };
  }

  async function up(
    prometheus: Written["prometheus"],
    profile?: Profile,
  ): Promise<Record<string, string>> {
    const bound = AbortSignal.timeout(upBoundMs - 20_000);
    const { errors, steps } = await stack.up(platform(prometheus, profile), bound);
    assert.equal(errors, "");
    return Object.fromEntries(steps.filter(([, op]) => op !== "same"));
  }

  const valuesSchema = z.object({
    data: z.object({ result: z.array(z.object({ value: z.tuple([z.number(), z.string()]) })) }),
  });

  /** Values of an instant query, now or at a time in seconds. */
  async function query(promql: string, at?: number): Promise<string[]> {
    const form = new URLSearchParams({ query: promql, ...(at && { time: String(at) }) });
    const service = `/api/v1/namespaces/${space.name}/services/http:upramp-prometheus:9090`;
    const path = `${service}/proxy/api/v1/query?${form.toString()}`;
    const answer = await apiRequest(cluster().config, "GET", path);
    return valuesSchema.parse(JSON.parse(answer)).data.result.map(({ value }) => value[1]);
  }

  describe("on a volume", () => {
    let folder: string;
    const size = "1Gi";

    before(async function () {
      const { processes } = cluster();
      if (processes === undefined) return this.skip();
      folder = join(processes.folder, `volume-${space.name}`);
      mkdirSync(folder, { recursive: true });
      // this cluster provides none by itself
      await apply(cluster().config, [
        {
          apiVersion: "v1",
          kind: "PersistentVolume",
          metadata: { name: space.name },
          spec: {
            capacity: { storage: size },
            accessModes: ["ReadWriteOnce"],
            hostPath: { path: folder },
            claimRef: { namespace: space.name, name: "upramp-prometheus" },
          },
        },
      ]);
      const annotations = {
        "prometheus.io/scrape": "true",
        "prometheus.io/port": String(podinfoPort),
      };
      const labels = { app: "asks" };
      await space.apply({
        apiVersion: "apps/v1",
        kind: "Deployment",
        metadata: { name: "asks" },
        spec: {
          replicas: 1,
          selector: { matchLabels: labels },
          template: { metadata: { labels, annotations }, spec: podinfoPod(cluster(), "1.0.0") },
        },
      });
    });

    after(async () => {
      await apiRequest(cluster().config, "DELETE", `/api/v1/persistentvolumes/${space.name}`);
    });

    const deploy = (scrapeInterval: string) => ({
      deploy: { scrapeInterval, volume: { size, storageClass: "" } },
    });

    it("are kept there", async function () {
      this.timeout(upBoundMs);
      const made = await up(deploy("1s"));
      assert.equal(made["platform-prometheus-volume"], "create");
      await waitUntil("podinfo is scraped", settleBoundMs, async () => {
        return (await query(`up{pod=~"asks-.*"} == 1`)).length === 1;
      });
      assert.ok(readdirSync(folder).includes("wal"), readdirSync(folder).join(", "));
    });

    it("outlive the pod that a changed configuration replaces", async function () {
      this.timeout(upBoundMs);
      const measuredAt = Date.now() / 1_000;
      const changed = await up(deploy("2s"));
      assert.equal(changed["platform-prometheus"], "update");
      assert.equal(changed["platform-prometheus-volume"], undefined);
      assert.equal((await query(`up{pod=~"asks-.*"} == 1`, measuredAt)).length, 1);
    });

    it("are given up for those of a pod, and back, only by taking the volume away", async function () {
      this.timeout(2 * upBoundMs);
      const other = { deploy: { volume: { size, storageClass: "other" } } };
      const bound = AbortSignal.timeout(upBoundMs - 20_000);
      const refused = await stack.up(platform(other), bound);
      assert.match(refused.errors, /storageClass = "other": the volume is of class ""/);
      assert.deepEqual(refused.steps, []);
      const without = await up({ deploy: {} });
      assert.equal(without["platform-prometheus-volume"], "delete");
      assert.deepEqual(await query("vector(1)"), ["1"]);
    });
  });

  describe("of proxies that ask for nothing", () => {
    /** A pod with such a container, which answers `/metrics` and `/stats/prometheus` as podinfo does. */
    async function place(name: string, container: string, port: string, labels = {}) {
      const pod = podinfoPod(
        cluster(),
        "1.0.0",
        {},
        {
          name: container,
          ports: [{ name: port, containerPort: podinfoPort }],
          readinessProbe: { httpGet: { path: "/readyz", port: podinfoPort }, periodSeconds: 1 },
        },
      );
      const own = { app: name, ...labels };
      await space.apply({
        apiVersion: "apps/v1",
        kind: "Deployment",
        metadata: { name },
        spec: {
          replicas: 1,
          selector: { matchLabels: { app: name } },
          template: { metadata: { labels: own }, spec: pod },
        },
      });
    }

    it("are Linkerd's, with the label that its queries ask for", async function () {
      this.timeout(upBoundMs);
      const labels = { "linkerd.io/proxy-deployment": "podinfo-blue" };
      await place("meshed", "linkerd-proxy", "linkerd-admin", labels);
      await up({ deploy: { scrapeInterval: "1s" } });
      const proxies = `{job="linkerd-proxy",namespace="${space.name}",deployment="podinfo-blue"}`;
      await waitUntil("Linkerd's proxy is scraped", settleBoundMs, async () => {
        return (await query(`up${proxies} == 1`)).length === 1;
      });
      assert.deepEqual(await query(`count(up{job="linkerd-proxy"})`), ["1"]);
    });

    it("are Contour's Envoys", async function () {
      this.timeout(upBoundMs);
      await place("envoy", "envoy", "metrics");
      await up({ deploy: { scrapeInterval: "1s" } }, "contour");
      await waitUntil("Contour's Envoy is found", settleBoundMs, async () => {
        return (await query(`up{job="contour-envoy",pod=~"envoy-.*"}`)).length === 1;
      });
      assert.deepEqual(await query(`count(up{job="contour-envoy"})`), ["1"]);
    });
  });

  describe("for the Prometheus Operator", () => {
    const there = { address: "http://prometheus.example.com" };
    const settings = { ...there, operator: { labels: { release: "prometheus" } }, dashboard: {} };

    it("are refused where its definitions are missing", async function () {
      this.timeout(upBoundMs);
      const { errors } = await stack.up(platform(settings));
      assert.match(
        errors,
        /the cluster does not know PodMonitors: install the Prometheus Operator/,
      );
    });

    it("are PodMonitors and a dashboard that the API server takes, as they are", async function () {
      this.timeout(upBoundMs);
      assert.ok(readObjects(operatorCrds).length > 0);
      await applyCrds(cluster().config, [operatorCrds]);
      const made = await up(settings);
      assert.equal(made["platform-pod-monitor-pods"], "create");
      assert.equal(made["platform-pod-monitor-linkerd-proxy"], "create");
      assert.equal(made["platform-dashboard"], "create");
      const monitors = `/apis/monitoring.coreos.com/v1/namespaces/${space.name}/podmonitors`;
      const answer: unknown = JSON.parse(await apiRequest(cluster().config, "GET", monitors));
      const schema = z.object({
        items: z.array(
          z.object({
            metadata: z.object({ name: z.string() }),
            spec: z.object({
              podMetricsEndpoints: z.array(z.object({ relabelings: z.array(z.unknown()) })),
            }),
          }),
        ),
      });
      const { items } = schema.parse(answer);
      assert.deepEqual(
        items.map(({ metadata }) => metadata.name),
        ["upramp-linkerd-proxy", "upramp-pods"],
      );
      // a field that the definitions do not know would be gone
      for (const { spec } of items)
        assert.ok((spec.podMetricsEndpoints[0]?.relabelings.length ?? 0) > 4);
      assert.deepEqual(await up(settings), {});
    });
  });
});
