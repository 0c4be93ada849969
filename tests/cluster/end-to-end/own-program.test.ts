import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import type { Finished } from "../../end-to-end/commands.ts";
import { OwnProgram } from "../../package/own-program.ts";
import {
  startKubernetesProvider,
  type KubernetesProviderProcess,
} from "../../support/kubernetes-provider/start.ts";
import { Load, type Outcome } from "../load.ts";
import { startPrometheus, type TestPrometheus } from "../prometheus.ts";
import { describeOnCluster } from "../test-cluster.ts";
import { TestNamespace } from "../test-namespace.ts";
import { gatewayScene } from "./gateway-scene.ts";
import type { Scene } from "./scene.ts";

/** A rollout as short as the real parts allow: Prometheus scrapes every second. */
const rollout = {
  interval: "2500ms",
  threshold: 2,
  steps: [20, 60],
  metrics: [
    { name: "request-success-rate", range: { min: 99 } },
    { name: "request-duration", range: { max: 250 } },
  ],
  bake: "1s",
  drain: "500ms",
  limits: { ready: "20s" },
};

/** Packing compiles the package; then come the gateway, Prometheus and the first version. */
const readyMs = 300_000;
const rolloutMs = 120_000;

function ended({ code, stdout, stderr }: Finished, expected: number): void {
  assert.equal(code, expected, stdout + stderr);
}

function failuresOf(outcomes: readonly Outcome[], butOf?: string): readonly Outcome[] {
  return outcomes.filter(
    ({ status, version }) =>
      (status === undefined || status >= 500) && (butOf === undefined || version !== butOf),
  );
}

/** Programs that do not get as far as their service. */
const breaks: readonly (readonly [string, (good: string) => string, RegExp])[] = [
  [
    "throws",
    (good) => `${good}\nthrow new TypeError("no such shop");\n`,
    /^upramp: .*index\.ts: no such shop$/m,
  ],
  ["is no TypeScript", (good) => `${good}\nconst = 1;\n`, /index\.ts:\d+\n.*const = 1/s],
  [
    "imports what is not installed",
    (good) => `import "no-such-package";\n${good}`,
    /Cannot find package 'no-such-package'/,
  ],
  [
    "gives the service a wrong value",
    (good) => good.replace("replicas: 2", "replicas: -2"),
    /^upramp: .*CanaryService "podinfo"\.replicas = -2/m,
  ],
];

/** Holds that a command refused what a person can mend, in words alone. */
function refused(end: Finished, message: RegExp): void {
  ended(end, 2);
  assert.match(end.stderr, message);
  assert.doesNotMatch(end.stderr, /^ +at /m);
}

describeOnCluster("a program of one's own with the package installed", function (cluster) {
  let provider: KubernetesProviderProcess;
  let space: TestNamespace;
  let scene: Scene;
  let prometheus: TestPrometheus;
  let project: OwnProgram;
  let load: Load | undefined;

  before(async function () {
    this.timeout(readyMs);
    const { processes } = cluster();
    if (processes === undefined) return this.skip();
    provider = await startKubernetesProvider({ settleMs: 300 });
    space = await TestNamespace.create(cluster(), "theirs");
    scene = await gatewayScene("contour")(cluster(), space.name);
    prometheus = await startPrometheus(processes, { gateway: scene.statsAddress });
    project = await OwnProgram.install(
      { ...provider.env, KUBECONFIG: processes.kubeconfigPath },
      {
        image: "podinfo:1.0.0",
        namespace: space.name,
        settings: { MESSAGE: "first" },
        router: scene.router,
        prometheus: { address: prometheus.url },
        rollout,
      },
    );
  });

  afterEach(async () => {
    await load?.stop();
    load = undefined;
  });

  after(async function () {
    this.timeout(90_000);
    await project?.remove();
    await prometheus?.stop();
    await provider?.stop();
    await space?.remove();
  });

  function send(): Load {
    load = new Load({
      url: `${scene.url}/version`,
      headers: { host: "podinfo.test" },
      requestsPerSecond: 200,
      boundMs: rolloutMs,
    });
    return load;
  }

  /** Drives to an end while requests are sent, and for a moment after it. */
  async function drive(
    ...args: readonly string[]
  ): Promise<{ readonly end: Finished; readonly outcomes: readonly Outcome[] }> {
    const sending = send();
    const end = await project.upramp("run", ...args).done;
    await sleep(1_000);
    return { end, outcomes: await sending.stop() };
  }

  /** What the pods of a slot got as MESSAGE. */
  async function messages(slot: "blue" | "green"): Promise<ReadonlySet<unknown>> {
    const { items } = await space.core.listNamespacedPod({
      namespace: space.name,
      labelSelector: `upramp.dev/service=podinfo,upramp.dev/slot=${slot}`,
    });
    const left = items.filter(({ metadata }) => metadata?.deletionTimestamp === undefined);
    const answers = await Promise.all(left.map((pod) => space.get(pod, "/")));
    return new Set(answers.map((answer): unknown => Reflect.get(Object(answer), "message")));
  }

  it("can be previewed before anything of it is there", async function () {
    this.timeout(rolloutMs);
    await project.succeed("preview");
  });

  it("is refused when it throws, before anything is deployed", async function () {
    this.timeout(rolloutMs);
    const good = await project.source();
    await project.program(`throw new Error("no such shop");\n${good}`);
    refused(await project.upramp("run").done, /no such shop/);
    await project.program(good);
  });

  it("installs the first version", async function () {
    this.timeout(rolloutMs);
    await project.up();
    const outcomes = await send().for(1_000);
    assert.deepEqual(failuresOf(outcomes), []);
    assert.equal(outcomes.at(-1)?.version, "1.0.0");
    const status = await project.upramp("status").done;
    ended(status, 0);
    assert.match(status.stdout, /never rolled out; 1\.0\.0 serves/);
  });

  it("rolls out the image of its configuration, and no request fails", async function () {
    this.timeout(rolloutMs);
    await project.configure({ image: "podinfo:2.0.0" });
    await project.up();
    const before = await send().for(1_000);
    assert.ok(before.every(({ version }) => version === "1.0.0"));
    const status = await project.upramp("status").done;
    assert.match(status.stdout, /next +`upramp run` rolls out 2\.0\.0/);

    const { end, outcomes } = await drive();
    ended(end, 0);
    assert.deepEqual(failuresOf(outcomes), []);
    assert.ok(outcomes.length > 1_000, `${outcomes.length} requests`);
    assert.equal(outcomes.at(-1)?.version, "2.0.0");
  });

  it("rolls back a version that fails, and says so", async function () {
    this.timeout(rolloutMs);
    await project.configure({ image: "podinfo-failing:3.0.0" });
    await project.up();
    const { end, outcomes } = await drive();
    ended(end, 3);
    assert.deepEqual(failuresOf(outcomes, "3.0.0"), []);
    assert.equal(outcomes.at(-1)?.version, "2.0.0");
    const status = await project.upramp("status").done;
    assert.match(status.stdout, /2\.0\.0 → 3\.0\.0 rolled back at .*request-success-rate/);
  });

  it("rolls out an image that is named on the command line; an update between moves nothing", async function () {
    this.timeout(rolloutMs);
    const { end, outcomes } = await drive("--revision", "podinfo:4.0.0");
    ended(end, 0);
    assert.deepEqual(failuresOf(outcomes), []);
    assert.equal(outcomes.at(-1)?.version, "4.0.0");

    const { assignment } = await project.outputs();
    await project.configure({ image: "podinfo:5.0.0" });
    const sending = send();
    await project.up();
    assert.deepEqual((await project.outputs()).assignment, assignment);
    const during = await sending.stop();
    assert.ok(during.every(({ status, version }) => status === 200 && version === "4.0.0"));
    // it asks for 5.0.0 no more
    await project.configure({ image: "podinfo:4.0.0" });
  });

  it("rolls out a changed ConfigMap of the program", async function () {
    this.timeout(rolloutMs);
    const { assignment } = await project.outputs();
    const { primary } = assignment;
    const canary = primary === "blue" ? "green" : "blue";
    await project.configure({ settings: { MESSAGE: "second" } });
    await project.up();
    assert.deepEqual(await messages(primary), new Set(["first"]));
    const { end, outcomes } = await drive();
    ended(end, 0);
    assert.deepEqual(failuresOf(outcomes), []);
    assert.deepEqual(await messages(canary), new Set(["second"]));
    assert.deepEqual(await messages(primary), new Set());
  });

  describe("that is broken", () => {
    let good: string;

    before(async () => void (good = await project.source()));
    afterEach(() => project.program(good));

    for (const [what, broken, message] of breaks) {
      it(`is refused when it ${what}`, async function () {
        this.timeout(rolloutMs);
        await project.program(broken(good));
        refused(await project.upramp("plan").done, message);
      });
    }
  });
});
