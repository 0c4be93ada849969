import assert from "node:assert/strict";
import {
  ApiextensionsV1Api,
  CoreV1Api,
  CustomObjectsApi,
  RbacAuthorizationV1Api,
} from "@kubernetes/client-node";
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
import { ApiRefusal, apiRequest } from "./api-request.ts";
import { gatewayPort, meshed, router } from "./app-mesh/canary-objects.ts";
import type { AppMesh } from "./app-mesh/controller.ts";
import { startAppMesh } from "./app-mesh/start.ts";
import { apply } from "./apply.ts";
import { canConnect } from "./can-connect.ts";
import type { TestGateway } from "./gateways/gateway.ts";
import { startGateway } from "./gateways/gateways.ts";
import { untilProgrammed } from "./gateways/programmed.ts";
import { podinfoPod, podinfoPort } from "./podinfo-template.ts";
import { describeOnCluster, type TestCluster } from "./test-cluster.ts";
import { deployment, TestNamespace } from "./test-namespace.ts";
import { waitUntil } from "./wait-until.ts";

type Written = Omit<z.input<typeof kubernetesPlatformWritten>, "target" | "cluster">;

const gatewayGroup = "gateway.networking.k8s.io";

/** Port of the Gateway that the platform declares; no other of the test cluster has it. */
const ownPort = 8_882;

/** An `up` that starts a gateway and a Prometheus, on a machine that does other things as well. */
const upBoundMs = 180_000;

const settleBoundMs = 45_000;

describeOnCluster("the platform of target kubernetes", (cluster) => {
  let provider: KubernetesProviderProcess;
  let environment: Record<string, string>;
  // Undefined only when the hook that makes it has failed.
  let stack: TestStack;

  before(async function () {
    // It takes the one Envoy Gateway of the process cluster for itself.
    if (cluster().processes === undefined) return this.skip();
    provider = await startKubernetesProvider({ settleMs: 300 });
    const pulumi = await pulumiEnvironment({ program: "inline", progress: silentProgress });
    environment = { ...pulumi, ...provider.env };
  });

  after(() => provider?.stop());

  /** A stack of its own for the tests of a suite. */
  function onOneStack(): void {
    before(async () => {
      stack = await TestStack.create(environment);
    });
    after(async function () {
      this.timeout(upBoundMs);
      await (stack as TestStack | undefined)?.remove();
    });
  }

  /** An update that gives up, and lets go of the stack, before its test does. */
  function up(written: Written) {
    return stack.up(platform(written), AbortSignal.timeout(upBoundMs - 20_000));
  }

  function platform(written: Written): PulumiFn {
    const kubeconfig = cluster().config.exportConfig();
    return async () => {
      const providers = [new k8s.Provider("cluster", { kubeconfig })];
      const settings = parse(
        kubernetesPlatformWritten,
        { target: "kubernetes", cluster: { kubeconfig }, ...written },
        "upramp:platform",
      );
      return {
        upramp: new KubernetesPlatform("platform", { stack: "test", settings }, { providers })
          .outputs,
      };
    };
  }

  async function refusal(written: Written): Promise<string> {
    const { errors, steps } = await up(written);
    assert.deepEqual(steps, [], "nothing is declared");
    return errors;
  }

  const elsewhere = { address: "http://prometheus.example.com" } as const;

  describe("before anything is declared", () => {
    onOneStack();

    it("says what of Gateway API is missing", async function () {
      const custom = cluster().config.makeApiClient(ApiextensionsV1Api);
      const { items } = await custom.listCustomResourceDefinition();
      // Another suite may have brought the definitions before.
      if (items.some(({ spec }) => spec.group === gatewayGroup)) return this.skip();
      const errors = await refusal({
        namespace: { name: "bare" },
        router: {
          kind: "gateway-api",
          profile: "contour",
          gateway: { name: "own", className: "contour" },
        },
        prometheus: elsewhere,
      });
      assert.match(
        errors,
        /does not know Gateway API: install its CRDs|GatewayClass contour .*: install .* its CRDs/,
      );
    });
  });

  describe("with Envoy Gateway", () => {
    const name = "platform-own";
    let gateway: TestGateway;
    let putBack: () => Promise<void>;
    let other: TestNamespace;

    before(async function () {
      this.timeout(upBoundMs);
      const { processes } = cluster();
      if (processes === undefined) return this.skip();
      gateway = await startGateway("envoy-gateway", processes);
      putBack = await setAside(cluster(), gateway);
      other = await TestNamespace.create(cluster(), "platform-other");
    });

    after(async function () {
      this.timeout(upBoundMs);
      await other?.remove();
      await putBack?.();
    });

    onOneStack();

    const written = (more: Partial<Written> = {}, scrapeInterval = "5s"): Written => ({
      namespace: { name },
      router: {
        kind: "gateway-api",
        profile: "envoy-gateway",
        gateway: { name: "own", className: gateway.className, port: ownPort },
      },
      prometheus: { deploy: { scrapeInterval, namespaces: [gateway.gateway.namespace] } },
      ...more,
    });

    it("refuses a class, a namespace and a Gateway that are not there", async () => {
      const own = { name: "own", className: "no-such-class" };
      const envoyGateway = { kind: "gateway-api", profile: "envoy-gateway" } as const;
      assert.match(
        await refusal(written({ router: { ...envoyGateway, gateway: own } })),
        /GatewayClass no-such-class does not exist: install the implementation/,
      );
      assert.match(
        await refusal(written({ namespace: { name: "no-such-namespace", create: false } })),
        /namespace "no-such-namespace" does not exist: create it with `kubectl create namespace/,
      );
      const missing = { namespace: other.name, name: "missing" };
      assert.match(
        await refusal(written({ router: { ...envoyGateway, gateway: missing } })),
        new RegExp(`Gateway ${other.name}/missing does not exist: create it, correct router`),
      );
      assert.match(
        await refusal(written({ namespace: { name: other.name } })),
        /is there already and this stack did not make it: use it as it is with/,
      );
    });

    it("has everything after one update", async function () {
      this.timeout(upBoundMs);
      const { errors, result } = await up(written());
      assert.equal(errors, "");
      assert.partialDeepStrictEqual(result?.outputs["upramp"]?.value, {
        namespace: name,
        router: { kind: "gateway-api", gateway: { namespace: name, name: "own" } },
        prometheus: { service: { namespace: name, service: "upramp-prometheus", port: 9_090 } },
      });
      await untilProgrammed(cluster().config, { namespace: name, name: "own" }, 1_000);
      assert.deepEqual(await query(cluster(), name, "vector(1)"), ["1"]);
    });

    it("changes nothing in a second update", async function () {
      this.timeout(upBoundMs);
      const { errors, steps } = await up(written());
      assert.equal(errors, "");
      assert.deepEqual(new Set(steps.map(([, op]) => op)), new Set(["same"]));
    });

    it("scrapes the gateway's Envoy and the pods that ask for it", async function () {
      this.timeout(upBoundMs);
      const annotations = {
        "prometheus.io/scrape": "true",
        "prometheus.io/port": String(podinfoPort),
      };
      const labels = { "upramp.dev/service": "asks", "upramp.dev/slot": "blue" };
      await apply(cluster().config, [
        podinfo(cluster(), name, "asks", { annotations, labels }),
        podinfo(cluster(), name, "is-silent", {}),
      ]);
      const found = async (promql: string, count: number): Promise<void> => {
        let seen: unknown;
        await waitUntil(
          `Prometheus has ${promql}`,
          settleBoundMs,
          async () => {
            const values = await query(cluster(), name, promql);
            seen = values;
            return values.length === count;
          },
          () => JSON.stringify(seen),
        );
      };
      const place = `namespace="${gateway.gateway.namespace}"`;
      await found(`envoy_server_uptime{${place}}`, 1);
      await found(
        `up{namespace="${name}",upramp_dev_service="asks",upramp_dev_slot="blue"} == 1`,
        1,
      );
      await found(`http_requests_total{namespace="${name}",pod=~"asks-.*"} or vector(1)`, 1);
      assert.deepEqual(await query(cluster(), name, `up{pod=~"is-silent.*"}`), []);
      assert.deepEqual(await query(cluster(), name, "up == 0"), []);
    });

    it("may list pods where it looks for them, and nothing else", async () => {
      const allowed = async (namespace: string, resource: string, verb: string): Promise<boolean> =>
        mayDo(cluster(), `system:serviceaccount:${name}:upramp-prometheus`, {
          namespace,
          resource,
          verb,
        });
      assert.equal(await allowed(name, "pods", "list"), true);
      assert.equal(await allowed(gateway.gateway.namespace, "pods", "list"), true);
      assert.equal(await allowed("kube-system", "pods", "list"), false);
      assert.equal(await allowed(name, "pods", "delete"), false);
      assert.equal(await allowed(name, "secrets", "get"), false);
    });

    it("takes a changed interval, and keeps answering meanwhile", async function () {
      this.timeout(upBoundMs);
      const before = await configMaps(cluster(), name);
      const watch = watchAnswers(cluster(), name);
      const { errors, steps } = await up(written({}, "1s"));
      const { asked, failures } = await watch.stop();
      assert.equal(errors, "");
      const changed = new Set(
        steps.filter(([, op]) => op !== "same").map(([resource]) => resource),
      );
      assert.deepEqual(changed, new Set(["platform-prometheus-config", "platform-prometheus"]));
      assert.match(await prometheus(cluster(), name, "status/config"), /scrape_interval: 1s/);
      const after = await configMaps(cluster(), name);
      assert.equal(after.length, 1);
      assert.notDeepEqual(after, before);
      assert.ok(asked > 3, `${asked} questions`);
      assert.deepEqual(failures, []);
    });

    it("lets routes of the services' namespaces attach, once they are named", async function () {
      this.timeout(upBoundMs);
      await other.applyDeployment("podinfo", 1, podinfoPod(cluster(), "1.0.0"));
      const ports = [{ port: 80, targetPort: podinfoPort }];
      await other.apply(
        {
          apiVersion: "v1",
          kind: "Service",
          metadata: { name: "podinfo" },
          spec: { selector: { app: "podinfo" }, ports },
        },
        {
          apiVersion: `${gatewayGroup}/v1`,
          kind: "HTTPRoute",
          metadata: { name: "podinfo" },
          spec: {
            parentRefs: [{ namespace: name, name: "own" }],
            rules: [{ backendRefs: [{ name: "podinfo", port: 80 }] }],
          },
        },
      );
      await other.untilRolledOut("podinfo");
      await untilAccepted(other, "False", "NotAllowedByListeners");
      const { errors } = await up(written({ serviceNamespaces: [other.name] }, "1s"));
      assert.equal(errors, "");
      await untilAccepted(other, "True", "Accepted");
      await waitUntil("podinfo answers through the platform's Gateway", settleBoundMs, async () => {
        const answer = await fetch(`http://127.0.0.1:${ownPort}/version`);
        return answer.ok && /1\.0\.0/.test(await answer.text());
      });
    });

    it("does not delete its namespace by the way", async () => {
      assert.match(
        await refusal(written({ namespace: { name, create: false } })),
        /would now delete it with all that is in it/,
      );
      assert.match(
        await refusal(written({ namespace: { name: "platform-moved" } })),
        /this platform is in namespace "platform-own"/,
      );
    });

    it("leaves nothing after it is destroyed", async function () {
      this.timeout(upBoundMs);
      const { errors } = await stack.destroy();
      assert.equal(errors, "");
      const core = cluster().config.makeApiClient(CoreV1Api);
      await assert.rejects(core.readNamespace({ name }), /404/);
      const rbac = cluster().config.makeApiClient(RbacAuthorizationV1Api);
      const labelSelector = "app.kubernetes.io/name=upramp-prometheus";
      const left = await Promise.all([
        rbac.listRoleForAllNamespaces({ labelSelector }),
        rbac.listRoleBindingForAllNamespaces({ labelSelector }),
        rbac.listClusterRole({ labelSelector }),
        core.listPodForAllNamespaces({ labelSelector }),
      ]);
      assert.deepEqual(
        left.map(({ items }) => items.length),
        [0, 0, 0, 0],
      );
    });
  });

  describe("with Contour", () => {
    let gateway: TestGateway;
    let space: TestNamespace;

    before(async function () {
      this.timeout(upBoundMs);
      const { processes } = cluster();
      if (processes === undefined) return this.skip();
      gateway = await startGateway("contour", processes);
      space = await TestNamespace.create(cluster(), "platform-used");
    });

    after(() => space?.remove());

    onOneStack();

    it("uses a namespace and a Gateway that are there, and scrapes an Envoy by its address", async function () {
      this.timeout(upBoundMs);
      const { errors, result } = await up({
        namespace: { name: space.name, create: false },
        serviceNamespaces: "all",
        router: { kind: "gateway-api", profile: "contour", gateway: gateway.gateway },
        prometheus: { deploy: { scrapeInterval: "1s", targets: [gateway.statsAddress] } },
      });
      assert.equal(errors, "");
      assert.partialDeepStrictEqual(result?.outputs["upramp"]?.value, {
        router: { gateway: gateway.gateway },
      });
      await waitUntil("Prometheus has Contour's Envoy", settleBoundMs, async () => {
        const values = await query(cluster(), space.name, `envoy_server_live{job="targets"} == 1`);
        return values.length === 1;
      });
      const user = `system:serviceaccount:${space.name}:upramp-prometheus`;
      const pods = { namespace: "kube-system", resource: "pods", verb: "list" };
      assert.equal(await mayDo(cluster(), user, pods), true);
      assert.equal((await stack.destroy()).errors, "");
      await space.core.readNamespace({ name: space.name });
      assert.equal(await mayDo(cluster(), user, pods), false);
    });
  });

  describe("with the stand-in for App Mesh", () => {
    const name = "platform-mesh";
    let appMesh: AppMesh;

    before(async function () {
      this.timeout(upBoundMs);
      const { processes } = cluster();
      if (processes === undefined) return this.skip();
      appMesh = await startAppMesh(processes);
    });

    after(() => appMesh?.stop());

    onOneStack();

    it("has a Mesh and a VirtualGateway that a service's routes go through", async function () {
      this.timeout(upBoundMs);
      const { errors, steps } = await up({
        namespace: { name },
        router: {
          kind: "app-mesh",
          mesh: name,
          allowDiscontinuedAppMesh: true,
          virtualGateway: { name: "ingress", port: gatewayPort },
        },
        prometheus: { deploy: { scrapeInterval: "1s" } },
      });
      assert.equal(errors, "");
      assert.ok(steps.some(([resource]) => resource === "platform-virtual-gateway"));
      const placed = [...meshed(name), router(0)]
        .filter(({ kind }) => kind !== "VirtualGateway")
        .map((object) => ({
          ...object,
          metadata: Object.assign({ namespace: name }, object.metadata),
        }));
      await apply(cluster().config, [
        ...["primary", "canary"].flatMap((slot) => [
          podinfo(cluster(), name, slot, {}),
          {
            apiVersion: "v1",
            kind: "Service",
            metadata: { name: slot, namespace: name },
            spec: {
              selector: { app: slot },
              ports: [{ port: podinfoPort, targetPort: podinfoPort }],
            },
          },
        ]),
        ...placed,
      ]);
      const address = appMesh.gateway(`${name}/ingress`)?.place.address;
      await waitUntil("the virtual gateway serves", settleBoundMs, async () => {
        return (await fetch(`http://${address}:${gatewayPort}/`)).ok;
      });
      // what is not the platform's goes first: a mesh waits for its members
      for (const { apiVersion, kind, metadata } of placed.toReversed()) {
        const plural = `${kind?.toLowerCase()}s`;
        const path = `/apis/${apiVersion}/namespaces/${name}/${plural}/${metadata.name}`;
        await apiRequest(cluster().config, "DELETE", path);
      }
      assert.equal((await stack.destroy()).errors, "");
      await assert.rejects(
        apiRequest(cluster().config, "GET", `/apis/appmesh.k8s.aws/v1beta2/meshes/${name}`),
        (error) => error instanceof ApiRefusal && error.status === 404,
      );
      assert.deepEqual(appMesh.failures, []);
    });
  });
});

/** Removes the Gateway of Envoy Gateway with its Envoy, whose ports another needs; the result puts it back. */
async function setAside(cluster: TestCluster, { gateway, url }: TestGateway) {
  const { config } = cluster;
  const api = config.makeApiClient(CustomObjectsApi);
  const place = { group: gatewayGroup, version: "v1", plural: "gateways", ...gateway };
  const { spec } = z
    .object({ spec: z.record(z.string(), z.unknown()) })
    .parse(await api.getNamespacedCustomObject(place));
  await api.deleteNamespacedCustomObject(place);
  const core = config.makeApiClient(CoreV1Api);
  const labelSelector = `gateway.envoyproxy.io/owning-gateway-name=${gateway.name}`;
  await waitUntil("the Envoy of the Gateway is gone", settleBoundMs, async () => {
    const pods = await core.listNamespacedPod({ namespace: gateway.namespace, labelSelector });
    return pods.items.length === 0;
  });
  return async (): Promise<void> => {
    const apiVersion = `${gatewayGroup}/v1`;
    await apply(config, [{ apiVersion, kind: "Gateway", metadata: { ...gateway }, spec }]);
    await untilProgrammed(config, gateway, upBoundMs);
    const { hostname, port } = new URL(url);
    await waitUntil("the Envoy of the Gateway listens again", settleBoundMs, () =>
      canConnect(hostname, Number(port)),
    );
  };
}

/** A Deployment of podinfo in any namespace. */
function podinfo(
  cluster: TestCluster,
  namespace: string,
  name: string,
  metadata: {
    readonly labels?: Record<string, string>;
    readonly annotations?: Record<string, string>;
  },
) {
  const { spec, ...rest } = deployment(name, 1, podinfoPod(cluster, "1.0.0"));
  const labels = { app: name, ...metadata.labels };
  const template = { metadata: { ...metadata, labels }, spec: podinfoPod(cluster, "1.0.0") };
  return {
    ...rest,
    metadata: { name, namespace },
    spec: Object.assign({}, spec, { template }),
  };
}

/** An answer of the HTTP API of a platform's Prometheus, through the API server. */
function prometheus(cluster: TestCluster, namespace: string, path: string): Promise<string> {
  const service = `/api/v1/namespaces/${namespace}/services/http:upramp-prometheus:9090`;
  return apiRequest(cluster.config, "GET", `${service}/proxy/api/v1/${path}`);
}

const vectorSchema = z.object({
  data: z.object({ result: z.array(z.object({ value: z.tuple([z.number(), z.string()]) })) }),
});

/** Values of an instant query. */
async function query(cluster: TestCluster, namespace: string, promql: string): Promise<string[]> {
  const path = `query?query=${encodeURIComponent(promql)}`;
  const answer: unknown = JSON.parse(await prometheus(cluster, namespace, path));
  return vectorSchema.parse(answer).data.result.map(({ value }) => value[1]);
}

/** Asks a platform's Prometheus over and over, one question at a time. */
function watchAnswers(cluster: TestCluster, namespace: string) {
  const failures: string[] = [];
  let asked = 0;
  let isOver = false;
  const ask = async (): Promise<void> => {
    while (!isOver) {
      asked += 1;
      await query(cluster, namespace, "vector(1)").catch((error: unknown) =>
        failures.push(String(error)),
      );
    }
  };
  const running = ask();
  return {
    async stop() {
      isOver = true;
      await running;
      return { asked, failures };
    },
  };
}

async function configMaps({ config }: TestCluster, namespace: string): Promise<string[]> {
  const list = await config.makeApiClient(CoreV1Api).listNamespacedConfigMap({
    namespace,
    labelSelector: "app.kubernetes.io/name=upramp-prometheus",
  });
  return list.items.map(({ metadata }) => metadata?.name ?? "");
}

const reviewSchema = z.object({ status: z.object({ allowed: z.boolean() }) });

/** Whether a user may do something, in the API server's own judgment. */
async function mayDo(
  { config }: TestCluster,
  user: string,
  resourceAttributes: {
    readonly namespace: string;
    readonly resource: string;
    readonly verb: string;
  },
): Promise<boolean> {
  const apiVersion = "authorization.k8s.io/v1";
  const spec = { user, resourceAttributes };
  const body = { apiVersion, kind: "SubjectAccessReview", spec };
  const answer = await apiRequest(config, "POST", `/apis/${apiVersion}/subjectaccessreviews`, {
    contentType: "application/json",
    text: JSON.stringify(body),
  });
  return reviewSchema.parse(JSON.parse(answer)).status.allowed;
}

const routeSchema = z.object({
  status: z.object({
    parents: z.array(
      z.object({
        conditions: z.array(z.object({ type: z.string(), status: z.string(), reason: z.string() })),
      }),
    ),
  }),
});

async function untilAccepted(space: TestNamespace, status: string, reason: string): Promise<void> {
  let seen = "";
  const path = `/apis/${gatewayGroup}/v1/namespaces/${space.name}/httproutes/podinfo`;
  await waitUntil(
    `the route has Accepted=${status}`,
    settleBoundMs,
    async () => {
      seen = await apiRequest(space.cluster.config, "GET", path);
      const conditions = routeSchema
        .parse(JSON.parse(seen))
        .status.parents.flatMap((parent) => parent.conditions);
      return conditions.some(
        (one) => one.type === "Accepted" && one.status === status && one.reason === reason,
      );
    },
    () => seen,
  );
}
