import assert from "node:assert/strict";
import { delimiter } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { CustomObjectsApi, KubernetesObjectApi, PatchStrategy } from "@kubernetes/client-node";
import * as k8s from "@pulumi/kubernetes";
import type { CustomResourceOptions } from "@pulumi/pulumi";
import { pulumiEnvironment } from "../../tools/environment.ts";
import { silentProgress } from "../../tools/progress.ts";
import {
  type KubernetesProviderProcess,
  standInFolder,
  startKubernetesProvider,
} from "../support/kubernetes-provider/start.ts";
import { TestStack } from "../support/kubernetes-provider/test-stack.ts";
import { type AnyObject, apply, readObjects } from "./apply.ts";
import { podinfoPod } from "./podinfo-template.ts";
import { describeOnCluster } from "./test-cluster.ts";
import { TestNamespace } from "./test-namespace.ts";
import { handedToolPaths } from "./tool-paths.ts";
import { waitUntil } from "./wait-until.ts";

/** Short against the official 10 s, long enough to be seen. */
const settleMs = 300;

describeOnCluster("the kubernetes provider", (cluster) => {
  let provider: KubernetesProviderProcess;
  let space: TestNamespace;
  // Undefined only when the hook that makes it has failed.
  let stack: TestStack;
  let environment: Record<string, string>;

  before(async () => {
    provider = await startKubernetesProvider({ settleMs });
    const pulumi = await pulumiEnvironment({ program: "inline", progress: silentProgress });
    environment = { ...pulumi, ...provider.env };
    space = await TestNamespace.create(cluster(), "provider");
  });

  after(async () => {
    await space.remove();
    await provider.stop();
  });

  beforeEach(async () => {
    stack = await TestStack.create(environment);
  });

  afterEach(async () => {
    await (stack as TestStack | undefined)?.remove();
  });

  /** A program whose resources are in the suite's namespace. */
  function program(
    declare: (options: CustomResourceOptions) => void,
    more: Partial<k8s.ProviderArgs> = {},
  ): () => Promise<void> {
    const kubeconfig = cluster().config.exportConfig();
    return async () => {
      declare({
        provider: new k8s.Provider("cluster", { kubeconfig, namespace: space.name, ...more }),
      });
    };
  }

  function configMap(data: Record<string, string>, more: k8s.types.input.meta.v1.ObjectMeta = {}) {
    return program((options) => {
      new k8s.core.v1.ConfigMap("settings", { metadata: more, data }, options);
    });
  }

  async function liveConfigMap(name: string) {
    return await space.core.readNamespacedConfigMap({ name, namespace: space.name });
  }

  it("creates an object under a name of its own, keeps it, and deletes it", async () => {
    const first = await stack.up(configMap({ color: "blue" }));
    assert.deepEqual(first.steps, [["settings", "create"]], first.errors);
    const { id = "", outputs } = await stack.state("settings");
    assert.match(id, new RegExp(`^${space.name}/settings-[0-9a-f]{8}$`));
    const name = id.split("/")[1] ?? "";
    const live = await liveConfigMap(name);
    assert.deepEqual(live.data, { color: "blue" });
    assert.equal(live.metadata?.annotations?.["pulumi.com/autonamed"], "true");
    assert.match(String(outputs["__fieldManager"]), /^pulumi-kubernetes-[0-9a-f]{8}$/);

    const second = await stack.up(configMap({ color: "blue" }));
    assert.deepEqual(second.steps, [["settings", "same"]], second.errors);

    await stack.destroy();
    await assert.rejects(liveConfigMap(name), /404/);
  });

  it("replaces a changed ConfigMap: the new one comes before the old one goes", async () => {
    await stack.up(configMap({ color: "blue" }));
    const before = (await stack.state("settings")).id;
    const { steps, errors } = await stack.up(configMap({ color: "green" }));
    const ops = steps.map(([, op]) => op);
    assert.deepEqual(ops, ["create-replacement", "replace", "delete-replaced"], errors);
    assert.notEqual((await stack.state("settings")).id, before);
  });

  it("deletes first when the replacement must have the same name", async () => {
    const named = { name: "fixed" };
    await stack.up(configMap({ color: "blue" }, named));
    const { steps, errors } = await stack.up(configMap({ color: "green" }, named));
    const ops = steps.map(([, op]) => op);
    assert.deepEqual(ops, ["delete-replaced", "replace", "create-replacement"], errors);
    assert.deepEqual((await liveConfigMap("fixed")).data, { color: "green" });
  });

  it("updates in place, and removes fields that are no longer declared", async () => {
    const named = { name: "labelled" };
    await stack.up(configMap({ a: "1" }, { ...named, labels: { keep: "1", drop: "1" } }));
    const { steps, errors } = await stack.up(
      configMap({ a: "1" }, { ...named, labels: { keep: "2" } }),
    );
    assert.deepEqual(steps, [["settings", "update"]], errors);
    const live = await liveConfigMap("labelled");
    assert.deepEqual(live.metadata?.labels, { keep: "2" });
    const own = String((await stack.state("settings")).outputs["__fieldManager"]);
    const managers = live.metadata?.managedFields?.map(({ manager, operation }) => ({
      manager,
      operation,
    }));
    assert.deepEqual(managers, [{ manager: own, operation: "Apply" }]);
  });

  it("writes nothing in a preview, and still has the server judge it", async () => {
    const good = await stack.preview(configMap({ a: "1" }, { name: "previewed" }));
    assert.deepEqual(good.steps, [["settings", "create"]], good.errors);
    await assert.rejects(liveConfigMap("previewed"), /404/);
    const bad = await stack.preview(configMap({ a: "1" }, { name: "Not_A_Name" }));
    assert.match(bad.errors, /Not_A_Name/);
  });

  it("refuses an object that is there already, unless asked to take it", async () => {
    await space.apply({ apiVersion: "v1", kind: "ConfigMap", metadata: { name: "taken" } });
    const refused = await stack.up(configMap({ a: "1" }, { name: "taken" }));
    assert.match(
      refused.errors,
      /was not successfully created .* configmaps "taken" already exists/,
    );
    assert.equal((await liveConfigMap("taken")).data, undefined);
    const take = { upsertExistingObjects: true };
    const taking = program((options) => {
      new k8s.core.v1.ConfigMap(
        "settings",
        { metadata: { name: "taken" }, data: { a: "1" } },
        options,
      );
    }, take);
    assert.equal((await stack.up(taking)).errors, "");
    assert.deepEqual((await liveConfigMap("taken")).data, { a: "1" });
  });

  it("reports a field that another manager owns, and takes it when told to", async () => {
    const labels = (value: string, annotations = {}) =>
      configMap({ a: "1" }, { name: "shared", labels: { owner: value }, annotations });
    await stack.up(labels("ours"));
    await stack.up(labels("ours-too"));
    const objects = KubernetesObjectApi.makeApiClient(cluster().config);
    const theirs: AnyObject = {
      apiVersion: "v1",
      kind: "ConfigMap",
      metadata: { name: "shared", namespace: space.name, labels: { owner: "theirs" } },
    };
    await objects.patch(
      theirs,
      undefined,
      undefined,
      "somebody",
      true,
      PatchStrategy.ServerSideApply,
    );
    const refused = await stack.up(labels("ours-again"));
    assert.match(refused.errors, /Server-Side Apply field conflict detected/);
    assert.match(refused.errors, /conflict with "somebody": \.metadata\.labels\.owner/);
    assert.equal((await liveConfigMap("shared")).metadata?.labels?.["owner"], "theirs");
    const forced = await stack.up(labels("ours-again", { "pulumi.com/patchForce": "true" }));
    assert.equal(forced.errors, "");
    assert.equal((await liveConfigMap("shared")).metadata?.labels?.["owner"], "ours-again");
  });

  it("sees drift and deletions when it refreshes, and overrules nobody", async () => {
    const declared = program((options) => {
      const metadata = { name: "drifting", labels: { color: "blue" } };
      new k8s.core.v1.ConfigMap("drifting", { metadata, data: { a: "1" } }, options);
      new k8s.core.v1.ConfigMap("vanishing", { metadata: { name: "vanishing" } }, options);
    });
    assert.equal((await stack.up(declared)).errors, "");
    const quiet = await stack.refresh();
    assert.equal(quiet.errors, "");
    assert.deepEqual(
      (await stack.up(declared)).steps.map(([, op]) => op),
      ["same", "same"],
    );

    const labels = { color: "red" };
    await space.core.patchNamespacedConfigMap({
      name: "drifting",
      namespace: space.name,
      body: [{ op: "replace", path: "/metadata/labels", value: labels }],
    });
    await space.core.deleteNamespacedConfigMap({ name: "vanishing", namespace: space.name });
    assert.equal((await stack.refresh()).errors, "");
    assert.deepEqual((await stack.state("drifting")).inputs["metadata"], {
      labels,
      name: "drifting",
      namespace: space.name,
    });
    await assert.rejects(stack.state("vanishing"));
    const mended = await stack.up(declared);
    const steps = new Map(mended.steps);
    assert.equal(steps.get("vanishing"), "create");
    // The field has another owner now, who is not silently overruled.
    assert.equal(steps.get("drifting"), "update");
    assert.match(mended.errors, /Server-Side Apply field conflict detected/);
  });

  it("waits until a Deployment is rolled out", async () => {
    const podinfo = (version: string, replicas: number) => deployment({ version, replicas });
    const first = await stack.up(podinfo("1.0.0", 2));
    assert.equal(first.errors, "");
    const read = async () =>
      (await space.apps.readNamespacedDeployment({ name: "podinfo", namespace: space.name }))
        .status;
    assert.equal((await read())?.readyReplicas, 2);
    const second = await stack.up(podinfo("1.1.0", 3));
    assert.equal(second.errors, "");
    const status = await read();
    assert.equal(status?.updatedReplicas, 3);
    assert.equal(status.readyReplicas, 3);
    const { outputs } = await stack.state("podinfo");
    const { readyReplicas, observedGeneration } = status;
    assert.partialDeepStrictEqual(outputs["status"], { readyReplicas, observedGeneration });
    const none = await stack.up(podinfo("1.1.0", 0));
    assert.equal(none.errors, "");
  });

  it("waits until a DaemonSet and a Pod are ready", async () => {
    const pod = JSON.parse(JSON.stringify(podinfoPod(cluster(), "1.0.0"))) as object;
    const { errors } = await stack.up(
      program((options) => {
        const labels = { app: "everywhere" };
        const template = { metadata: { labels }, spec: pod };
        new k8s.apps.v1.DaemonSet(
          "everywhere",
          {
            spec: { selector: { matchLabels: labels }, template },
            // The test's template and the SDK's input are the same object in two sets of types.
          } as k8s.apps.v1.DaemonSetArgs,
          options,
        );
        new k8s.core.v1.Pod("alone", { spec: pod } as k8s.core.v1.PodArgs, options);
      }),
    );
    assert.equal(errors, "");
    const status = JSON.stringify((await stack.state("everywhere")).outputs["status"]);
    assert.match(status, /"numberReady":[1-9]/);
    const alone = JSON.stringify((await stack.state("alone")).outputs["status"]);
    assert.match(alone, /"phase":"Running"/);
  });

  it("keeps a Deployment that does not get ready, with the pods' words, and tries again", async () => {
    const unready = { replicas: 1, customTimeouts: { create: "5s", update: "5s" } };
    const bad = await stack.up(deployment({ ...unready, image: "no-such-image:9" }));
    assert.match(bad.errors, /'podinfo' timed out waiting to be Ready/);
    const { initErrors, id } = await stack.state("podinfo");
    assert.equal(id, `${space.name}/podinfo`);
    const words = initErrors.join("\n");
    assert.match(words, /was successfully created, but .* failed to fully initialize/);
    assert.match(words, /Minimum number of live Pods was not attained/);
    assert.match(words, /\[Pod .*podinfo-.*\]: .*\[(ErrImagePull|ImagePullBackOff)\]/);

    const again = await stack.up(deployment({ ...unready, image: "no-such-image:9" }));
    assert.deepEqual(again.steps, [["podinfo", "update"]]);
    assert.match(again.errors, /timed out waiting to be Ready/);

    const refreshed = await stack.refresh();
    assert.match((await stack.state("podinfo")).initErrors.join("\n"), /failed to initialize/);
    void refreshed;

    const good = await stack.up(deployment({ version: "1.0.0", replicas: 1 }));
    assert.equal(good.errors, "");
    assert.deepEqual((await stack.state("podinfo")).initErrors, []);
  });

  it("says why a pod crashes, and why one is not scheduled", async () => {
    const soon = { replicas: 1, customTimeouts: { create: "6s", update: "6s" } };
    const crash = { image: "busybox", command: ["sh", "-c", "exit 3"] };
    const crashing = await stack.up(deployment({ ...soon, ...crash }));
    assert.match(crashing.errors, /\[CrashLoopBackOff\] back-off .*restarting failed container/);
    assert.match(crashing.errors, /exit code 3/);
    const requests = { cpu: "1000" };
    const huge = await stack.up(deployment({ ...soon, version: "1.0.0", requests }));
    assert.match(huge.errors, /\[Unschedulable\] .*Insufficient cpu/);
  });

  it("ends a wait when the update is cancelled", async () => {
    const cancel = new AbortController();
    const running = stack.up(deployment({ image: "no-such-image:9", replicas: 1 }), cancel.signal);
    await space.untilPod("podinfo", "exists", () => true);
    const cancelledAt = performance.now();
    cancel.abort();
    const { errors } = await running;
    assert.match(errors, /Resource operation was cancelled for "podinfo"/);
    assert.ok(performance.now() - cancelledAt < 10_000);
    assert.equal((await stack.state("podinfo")).id, `${space.name}/podinfo`);
  });

  interface DeploymentSettings {
    readonly version?: string;
    readonly image?: string;
    readonly replicas: number;
    readonly command?: string[];
    readonly requests?: Record<string, string>;
    readonly customTimeouts?: { create: string; update: string };
  }

  function deployment(settings: DeploymentSettings) {
    const { version = "1.0.0", image, command, replicas, requests, customTimeouts } = settings;
    const pod = podinfoPod(
      cluster(),
      version,
      {},
      {
        ...(command === undefined ? {} : { command }),
        ...(image === undefined ? {} : { image }),
        ...(requests === undefined ? {} : { resources: { requests } }),
      },
    );
    return program((options) => {
      const labels = { app: "podinfo" };
      new k8s.apps.v1.Deployment(
        "podinfo",
        {
          metadata: { name: "podinfo" },
          spec: {
            replicas,
            selector: { matchLabels: labels },
            // The test's template and the SDK's input are the same object in two sets of types.
            template: { metadata: { labels }, spec: JSON.parse(JSON.stringify(pod)) as object },
          } as k8s.types.input.apps.v1.DeploymentSpec,
        },
        { ...options, ...(customTimeouts === undefined ? {} : { customTimeouts }) },
      );
    });
  }

  it("waits for the endpoints of a Service, and not where there are none to wait for", async () => {
    await space.applyDeployment("backend", 1, podinfoPod(cluster(), "1.0.0"));
    await space.untilRolledOut("backend");
    const ports = [{ port: 80, targetPort: 9898 }];
    const { errors } = await stack.up(
      program((options) => {
        const service = (name: string, spec: k8s.types.input.core.v1.ServiceSpec): void => {
          new k8s.core.v1.Service(name, { metadata: { name }, spec }, options);
        };
        service("with-pods", { selector: { app: "backend" }, ports });
        service("without-pods", { selector: { app: "nothing" }, ports });
        service("headless", { clusterIP: "None", selector: { app: "backend" }, ports });
        service("external", { type: "ExternalName", externalName: "example.com" });
        service("no-selector", { ports });
      }),
    );
    assert.equal(errors, "");
    const { outputs } = await stack.state("with-pods");
    assert.match(JSON.stringify(outputs["spec"]), /"clusterIP":"10\./);
  });

  describe("with custom resources", () => {
    before(async function () {
      if (cluster().processes === undefined) this.skip();
      await apply(cluster().config, readObjects(handedToolPaths()["gateway-api-crds"]));
    });

    const weightsOnly = ["spec.rules[0].backendRefs[*].weight"];

    function route(weights: readonly number[], annotations = {}, ignoreChanges: string[] = []) {
      return program((options) => {
        new k8s.apiextensions.CustomResource(
          "route",
          {
            apiVersion: "gateway.networking.k8s.io/v1",
            kind: "HTTPRoute",
            metadata: { name: "podinfo", annotations },
            spec: {
              parentRefs: [{ name: "gateway" }],
              hostnames: ["podinfo.example.com"],
              rules: [
                {
                  backendRefs: weights.map((weight, index) => ({
                    name: `podinfo-${index}`,
                    port: 80,
                    weight,
                  })),
                },
              ],
            },
          },
          { ...options, ignoreChanges },
        );
      });
    }

    async function liveWeights(): Promise<unknown> {
      const custom = cluster().config.makeApiClient(CustomObjectsApi);
      const found: unknown = await custom.getNamespacedCustomObject({
        group: "gateway.networking.k8s.io",
        version: "v1",
        namespace: space.name,
        plural: "httproutes",
        name: "podinfo",
      });
      return /"weight":(\d+).*"weight":(\d+)/.exec(JSON.stringify(found))?.slice(1).map(Number);
    }

    it("keeps the live weights through an up that ignores them", async () => {
      assert.equal((await stack.up(route([100, 0]))).errors, "");
      assert.equal((await stack.up(route([80, 20]))).errors, "");
      const plain = await stack.up(route([100, 0], {}, weightsOnly));
      assert.deepEqual(plain.steps, [["route", "same"]], plain.errors);
      assert.deepEqual(await liveWeights(), [80, 20]);
      // A plain `up` that changes something else sends the weights of the state.
      const other = await stack.up(route([100, 0], { note: "changed" }, weightsOnly));
      assert.deepEqual(other.steps, [["route", "update"]], other.errors);
      assert.deepEqual(await liveWeights(), [80, 20]);
    });

    it("changes one weight, and says how long that takes", async () => {
      assert.equal((await stack.up(route([100, 0]))).errors, "");
      const took: string[] = [];
      for (const weight of [10, 20, 30, 40, 50]) {
        const startedAt = performance.now();
        const changed = untilWeight(weight).then(() => performance.now() - startedAt);
        const { steps, errors } = await stack.up(route([100 - weight, weight]));
        const upMs = performance.now() - startedAt;
        assert.deepEqual(steps, [["route", "update"]], errors);
        took.push(`${Math.round(await changed)} of ${Math.round(upMs)}`);
      }
      console.log(`      the route changed after so many ms of Stack.up: ${took.join(", ")}`);
    });

    async function untilWeight(weight: number): Promise<void> {
      await waitUntil(`the route has weight ${weight}`, 30_000, async () => {
        return String(await liveWeights()) === String([100 - weight, weight]);
      });
    }

    it("refuses a field that the kind does not have", async () => {
      const { errors } = await stack.up(
        program((options) => {
          new k8s.apiextensions.CustomResource(
            "route",
            {
              apiVersion: "gateway.networking.k8s.io/v1",
              kind: "HTTPRoute",
              metadata: { name: "typo" },
              spec: { rulez: [] },
            },
            options,
          );
        }),
      );
      assert.match(errors, /unknown field "spec\.rulez"/);
    });

    it("waits for what pulumi.com/waitFor says", async () => {
      const accepted = `jsonpath={.status.parents[0].conditions[?(@.type=="Accepted")].status}=True`;
      const annotations = {
        "pulumi.com/waitFor": accepted,
        "pulumi.com/timeoutSeconds": "2",
      };
      const late = await stack.up(route([100, 0], annotations));
      assert.match(late.errors, /Waiting for jsonpath=\{\.status\.parents/);
      const longer = stack.up(
        route([100, 0], { ...annotations, "pulumi.com/timeoutSeconds": "30" }),
      );
      await sleep(1_000);
      await acceptRoute();
      assert.equal((await longer).errors, "");
    });

    async function acceptRoute(): Promise<void> {
      const custom = cluster().config.makeApiClient(CustomObjectsApi);
      const condition = {
        type: "Accepted",
        status: "True",
        reason: "Accepted",
        message: "",
        lastTransitionTime: new Date().toISOString(),
      };
      const parent = {
        controllerName: "example.com/test",
        parentRef: { name: "gateway" },
        conditions: [condition],
      };
      await custom.patchNamespacedCustomObjectStatus({
        group: "gateway.networking.k8s.io",
        version: "v1",
        namespace: space.name,
        plural: "httproutes",
        name: "podinfo",
        body: [{ op: "add", path: "/status", value: { parents: [parent] } }],
      });
    }

    it("creates a definition and an object of it in one up", async () => {
      const group = `${space.name}.example.com`;
      const { errors } = await stack.up(
        program((options) => {
          const schema = {
            type: "object",
            properties: { spec: { type: "object", x_kubernetes_preserve_unknown_fields: true } },
          };
          const definition = new k8s.apiextensions.v1.CustomResourceDefinition(
            "definition",
            {
              metadata: { name: `widgets.${group}` },
              spec: {
                group,
                scope: "Namespaced",
                names: { plural: "widgets", singular: "widget", kind: "Widget" },
                versions: [
                  { name: "v1", served: true, storage: true, schema: { openAPIV3Schema: schema } },
                ],
              },
            },
            options,
          );
          new k8s.apiextensions.CustomResource(
            "widget",
            {
              apiVersion: `${group}/v1`,
              kind: "Widget",
              metadata: { name: "one" },
              spec: { a: 1 },
            },
            { ...options, dependsOn: [definition] },
          );
        }),
      );
      assert.equal(errors, "");
      assert.equal((await stack.state("widget")).id, `${space.name}/one`);
    });

    it("says which kind is missing", async () => {
      const { errors } = await stack.up(
        program((options) => {
          const nowhere = { apiVersion: "nowhere.example.com/v1", kind: "Nothing" };
          new k8s.apiextensions.CustomResource("nothing", nowhere, options);
        }),
      );
      assert.match(errors, /no matches for kind "Nothing" in version "nowhere\.example\.com\/v1"/);
    });
  });

  it("keeps secrets secret in the state", async () => {
    const { secret } = await import("@pulumi/pulumi");
    const declared = program((options) => {
      const stringData = { password: secret("open sesame") };
      new k8s.core.v1.Secret("keys", { metadata: { name: "keys" }, stringData }, options);
    });
    assert.equal((await stack.up(declared)).errors, "");
    const live = await space.core.readNamespacedSecret({ name: "keys", namespace: space.name });
    assert.equal(Buffer.from(live.data?.["password"] ?? "", "base64").toString(), "open sesame");
    assert.doesNotMatch(await stack.storedState(), /open sesame|b3BlbiBzZXNhbWU/);
    assert.equal((await stack.refresh()).errors, "");
    assert.deepEqual((await stack.up(declared)).steps, [["keys", "same"]]);
  });

  it("serves two providers of one stack, each with its own namespace", async () => {
    const other = await TestNamespace.create(cluster(), "provider-other");
    try {
      const kubeconfig = cluster().config.exportConfig();
      const { errors } = await stack.up(async () => {
        for (const namespace of [space.name, other.name]) {
          const own = new k8s.Provider(namespace, { kubeconfig, namespace });
          new k8s.core.v1.ConfigMap(`in-${namespace}`, {}, { provider: own });
        }
      });
      assert.equal(errors, "");
      for (const namespace of [space.name, other.name]) {
        assert.ok((await stack.state(`in-${namespace}`)).id?.startsWith(`${namespace}/in-`));
      }
    } finally {
      await other.remove();
    }
  });

  it("takes in an object that exists by import, and reads one that it does not own", async () => {
    await space.apply({
      apiVersion: "v1",
      kind: "ConfigMap",
      metadata: { name: "foreign" },
      data: { a: "1" },
    });
    const { errors, result } = await stack.up(
      program((options) => {
        const read = k8s.core.v1.ConfigMap.get("read", `${space.name}/foreign`, options);
        new k8s.core.v1.ConfigMap("copy", { metadata: { name: "copy" }, data: read.data }, options);
      }),
    );
    assert.equal(errors, "");
    assert.ok(result);
    assert.deepEqual((await liveConfigMap("copy")).data, { a: "1" });
  });

  it("changes part of an object that something else owns, and gives it back", async () => {
    await space.apply({ apiVersion: "v1", kind: "ConfigMap", metadata: { name: "partly" } });
    const patch = program((options) => {
      const metadata = { name: "partly", labels: { added: "yes" } };
      new k8s.core.v1.ConfigMapPatch("partly", { metadata }, options);
    });
    assert.equal((await stack.up(patch)).errors, "");
    assert.deepEqual((await liveConfigMap("partly")).metadata?.labels, { added: "yes" });
    assert.equal((await stack.destroy()).errors, "");
    assert.equal((await liveConfigMap("partly")).metadata?.labels, undefined);
  });

  describe("as the stand-in", () => {
    before(function () {
      if (provider.kind !== "stand-in") this.skip();
    });

    it("is started by the engine from PATH, and finds the cluster as kubectl does", async function () {
      const { processes } = cluster();
      if (processes === undefined) this.skip();
      const { PULUMI_DEBUG_PROVIDERS: _attached, ...plain } = environment;
      const started = await TestStack.create({
        ...plain,
        PATH: [standInFolder, plain["PATH"]].join(delimiter),
        KUBECONFIG: processes.kubeconfigPath,
      });
      try {
        const { errors } = await started.up(async () => {
          new k8s.core.v1.ConfigMap("ambient", { metadata: { namespace: space.name } });
        });
        assert.equal(errors, "");
        assert.match((await started.state("ambient")).id ?? "", /\/ambient-[0-9a-f]{8}$/);
      } finally {
        await started.remove();
      }
    });

    it("refuses options that it does not know", async () => {
      const { errors } = await stack.up(
        program(
          (options) => {
            new k8s.core.v1.ConfigMap("settings", {}, options);
          },
          { renderYamlToDirectory: "rendered" },
        ),
      );
      assert.match(errors, /renderYamlToDirectory/);
      assert.match(errors, /unknown option/);
    });

    it("refuses annotations and types that it does not know", async () => {
      const annotations = { "pulumi.com/replaceUnready": "true" };
      const annotated = await stack.up(configMap({}, { annotations }));
      assert.match(annotated.errors, /unknown annotation "pulumi\.com\/replaceUnready"/);
      const job = await stack.up(
        program((options) => {
          const template = {
            spec: { restartPolicy: "Never", containers: [{ name: "a", image: "b" }] },
          };
          new k8s.batch.v1.Job("job", { spec: { template } }, options);
        }),
      );
      assert.match(job.errors, /does not know when a batch\/v1\/Job is ready/);
    });
  });
});
