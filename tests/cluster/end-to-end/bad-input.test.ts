import assert from "node:assert/strict";
import { rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { stringify } from "yaml";
import { z } from "zod";
import type { RolloutRecord } from "../../../rollout/core/state.ts";
import { KubernetesStore } from "../../../rollout/adapters/kubernetes-store.ts";
import { documentedRights, type RightsObject } from "../../docs/rights.ts";
import type { Finished } from "../../end-to-end/commands.ts";
import {
  startKubernetesProvider,
  type KubernetesProviderProcess,
} from "../../support/kubernetes-provider/start.ts";
import { apiRequest } from "../api-request.ts";
import type { Cluster } from "../cluster.ts";
import { apply } from "../apply.ts";
import { limitedAccess } from "../contracts/access.ts";
import type { TestGateway } from "../gateways/gateway.ts";
import { startGateway } from "../gateways/gateways.ts";
import { podinfoPort } from "../podinfo-template.ts";
import { startPrometheus, type TestPrometheus } from "../prometheus.ts";
import { describeOnCluster } from "../test-cluster.ts";
import { TestNamespace } from "../test-namespace.ts";
import { waitUntil } from "../wait-until.ts";
import { ClusterProject, type ClusterService } from "./cluster-project.ts";

const contour = {
  kind: "gateway-api",
  profile: "contour",
  gateway: { namespace: "projectcontour", name: "contour" },
} as const;

/** Passes every check, so that nothing but the bad input decides. */
const rollout = {
  interval: "1s",
  steps: [50],
  metrics: [{ name: "up", query: "vector(1)", range: { min: 1 } }],
  bake: "0s",
  drain: "0s",
  limits: { ready: "20s", readBack: "10s", attempts: 2 },
} as const;

function podinfo(name: string, more: object = {}): Record<string, unknown> {
  return {
    name,
    port: podinfoPort,
    route: { hostnames: [`${name}.test`] },
    revision: version("1.0.0"),
    ...more,
  };
}

function version(tag: string): object {
  return { image: `podinfo:${tag}`, port: podinfoPort, readiness: "/readyz" };
}

const listSchema = z.object({
  items: z.array(z.object({ metadata: z.object({ name: z.string() }) })),
});

const routeSchema = z.object({
  spec: z.object({
    rules: z.array(z.object({ backendRefs: z.array(z.object({ weight: z.number() })) })),
  }),
});

/** What a command said, which shows nobody a stack trace. */
function words({ stdout, stderr }: Finished): string {
  const text = stdout + stderr;
  assert.doesNotMatch(text, /^\s+at |node:internal|unhandled exception|\[object Object\]/im);
  return text;
}

describeOnCluster("bad input on target kubernetes", (cluster) => {
  let processes: Cluster;
  let provider: KubernetesProviderProcess;
  let space: TestNamespace;
  let gateway: TestGateway;
  let prometheus: TestPrometheus;
  let project: ClusterProject;
  let good: ClusterService;

  before(async function () {
    this.timeout(60_000);
    const own = cluster().processes;
    // it takes definitions away and kills parts
    if (own === undefined) return this.skip();
    processes = own;
    process.env["KUBECONFIG"] = processes.kubeconfigPath;
    provider = await startKubernetesProvider({ settleMs: 300 });
    space = await TestNamespace.create(cluster(), "bad");
  });

  after(() => provider?.stop());

  function platform(more: object = {}): Record<string, unknown> {
    return {
      namespace: { name: space.name, create: false },
      router: contour,
      prometheus: { address: "http://127.0.0.1:9090" },
      ...more,
    };
  }

  /** Objects of the namespace with the labels of upramp's own. */
  async function made(): Promise<readonly string[]> {
    const { config } = cluster();
    const paths = [
      `/api/v1/namespaces/${space.name}/services`,
      `/apis/apps/v1/namespaces/${space.name}/deployments`,
      `/apis/gateway.networking.k8s.io/v1/namespaces/${space.name}/httproutes`,
    ];
    const selector = "labelSelector=app.kubernetes.io/managed-by%3Dupramp";
    const lists = await Promise.all(
      paths.map(async (path) => {
        const text = await apiRequest(config, "GET", `${path}?${selector}`);
        return listSchema.parse(JSON.parse(text)).items;
      }),
    );
    return lists.flat().map(({ metadata }) => metadata.name);
  }

  it("says of a cluster without Gateway API what to install", async () => {
    await assert.rejects(ClusterProject.deploy(cluster(), provider, platform()), (error: Error) => {
      words({ stdout: error.message, stderr: "", code: 1 });
      assert.match(error.message, /does not know Gateway API: install its CRDs \(https:/);
      return true;
    });
  });

  describe("with a gateway", () => {
    before(async function () {
      this.timeout(180_000);
      gateway = await startGateway("contour", processes);
      prometheus = await startPrometheus(processes, { gateway: gateway.statsAddress });
      project = await ClusterProject.deploy(cluster(), provider, platform());
      good = await project.deployService({ service: podinfo("good"), rollout });
    });

    after(async function () {
      this.timeout(60_000);
      await prometheus?.stop();
      // the cluster goes with what is on it
      const { directory } = (project as ClusterProject | undefined) ?? {};
      if (directory !== undefined) await rm(directory, { recursive: true, force: true });
    });

    /** The live split of a service, and its record. */
    async function standing(service: ClusterService): Promise<{
      readonly weights: readonly number[];
      readonly record: RolloutRecord | null;
    }> {
      const { store, service: name } = await service.outputs();
      assert.equal(store.kind, "kubernetes");
      const path = `/apis/gateway.networking.k8s.io/v1/namespaces/${space.name}/httproutes/${name}`;
      const route = routeSchema.parse(JSON.parse(await apiRequest(cluster().config, "GET", path)));
      const refs = route.spec.rules[0]?.backendRefs ?? [];
      return {
        weights: refs.map(({ weight }) => weight),
        record: await new KubernetesStore(store).load(),
      };
    }

    /** Writes a stack's file anew; what is not given is as in the good service. */
    async function write(stack: string, config: object): Promise<void> {
      await writeFile(join(project.directory, `Pulumi.${stack}.yaml`), stringify({ config }));
    }

    function serviceConfig(service: object, more: object = {}): object {
      return {
        "upramp:kind": "service",
        "upramp:platform": "cluster",
        "upramp:service": { target: "kubernetes", ...service },
        "upramp:rollout": rollout,
        ...more,
      };
    }

    async function untouched(service: ClusterService): Promise<void> {
      const { weights, record } = await standing(service);
      assert.deepEqual(weights, [100, 0]);
      assert.equal(record, null);
    }

    describe("a platform that cannot be", () => {
      before(() => project.pulumi("stack", "init", "odd").done);

      const cases = [
        [
          "target",
          { target: "nomad" },
          /upramp:platform\.target = "nomad": set it to local or kubernetes/,
        ],
        [
          "router",
          { router: { kind: "linkerd" } },
          /upramp:platform\.router\.kind = "linkerd": .*'gateway-api' \| 'app-mesh'/,
        ],
        [
          "profile",
          { router: { ...contour, profile: "nginx" } },
          /router\.profile = "nginx": .*"envoy-gateway"\|"contour"/,
        ],
        [
          "Gateway",
          { router: { ...contour, gateway: { namespace: "projectcontour", name: "lost" } } },
          /Gateway projectcontour\/lost does not exist: create it, correct router\.gateway/,
        ],
        [
          "namespace",
          { namespace: { name: "nowhere", create: false } },
          /namespace "nowhere" does not exist: create it with/,
        ],
      ] as const;
      for (const [what, more, message] of cases) {
        it(`is refused for its ${what}`, async () => {
          const settings = { target: "kubernetes", ...platform(more) };
          await write("odd", { "upramp:kind": "platform", "upramp:platform": settings });
          const end = await project.pulumi("up", "--yes", "--skip-preview", "--stack", "odd").done;
          assert.notEqual(end.code, 0);
          assert.match(words(end), message);
        });
      }
    });

    describe("a service that cannot be, by pulumi up", () => {
      let odd: ClusterService;

      before(async () => {
        odd = await project.declareService({ service: podinfo("odd"), rollout });
        await space.apply({
          apiVersion: "v1",
          kind: "Service",
          metadata: { name: "odd" },
          spec: { selector: { app: "odd" }, ports: [{ name: "http", port: podinfoPort }] },
        });
      });

      const cases = [
        ["target", { target: "nomad" }, {}, /upramp:service\.target = "nomad": set it to/],
        [
          "platform",
          {},
          { "upramp:platform": "prod" },
          /platform stack "prod" cannot be read .*create it first with `pulumi up --stack prod`, or correct upramp:platform/,
        ],
        [
          "namespace",
          { namespace: "nowhere" },
          {},
          /namespace "nowhere" does not exist: create it with `kubectl create namespace nowhere`/,
        ],
        [
          "capability",
          { name: "odder", route: { sessionAffinity: { cookie: "slot" } } },
          {},
          /route\.sessionAffinity: Contour .*\(profile contour\) has no session affinity in a route; remove it, or use profile/,
        ],
        [
          "weights",
          {},
          { "upramp:rollout": { steps: [50, 101] } },
          /upramp:rollout\.steps\[1\] = 101/,
        ],
        [
          "steps",
          {},
          { "upramp:rollout": { steps: [50, 20] } },
          /upramp:rollout\.steps\[1\] = 20: 20 does not rise above 50/,
        ],
        [
          "image",
          { revision: { image: "no image" } },
          {},
          /upramp:service\.revision\.image = "no image": is no image; write it as/,
        ],
        [
          "ConfigMap",
          { name: "odder", revision: { image: "podinfo:1.0.0", configMaps: ["lost"] } },
          {},
          /ConfigMap bad-\w+\/lost, which the pod template names, does not exist: create it first/,
        ],
        [
          "name",
          {},
          {},
          /Service bad-\w+\/odd is there already and this stack did not make it: delete or rename it, name the service otherwise, or take it over with `adopt: true`/,
        ],
      ] as const;
      for (const [what, service, more, message] of cases) {
        it(`is refused for its ${what}, and nothing is made`, async () => {
          await write(odd.stack, serviceConfig({ ...podinfo("odd"), ...service }, more));
          const end = await odd.up().done;
          assert.notEqual(end.code, 0, end.stdout);
          assert.match(words(end), message);
          assert.deepEqual(
            (await made()).filter((name) => name.startsWith("odd")),
            [],
          );
        });
      }

      it("takes over what it is told to", async () => {
        await write(odd.stack, serviceConfig({ ...podinfo("odd"), adopt: true }));
        const end = await odd.up().done;
        assert.equal(end.code, 0, words(end));
        const found = await space.core.readNamespacedService({
          namespace: space.name,
          name: "odd",
        });
        assert.equal(found.spec?.selector?.["upramp.dev/slot"], "blue");
        assert.deepEqual(
          found.spec?.ports?.map(({ port }) => port),
          [podinfoPort],
        );
        assert.equal((await odd.destroy()).code, 0);
      });
    });

    describe("a service that cannot be, by upramp", () => {
      afterEach(async () => {
        await write(good.stack, serviceConfig(podinfo("good")));
        await untouched(good);
      });

      const cases = [
        ["target", { target: "nomad" }, {}, /upramp:service\.target = "nomad"/],
        [
          "capability",
          { route: { sessionAffinity: { cookie: "slot" } } },
          {},
          /route\.sessionAffinity: Contour/,
        ],
        [
          "weights",
          {},
          { "upramp:rollout": { steps: [50, 101] } },
          /upramp:rollout\.steps\[1\] = 101/,
        ],
      ] as const;
      for (const [what, service, more, message] of cases) {
        it(`is refused for its ${what}, before anything moves`, async () => {
          await write(good.stack, serviceConfig({ ...podinfo("good"), ...service }, more));
          for (const command of what === "capability" ? ["plan", "run"] : ["plan"]) {
            const end = await good.upramp(command, "--revision", "podinfo:2.0.0").done;
            assert.equal(end.code, 2, words(end));
            assert.match(words(end), message);
          }
        });
      }

      it("is refused for a revision that is no image", async () => {
        for (const command of ["plan", "run"]) {
          const end = await good.upramp(command, "--revision", "node server.ts").done;
          assert.equal(end.code, 2, words(end));
          assert.match(words(end), /--revision = "node server\.ts": is no image; write it as/);
        }
      });

      it("is refused at its first deployment by upramp run", async () => {
        const first = await project.declareService({ service: podinfo("first"), rollout });
        await write(first.stack, serviceConfig({ ...podinfo("first"), namespace: "nowhere" }));
        for (const command of ["plan", "status", "run"]) {
          const end = await first.upramp(command).done;
          assert.equal(end.code, 2, words(end));
          const why =
            command === "run" ? /namespace "nowhere" does not exist/ : /has no service yet/;
          assert.match(words(end), why);
        }
      });
    });

    describe("without a right", () => {
      /** The user that the documentation binds its roles to. */
      const user = "deployer";
      let rights: readonly RightsObject[];

      before(async () => {
        rights = documentedRights((text) =>
          text
            .replaceAll(/\bshop\b/g, space.name)
            .replaceAll("namespace: gateways", `namespace: ${contour.gateway.namespace}`),
        );
        const { kubeconfig = "" } = await limitedAccess(cluster(), space.name, user, []);
        await writeFile(join(project.directory, "kubeconfig"), kubeconfig, { mode: 0o600 });
      });

      afterEach(async () => {
        await apply(cluster().config, rights);
        await write(good.stack, serviceConfig(podinfo("good")));
      });

      after(async () => {
        const all = cluster().config.exportConfig();
        await writeFile(join(project.directory, "kubeconfig"), all, { mode: 0o600 });
      });

      /** Gives the user all the documented rights but for one verb. */
      async function withhold(verb: string, resource: string): Promise<void> {
        const left = rights.map((object) =>
          Object.assign({}, object, {
            rules: object.rules?.map((rule) =>
              rule.resources.includes(resource)
                ? { ...rule, verbs: rule.verbs.filter((one) => one !== verb) }
                : rule,
            ),
          }),
        );
        await apply(cluster().config, left);
      }

      it("to read a ConfigMap that pods get, pulumi up names it", async () => {
        await space.apply({
          apiVersion: "v1",
          kind: "ConfigMap",
          metadata: { name: "settings" },
          data: { MESSAGE: "one" },
        });
        await withhold("get", "configmaps");
        const revision = { ...version("1.0.0"), configMaps: ["settings"] };
        await write(good.stack, serviceConfig(podinfo("good", { revision })));
        const end = await good.up().done;
        assert.notEqual(end.code, 0);
        assert.match(words(end), /not allowed to read ConfigMap bad-\w+\/settings: give .* `get`/);
      });

      it("to renew the lock, upramp run moves nothing", async () => {
        await withhold("update", "leases");
        const end = await good.run("--revision", "podinfo:2.0.0").done;
        assert.equal(end.code, 2, words(end));
        assert.match(
          words(end),
          /User "deployer" cannot update resource "leases".*docs\/routers\.md/,
        );
        await untouched(good);
      });

      it("to change a route, upramp run stops, says why, and ends what it began once it may", async function () {
        this.timeout(120_000);
        await withhold("patch", "httproutes");
        // the lock that could be made and not renewed runs out by itself
        const end = await unlocked(() => good.run("--revision", "podinfo:2.0.0").done);
        assert.equal(end.code, 4, words(end));
        assert.match(
          words(end),
          /User "deployer" cannot patch resource "httproutes".*Give that user this right; docs\/routers\.md/,
        );
        assert.deepEqual((await standing(good)).weights, [100, 0]);
        const status = await good.upramp("status").done;
        assert.match(status.stdout, /going back[^]*`upramp run` goes on/);
        await apply(cluster().config, rights);
        const next = await good.run().done;
        assert.equal(next.code, 3, words(next));
        const { weights, record } = await standing(good);
        assert.deepEqual(weights, [100, 0]);
        assert.equal(record?.failed?.why.kind, "applyFailed");
      });
    });

    /** What comes of a command once the lock of a driver that is gone has run out. */
    function unlocked(command: () => Promise<Finished>): Promise<Finished> {
      return waitUntil("the lock has run out", 40_000, async () => {
        const end = await command();
        return end.code === 5 ? undefined : end;
      });
    }

    describe("when the cluster goes away", () => {
      it("before a run, nothing has moved", async function () {
        this.timeout(120_000);
        await processes.controlPlane.parts.apiServer.kill();
        for (const args of [["plan"], ["status"], ["run", "--revision", "podinfo:3.0.0"]]) {
          const end = await good.upramp(...args).done;
          assert.equal(end.code, 2, words(end));
          assert.match(
            words(end),
            /^upramp: the Kubernetes API server 127\.0\.0\.1:\d+ cannot be reached: .*; see to the cluster, or correct the kubeconfig/,
          );
        }
        const up = await good.up().done;
        assert.notEqual(up.code, 0);
        assert.match(
          words(up),
          /the cluster at https:\/\/127\.0\.0\.1:\d+ cannot be reached .*; see to the cluster, or correct `cluster`/,
        );
        await comeBack();
        assert.deepEqual((await standing(good)).weights, [100, 0]);
      });

      /** Starts the API server again, and those who sleep for half a minute before they ask it again. */
      async function comeBack(): Promise<void> {
        const { parts } = processes.controlPlane;
        await processes.controlPlane.restart("apiServer");
        await Promise.all([parts.controllerManager.kill(), gateway.killController()]);
        await Promise.all([
          processes.controlPlane.restart("controllerManager"),
          gateway.restartController(),
        ]);
      }

      /** Has a run under way when the API server goes away, and waits for the end of it. */
      async function breakOff(revision: string): Promise<Finished> {
        const patient = {
          ...rollout,
          steps: [30, { weight: 60, checks: 3 }],
          limits: { ready: "60s" },
        };
        await write(good.stack, serviceConfig(podinfo("good"), { "upramp:rollout": patient }));
        const run = good.run("--revision", revision);
        await run.said("step 2/2");
        await processes.controlPlane.parts.apiServer.kill();
        return run.done;
      }

      for (const [command, code, weights, phase] of [
        ["run", 0, [0, 100], "succeeded"],
        ["rollback", 3, [0, 100], "failed"],
      ] as const) {
        it(`in the middle, says so, and upramp ${command} ends what was begun`, async function () {
          this.timeout(200_000);
          const end = await breakOff(command === "run" ? "podinfo:3.0.0" : "podinfo:4.0.0");
          assert.equal(end.code, 4, words(end));
          assert.match(words(end), /cannot be reached[^]*then `upramp run` goes on/);
          await comeBack();
          const status = await good.upramp("status").done;
          assert.equal(status.code, 0, words(status));
          assert.match(status.stdout, /step 2\/2, 60 %[^]*\(canary\): 60 %, 1 of 1 ready/);
          const next = await unlocked(() => good.upramp(command).done);
          assert.equal(next.code, code, words(next));
          const now = await standing(good);
          assert.deepEqual(now.weights, weights);
          assert.equal(now.record?.state.phase, phase);
        });
      }
    });

    // in a describe, and last: nothing works after it
    describe("when Gateway API goes away", () => {
      it("names what is missing, moves nothing, and says where it stands", async function () {
        this.timeout(120_000);
        for (const plural of ["httproutes", "gateways"]) {
          const path = `/apis/apiextensions.k8s.io/v1/customresourcedefinitions/${plural}.gateway.networking.k8s.io`;
          await apiRequest(cluster().config, "DELETE", path);
        }
        const up = await good.up().done;
        assert.notEqual(up.code, 0);
        assert.match(words(up), /does not know Gateway API: install its CRDs/);
        for (const command of ["plan", "run"]) {
          const refused = await good.upramp(command, "--revision", "podinfo:5.0.0").done;
          assert.equal(refused.code, 2, words(refused));
          assert.match(
            words(refused),
            /shows no split: there is no HTTPRoute bad-\w+\/good; `pulumi refresh`/,
          );
        }
        const status = await good.upramp("status").done;
        assert.equal(status.code, 0, words(status));
        assert.match(status.stdout, /the router shows no split[^]*there is no HTTPRoute/);
      });
    });
  });
});
