import assert from "node:assert/strict";
import * as pulumi from "@pulumi/pulumi";
import { kubernetesServiceWritten } from "../../infra/kubernetes-contract.ts";
import type { RouterSettings } from "../../infra/router-contract.ts";
import { preflightFaults } from "../../infra/service/preflight.ts";
import {
  contour,
  image,
  mesh,
  readyCluster,
  stack,
  Stack,
  update,
} from "./canary-service-graph.ts";
import type { FakeReader } from "./kubernetes-platform-reader.ts";

/** Somebody else's object, by its key. */
function foreign(key: string): readonly [string, object] {
  return [key, { metadata: { annotations: { "upramp.dev/stack": "organization/other/dev" } } }];
}

/** Left by this stack. */
function own(key: string): readonly [string, object] {
  return [key, { metadata: { annotations: { "upramp.dev/stack": stack } } }];
}

describe("what is looked at before a service is declared", () => {
  async function faults(
    reader: FakeReader,
    settings: object = {},
    router: RouterSettings = contour,
    isFirst = true,
  ): Promise<readonly string[]> {
    const written = { name: "podinfo", ...settings };
    return preflightFaults(reader, {
      settings: kubernetesServiceWritten.parse(written),
      namespace: "shop",
      router,
      isFirst,
    });
  }

  before(async () => {
    // who owns objects is told by the stack's name
    await pulumi.runtime.setMocks(
      { newResource: () => ({ id: "id", state: {} }), call: () => ({}) },
      "upramp",
      "dev-podinfo",
      false,
      "organization",
    );
  });

  it("finds nothing wrong with a cluster that is ready", async () => {
    assert.deepEqual(await faults(readyCluster()), []);
    assert.deepEqual(await faults(readyCluster(), {}, mesh), []);
  });

  it("says only that the namespace is missing when it is", async () => {
    const [only, ...more] = await faults(readyCluster().without("Namespace shop"));
    assert.match(
      only ?? "",
      /^namespace "shop" does not exist: create it with `kubectl create namespace shop`, or correct the namespace/,
    );
    assert.deepEqual(more, []);
  });

  it("names the Gateway, the Mesh and the VirtualGateway that are missing", async () => {
    assert.deepEqual(await faults(readyCluster().without("Gateway infra/shared")), [
      "Gateway infra/shared does not exist: create it, or correct router.gateway",
    ]);
    const bare = readyCluster().without("Mesh shop").without("VirtualGateway infra/ingress");
    assert.deepEqual(await faults(bare, {}, mesh), [
      "Mesh shop does not exist: create it, or correct router.mesh",
      "VirtualGateway infra/ingress does not exist: create it, or correct router.virtualGateway",
    ]);
  });

  it("says that nothing measures what an autoscaler goes by, and nothing else of measuring", async () => {
    const autoscaling = { max: 3, cpuPercent: 50, memoryPercent: 80 };
    const bare = (): FakeReader => readyCluster().withoutKinds("PodMetrics");
    const [only, ...more] = await faults(bare(), { autoscaling });
    assert.match(
      only ?? "",
      /^autoscaling\.cpuPercent and memoryPercent: the cluster measures neither .*install metrics-server \(`metricsServer: true`/,
    );
    assert.deepEqual(more, []);
    assert.deepEqual(await faults(readyCluster(), { autoscaling }), []);
    const external = { autoscaling: { max: 3, metrics: [{ type: "External" }] } };
    assert.deepEqual(await faults(bare(), external), []);
    const forbidding = bare();
    const lookUp = forbidding.lookUp.bind(forbidding);
    forbidding.lookUp = (name) =>
      name.kind === "PodMetrics" ? Promise.reject(new Error("not allowed")) : lookUp(name);
    assert.deepEqual(await faults(forbidding, { autoscaling }), []);
  });

  it("says which definitions the cluster lacks", async () => {
    const [gateway] = await faults(readyCluster().withoutKinds("Gateway", "HTTPRoute"));
    assert.match(
      gateway ?? "",
      /does not know Gateway API: install its CRDs .*and an implementation/,
    );
    const kinds = ["Mesh", "VirtualGateway", "VirtualNode"];
    const [app] = await faults(readyCluster().withoutKinds(...kinds), {}, mesh);
    assert.match(app ?? "", /does not know App Mesh: install the CRDs of group appmesh\.k8s\.aws/);
  });

  const names: readonly (readonly [string, RouterSettings, object, readonly string[]])[] = [
    [
      "Deployments on Contour",
      contour,
      {},
      [
        "Service shop/podinfo",
        "Service shop/podinfo-blue",
        "Service shop/podinfo-green",
        "Deployment shop/podinfo-blue",
        "Deployment shop/podinfo-green",
        "HTTPRoute shop/podinfo",
      ],
    ],
    [
      "an autoscaled gRPC service with a disruption budget on Envoy Gateway",
      { ...contour, profile: "envoy-gateway" },
      {
        route: { protocol: "grpc" },
        autoscaling: { max: 3, cpuPercent: 50 },
        disruption: { maxUnavailable: 1 },
      },
      [
        "HorizontalPodAutoscaler shop/podinfo-blue",
        "HorizontalPodAutoscaler shop/podinfo-green",
        "PodDisruptionBudget shop/podinfo-blue",
        "PodDisruptionBudget shop/podinfo-green",
        "GRPCRoute shop/podinfo",
        "GRPCRoute shop/podinfo-keeper",
      ],
    ],
    ["a DaemonSet", contour, { workload: "DaemonSet" }, ["DaemonSet shop/podinfo-blue"]],
    [
      "a service of App Mesh",
      mesh,
      { port: 8080 },
      [
        "VirtualNode shop/podinfo-blue",
        "VirtualNode shop/podinfo-green",
        "VirtualRouter shop/podinfo",
        "VirtualRouter shop/podinfo-canary",
        "VirtualService shop/podinfo",
        "VirtualService shop/podinfo-canary",
        "Service shop/podinfo-canary",
        "GatewayRoute shop/podinfo",
      ],
    ],
  ];
  for (const [what, router, settings, keys] of names) {
    it(`finds every name that is taken, for ${what}`, async () => {
      for (const key of keys) {
        const [fault, ...more] = await faults(readyCluster(foreign(key)), settings, router);
        assert.ok(
          fault?.startsWith(`${key} is there already and this stack did not make it: `),
          `${key}: ${fault}`,
        );
        assert.deepEqual(more, []);
      }
      const all = await faults(readyCluster(...keys.map(foreign)), settings, router);
      assert.equal(all.length, keys.length);
    });
  }

  it("looks for every object that is declared, in every router", async () => {
    const settings = {
      autoscaling: { max: 3, cpuPercent: 50 },
      disruption: { maxUnavailable: 1 },
    } as const;
    const routers = [contour, { ...contour, profile: "envoy-gateway" as const }, mesh];
    for (const router of routers) {
      const service = await Stack.install({ args: { ...settings, router, port: 8080 } });
      await service.deployCanary(await service.wanted(image("podinfo:2.0.0")));
      const declared = [...service.last.objects.keys()].map((key) => key.replace(" ", " shop/"));
      const found = await faults(readyCluster(...declared.map(foreign)), settings, router);
      assert.deepEqual(
        found.map((fault) => fault.replace(/ is there already.*/, "")).toSorted(),
        declared.toSorted(),
      );
    }
  });

  it("takes an object of nobody for somebody else's, and its own for its own", async () => {
    const [fault] = await faults(readyCluster("Service shop/podinfo"));
    assert.match(fault ?? "", /delete or rename it, name the service otherwise, or take it over/);
    assert.deepEqual(await faults(readyCluster(own("Service shop/podinfo"))), []);
  });

  it("asks for no names that it was told to take, or has already", async () => {
    const taken = readyCluster("Service shop/podinfo");
    assert.deepEqual(await faults(taken, { adopt: true }), []);
    assert.deepEqual(await faults(taken, {}, contour, false), []);
  });

  it("still needs the Gateway after the first update", async () => {
    const bare = readyCluster().without("Gateway infra/shared");
    assert.equal((await faults(bare, {}, contour, false)).length, 1);
  });
});

describe("CanaryService on a cluster that is not ready", () => {
  it("says all that is wrong in one error, and declares nothing", async () => {
    await assert.rejects(
      update({ cluster: ["Service shop/podinfo", "Deployment shop/podinfo-green"] }),
      (error: unknown) => {
        assert.ok(error instanceof Error);
        assert.equal(error.name, "ContractError");
        assert.equal(error.message.split("\n").length, 2);
        assert.match(
          error.message,
          /Service shop\/podinfo is there.*\nDeployment shop\/podinfo-green/,
        );
        return true;
      },
    );
  });

  it("takes objects over when it is told to", async () => {
    const cluster = ["Service shop/podinfo"];
    const { objects } = await update({ cluster, args: { adopt: true } });
    assert.ok(objects.has("Service podinfo"));
  });

  it("only warns in a preview of what the same program is to create", async () => {
    const reader = readyCluster().without("Namespace shop");
    const dependsOn = (): pulumi.Resource =>
      new pulumi.ComponentResource("test:index:Namespace", "namespace");
    const { warnings } = await update({ reader, dependsOn, isPreview: true });
    assert.equal(warnings.length, 1);
    assert.match(warnings[0] ?? "", /namespace "shop" does not exist/);
    await assert.rejects(update({ reader, dependsOn }), /namespace "shop" does not exist/);
    await assert.rejects(update({ reader, isPreview: true }), /namespace "shop" does not exist/);
  });

  it("asks the cluster nothing in an update by the driver", async () => {
    const service = await Stack.install();
    const reader = { lookUp: () => Promise.reject(new Error("asked")) };
    const { outputs } = await update({
      reader,
      previous: service.last.outputs,
      drive: service.assignment,
    });
    assert.deepEqual(outputs.configured, service.last.outputs.configured);
    await assert.rejects(update({ reader, previous: service.last.outputs }), /asked/);
  });
});

describe("CanaryService and the configuration that its pods get", () => {
  const revision = image("podinfo:1.0.0", { configMaps: ["settings"], secrets: ["keys"] });
  const keys = ["Secret shop/keys", { data: { token: "c2VjcmV0" } }] as const;
  const settings = (message: string) =>
    ["ConfigMap shop/settings", { data: { MESSAGE: message } }] as const;

  it("wants a new revision when content changes, and the same when it does not", async () => {
    const cluster = [settings("one"), keys];
    const service = await Stack.install({ args: { revision }, cluster });
    const first = service.assignment.slots.blue;
    assert.ok(first);
    const wanted = async (...objects: typeof cluster): Promise<string> =>
      (await service.up({}, { cluster: objects })).outputs.configured.id;
    assert.equal(await wanted(...cluster), first.id);
    assert.notEqual(await wanted(settings("two"), keys), first.id);
    const other = ["Secret shop/keys", { data: { token: "b3RoZXI=" } }] as const;
    assert.notEqual(await wanted(settings("one"), other as unknown as typeof keys), first.id);
    assert.equal(await wanted(...cluster), first.id);
    // what the primary runs is never touched by any of this
    assert.deepEqual(service.assignment.slots.blue, first);
  });

  it("leaves out what is ignored", async () => {
    const args = { revision, ignore: ["Secret/keys", "spec.containers[0].resources"] };
    const service = await Stack.install({ args, cluster: [settings("one"), keys] });
    const first = service.assignment.slots.blue;
    const other = ["Secret shop/keys", { data: { token: "b3RoZXI=" } }] as const;
    const bigger = { ...revision, resources: { requests: { cpu: "200m" } } };
    const { outputs, objects } = await service.up(
      { revision: bigger },
      { cluster: [settings("one"), other] },
    );
    assert.equal(outputs.configured.id, first?.id);
    assert.deepEqual(outputs.assignment.slots.blue, first);
    const live = JSON.stringify(objects.get("Deployment podinfo-blue")?.spec);
    assert.ok(live.includes('"cpu":"100m"') && !live.includes("200m"), live);
  });

  it("refuses to begin without what the pods need, and names it", async () => {
    await assert.rejects(update({ args: { revision }, cluster: [keys] }), {
      name: "ContractError",
      message:
        /^ConfigMap shop\/settings, which the pod template names, does not exist: create it first, or mark its use as optional/,
    });
  });
});
