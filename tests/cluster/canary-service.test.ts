import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { AutoscalingV2Api, PolicyV1Api, type V1Pod } from "@kubernetes/client-node";
import { stringify } from "yaml";
import { z } from "zod";
import type { Slot } from "../../infra/contract.ts";
import type { Finished } from "../end-to-end/commands.ts";
import { apiRequest } from "./api-request.ts";
import { Samples, sampleOf, weightsOf, type Sample } from "./canary-service-samples.ts";
import type { ClusterService } from "./end-to-end/cluster-project.ts";
import { gatewayScene } from "./end-to-end/gateway-scene.ts";
import { Ground } from "./end-to-end/ground.ts";
import { hostOf, podinfo, revision } from "./end-to-end/podinfo-service.ts";
import { GrpcLoad } from "./grpc-load.ts";
import { Load } from "./load.ts";
import { podinfoPort } from "./podinfo-template.ts";
import { describeOnCluster } from "./test-cluster.ts";
import { waitUntil } from "./wait-until.ts";

/** Passes every check: here it is not the metrics that decide. */
const rollout = {
  interval: "1s",
  metrics: [{ name: "up", query: "vector(1)", range: { min: 1 } }],
  bake: "0s",
  drain: "0s",
  limits: { ready: "60s" },
} as const;

function succeeded({ code, stdout, stderr }: Finished): void {
  assert.equal(code, 0, stdout + stderr);
}

describeOnCluster("CanaryService on the cluster", (cluster) => {
  let ground: Ground;

  before(async function () {
    this.timeout(180_000);
    // its gateway and Prometheus are processes of the test cluster
    if (cluster().processes === undefined) return this.skip();
    ground = await Ground.prepare(cluster(), gatewayScene("contour"));
  });

  after(async function () {
    this.timeout(60_000);
    await (ground as Ground | undefined)?.close();
  });

  /** Pods of a slot that are not being deleted. */
  async function podsOf(service: string, slot: Slot): Promise<readonly V1Pod[]> {
    const { items } = await ground.space.core.listNamespacedPod({
      namespace: ground.space.name,
      labelSelector: `upramp.dev/service=${service},upramp.dev/slot=${slot}`,
    });
    return items.filter(({ metadata }) => metadata?.deletionTimestamp === undefined);
  }

  async function namesOf(
    list: Promise<{ readonly items: readonly { metadata?: { name?: string } }[] }>,
  ): Promise<readonly string[]> {
    return (await list).items.map(({ metadata }) => metadata?.name ?? "").toSorted();
  }

  function budgets(): Promise<readonly string[]> {
    const policy = cluster().config.makeApiClient(PolicyV1Api);
    return namesOf(policy.listNamespacedPodDisruptionBudget({ namespace: ground.space.name }));
  }

  async function configured(service: ClusterService): Promise<string> {
    succeeded(await service.up().done);
    return (await service.outputs()).configured.id;
  }

  async function sample(service: string): Promise<Sample> {
    return waitUntil("a quiet moment", 5_000, async () => {
      return (await sampleOf(ground.space, service)) ?? undefined;
    });
  }

  /** That at each look every slot had the pods that its share of the requests takes, out of so many. */
  function assertCapacity(samples: readonly Sample[], replicas: number, perWeight: boolean): void {
    const steps = new Set(samples.map(({ weights }) => weights.green));
    assert.ok(steps.size > 2, [...steps].join(", "));
    for (const { weights, sizes } of samples) {
      for (const slot of ["blue", "green"] as const) {
        if (weights[slot] === 0) continue;
        const isWhole = slot === "blue" || !perWeight;
        const needed = isWhole ? replicas : Math.ceil((replicas * weights[slot]) / 100);
        const seen = JSON.stringify({ weights, sizes });
        assert.ok(sizes[slot].available >= needed, `${slot} needs ${needed}: ${seen}`);
      }
    }
  }

  describe("from a manifest, with configuration by volume and by variables", () => {
    let service: ClusterService;
    let ids: string[];

    async function manifest(cpu: string): Promise<void> {
      const container = {
        name: "podinfo",
        image: "podinfo:9.9.9",
        ports: [{ name: "http", containerPort: podinfoPort }],
        readinessProbe: { httpGet: { path: "/readyz", port: "http" }, periodSeconds: 1 },
        resources: { requests: { cpu } },
        envFrom: [{ secretRef: { name: "keys" } }],
        volumeMounts: [
          { name: "settings", mountPath: "/etc/podinfo" },
          { name: "keys", mountPath: "/etc/podinfo-keys" },
        ],
      };
      const deployment = {
        apiVersion: "apps/v1",
        kind: "Deployment",
        metadata: { name: "written" },
        spec: {
          replicas: 7,
          selector: { matchLabels: { app: "written" } },
          template: {
            metadata: { labels: { app: "written" } },
            spec: {
              containers: [container],
              volumes: [
                { name: "settings", configMap: { name: "settings" } },
                { name: "keys", secret: { secretName: "keys" } },
              ],
              terminationGracePeriodSeconds: 10,
            },
          },
        },
      };
      const other = { apiVersion: "v1", kind: "Service", metadata: { name: "written" }, spec: {} };
      const text = [deployment, other].map((object) => stringify(object)).join("---\n");
      await writeFile(manifestFile(), text);
    }

    function manifestFile(): string {
      return join(ground.project.directory, "written.yaml");
    }

    async function configure(message: string, token: string): Promise<void> {
      await ground.space.apply(
        {
          apiVersion: "v1",
          kind: "ConfigMap",
          metadata: { name: "settings" },
          data: { message },
        },
        {
          apiVersion: "v1",
          kind: "Secret",
          metadata: { name: "keys" },
          stringData: { TOKEN: token },
        },
      );
    }

    async function generations(): Promise<readonly number[]> {
      const { sizes } = await sample("filed");
      return [sizes.blue.generation, sizes.green.generation];
    }

    before(async function () {
      this.timeout(60_000);
      await manifest("10m");
      await configure("one", "first");
      service = await ground.project.deployService({
        service: podinfo(
          "filed",
          {},
          {
            revision: { manifest: manifestFile(), image: "podinfo:1.0.0" },
            ignore: ["spec.containers[0].resources"],
            disruption: { maxUnavailable: 1 },
          },
        ),
        rollout: { ...rollout, steps: [{ weight: 30, hold: true }, 60] },
      });
      ids = [(await service.outputs()).configured.id];
    });

    after(async () => {
      const left = await (service as ClusterService | undefined)?.destroy();
      if (left !== undefined) succeeded(left);
    });

    it("runs the manifest's pods, with the image and the replicas of the service", async () => {
      const pods = await podsOf("filed", "blue");
      assert.equal(pods.length, 2);
      assert.equal(pods[0]?.spec?.containers[0]?.image, "podinfo:1.0.0");
      assert.equal(pods[0]?.metadata?.labels?.["app"], "written");
      const names = await namesOf(
        ground.space.apps.listNamespacedDeployment({ namespace: ground.space.name }),
      );
      assert.ok(!names.includes("written"), names.join(", "));
      assert.deepEqual(await budgets(), ["filed-blue"]);
    });

    it("wants the same revision again when nothing changed, and touches nothing", async () => {
      const before = await generations();
      assert.equal(await configured(service), ids[0]);
      assert.deepEqual(await generations(), before);
    });

    it("wants a new revision when a ConfigMap changes, and when a Secret does", async () => {
      const before = await generations();
      await configure("two", "first");
      ids.push(await configured(service));
      await configure("two", "second");
      ids.push(await configured(service));
      assert.equal(new Set(ids).size, 3);
      assert.equal(await configured(service), ids[2]);
      assert.deepEqual(await generations(), before);
    });

    it("has whole capacity before weight, and is not moved by a pulumi up in the middle", async function () {
      this.timeout(120_000);
      const samples = new Samples(ground.space, "filed");
      const run = service.run();
      await run.said("held: `upramp promote`");
      const held = await sample("filed");
      assert.deepEqual(held.weights, { blue: 70, green: 30 });
      assert.equal(await configured(service), ids[2]);
      assert.deepEqual((await sample("filed")).weights, held.weights);
      assert.deepEqual(await generations(), [
        held.sizes.blue.generation,
        held.sizes.green.generation,
      ]);
      assert.deepEqual(await budgets(), ["filed-blue", "filed-green"]);
      succeeded(await service.upramp("promote").done);
      succeeded(await run.done);
      assertCapacity(await samples.stop(), 2, false);
      const { weights, sizes } = await sample("filed");
      assert.deepEqual(weights, { blue: 0, green: 100 });
      assert.deepEqual([sizes.blue.asked, sizes.green.asked], [0, 2]);
      assert.deepEqual(await budgets(), ["filed-green"]);
      const [pod] = await podsOf("filed", "green");
      assert.ok(pod);
      const file = await ground.space.get(pod, "/file?path=/etc/podinfo/message");
      const variable = await ground.space.get(pod, "/env?name=TOKEN");
      assert.deepEqual([file, variable], [{ content: "two" }, { value: "second" }]);
    });

    it("makes no revision of an ignored field, leaves the primary as it is, and takes it with the next", async function () {
      this.timeout(90_000);
      const before = await generations();
      await manifest("20m");
      assert.equal(await configured(service), ids[2]);
      const nothing = await service.run().done;
      succeeded(nothing);
      assert.deepEqual(await generations(), before);
      const cpuOf = async (slot: Slot): Promise<unknown> =>
        (await podsOf("filed", slot))[0]?.spec?.containers[0]?.resources?.requests?.["cpu"];
      assert.equal(await cpuOf("green"), "10m");
      await service.configureRollout(rollout);
      succeeded(await service.run("--revision", "podinfo:2.0.0").done);
      assert.equal(await cpuOf("blue"), "20m");
    });
  });

  describe("as a DaemonSet", () => {
    it("is there in filled slots only, and is rolled out like any other", async function () {
      this.timeout(120_000);
      const service = await ground.project.deployService({
        service: {
          ...podinfo("agent", {}, { workload: "DaemonSet", disruption: { maxUnavailable: 1 } }),
          replicas: undefined,
        },
        rollout: { ...rollout, steps: [{ weight: 50, hold: true }] },
      });
      const sets = (): Promise<readonly string[]> =>
        namesOf(ground.space.apps.listNamespacedDaemonSet({ namespace: ground.space.name }));
      assert.deepEqual(await sets(), ["agent-blue"]);
      assert.deepEqual(await budgets(), ["agent-blue"]);
      const run = service.run("--revision", "podinfo:2.0.0");
      await run.said("held: `upramp promote`");
      assert.deepEqual(await sets(), ["agent-blue", "agent-green"]);
      assert.deepEqual(await weightsOf(ground.space, "agent"), { blue: 50, green: 50 });
      succeeded(await service.upramp("promote").done);
      succeeded(await run.done);
      assert.deepEqual(await sets(), ["agent-green"]);
      assert.deepEqual(await budgets(), ["agent-green"]);
      assert.equal((await podsOf("agent", "green")).length, 1);
      succeeded(await service.destroy());
    });
  });

  describe("of gRPC calls", () => {
    const container = {
      name: "echo",
      image: "grpc-echo:1.0.0",
      ports: [{ name: "grpc", containerPort: 9_899 }],
      readinessProbe: { tcpSocket: { port: "grpc" }, periodSeconds: 1 },
    };

    it("promotes a good version without one failed call, and goes back from one whose calls fail", async function () {
      this.timeout(180_000);
      const service = await ground.project.deployService({
        service: {
          name: "echo",
          port: 9_899,
          revision: { template: { spec: { containers: [container] } } },
          route: {
            protocol: "grpc",
            hostnames: [hostOf("echo")],
            paths: [{ exact: "/upramp.test.Echo/Version" }],
          },
        },
        // HTTP says 200 of every call: only gRPC's own status tells
        rollout: {
          ...rollout,
          interval: "2500ms",
          threshold: 2,
          metrics: [{ name: "request-success-rate", range: { min: 99 } }],
          steps: [30],
        },
      });
      const load = (): GrpcLoad =>
        new GrpcLoad(new URL(ground.scene.url).host, hostOf("echo"), 100);
      const toGood = load();
      succeeded(await service.run("--revision", "grpc-echo:2.0.0").done);
      const good = await toGood.stop();
      assert.deepEqual(good.filter(({ code }) => code !== 0).slice(0, 3), []);
      assert.deepEqual([good.at(0)?.version, good.at(-1)?.version], ["1.0.0", "2.0.0"]);
      const toBad = load();
      const end = await service.run("--revision", "grpc-echo-failing:3.0.0").done;
      const bad = await toBad.stop();
      assert.equal(end.code, 3, end.stdout + end.stderr);
      assert.match(end.stdout, /request-success-rate/);
      assert.ok(bad.some(({ version }) => version === "3.0.0"));
      // UNAVAILABLE, as the version says it, and nothing of the router's own
      const failed = bad.filter(({ code }) => code !== 0);
      assert.deepEqual([...new Set(failed.map(({ code }) => code))], [14]);
      assert.ok(failed.length < bad.length / 3, `${failed.length} of ${bad.length}`);
      succeeded(await service.destroy());
    });
  });

  describe("sized by weight", () => {
    it("has the pods of each step before its requests, and of the last one all", async function () {
      this.timeout(120_000);
      const service = await ground.project.deployService({
        service: podinfo("sized", {}, { replicas: 4, canarySize: "byWeight" }),
        rollout: { ...rollout, steps: [25, 50] },
      });
      const samples = new Samples(ground.space, "sized");
      succeeded(await service.run("--revision", "podinfo:2.0.0").done);
      const taken = await samples.stop();
      assertCapacity(taken, 4, true);
      const asked = [...new Set(taken.map(({ sizes }) => sizes.green.asked))];
      assert.deepEqual(asked, [0, 1, 2, 4]);
      assert.ok(taken.every(({ sizes, weights }) => weights.blue === 0 || sizes.blue.asked === 4));
      succeeded(await service.destroy());
    });
  });

  describe("under an autoscaler", () => {
    const managersSchema = z.object({
      metadata: z.object({
        managedFields: z.array(
          z.object({
            manager: z.string(),
            fieldsV1: z.unknown(),
          }),
        ),
      }),
    });

    it("brings its canary up to what the primary has, then grows it under load, and no update takes that back", async function () {
      this.timeout(240_000);
      const service = await ground.project.deployService({
        service: podinfo(
          "scaled",
          {},
          {
            replicas: undefined,
            autoscaling: { min: 1, max: 5, cpuPercent: 50 },
            revision: revision("podinfo:1.0.0", { resources: { requests: { cpu: "200m" } } }),
          },
        ),
        rollout: { ...rollout, steps: [{ weight: 60, hold: true }, 80] },
      });
      /** The fewest pods of each autoscaler that is there. */
      const scalers = async (): Promise<unknown> => {
        const api = cluster().config.makeApiClient(AutoscalingV2Api);
        const namespace = ground.space.name;
        const { items } = await api.listNamespacedHorizontalPodAutoscaler({ namespace });
        return Object.fromEntries(
          items.map(({ metadata, spec }) => [metadata?.name, spec?.minReplicas]),
        );
      };
      const burn = (requestsPerSecond: number): Load =>
        new Load({
          url: `${ground.scene.url}/burn?ms=20`,
          headers: { host: hostOf("scaled") },
          requestsPerSecond,
          boundMs: 200_000,
        });
      assert.deepEqual(await scalers(), { "scaled-blue": 1 });
      const loads = [burn(10)];
      await waitUntil("the primary is scaled up", 90_000, async () => {
        const { asked, available } = (await sample("scaled")).sizes.blue;
        return available >= 2 && available === asked;
      });
      const samples = new Samples(ground.space, "scaled");
      const run = service.run("--revision", "podinfo:2.0.0");
      await run.said("held: `upramp promote`");
      const { capacity = 0 } = (await service.outputs()).assignment;
      assert.ok(capacity >= 2 && capacity < 5, `a capacity of ${capacity}`);
      assert.deepEqual(await scalers(), { "scaled-blue": capacity, "scaled-green": capacity });
      loads.push(burn(25));
      await waitUntil("the canary is scaled up", 90_000, async () => {
        return (await sample("scaled")).sizes.green.available > capacity;
      });
      succeeded(await service.upramp("promote").done);
      succeeded(await run.done);
      const taken = await samples.stop();
      await Promise.all(loads.map((load) => load.stop()));
      assert.deepEqual(loads.flatMap((load) => load.failures()).slice(0, 3), []);
      assertCapacity(taken, capacity, false);
      // above it the autoscaler alone decides, up and down; once the old slot is drained, below it too
      for (const { sizes, weights } of taken) {
        if (weights.green === 0 || sizes.blue.asked === 0) continue;
        assert.ok(sizes.green.asked >= capacity, `${sizes.green.asked} of ${capacity} replicas`);
      }
      assert.deepEqual(await scalers(), { "scaled-green": 1 });
      assert.equal((await sample("scaled")).sizes.blue.asked, 0);
      // as it stands: the client's own type has no field of these
      const path = `/apis/apps/v1/namespaces/${ground.space.name}/deployments/scaled-green`;
      const text = await apiRequest(cluster().config, "GET", path);
      const { metadata } = managersSchema.parse(JSON.parse(text));
      const own = metadata.managedFields.filter(({ manager }) => manager.startsWith("pulumi"));
      assert.equal(own.length, 1);
      assert.ok(!JSON.stringify(own).includes('"f:replicas"'), JSON.stringify(own));
      succeeded(await service.destroy());
    });
  });
});
