import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import type { Finished } from "../../end-to-end/commands.ts";
import { Load, type Outcome } from "../load.ts";
import { describeOnCluster } from "../test-cluster.ts";
import { waitUntil } from "../wait-until.ts";
import type { ClusterService } from "./cluster-project.ts";
import { Ground } from "./ground.ts";
import { hostOf, podinfo, revision } from "./podinfo-service.ts";
import type { OpenScene } from "./scene.ts";

/** A rollout as short as the real parts allow: Prometheus scrapes every second. */
const short = {
  interval: "2500ms",
  threshold: 2,
  metrics: [
    { name: "request-success-rate", range: { min: 99 } },
    { name: "request-duration", range: { max: 250 } },
  ],
  bake: "1s",
  drain: "500ms",
  limits: { ready: "20s" },
} as const;

function failuresOf(outcomes: readonly Outcome[], butOf?: string): readonly Outcome[] {
  return outcomes.filter(
    ({ status, version }) =>
      (status === undefined || status >= 500) && (butOf === undefined || version !== butOf),
  );
}

function succeeded({ code, stdout, stderr }: Finished): void {
  assert.equal(code, 0, stdout + stderr);
}

/** The end-to-end suite that every router passes: real engine, real control plane, real gateway, real requests. */
export function describeRollouts(router: string, openScene: OpenScene): void {
  describeOnCluster(`rollouts by ${router}`, function (cluster) {
    let ground: Ground;
    let stepped: ClusterService;
    let tested: ClusterService;
    let switched: ClusterService;
    const loads: Load[] = [];

    function send(
      service: string,
      requestsPerSecond: number,
      headers: Readonly<Record<string, string>> = {},
      path = "/version",
    ): Load {
      const load = new Load({
        url: `${ground.scene.url}${path}`,
        headers: { host: hostOf(service), ...headers },
        requestsPerSecond,
        boundMs: 120_000,
      });
      loads.push(load);
      return load;
    }

    before(async function () {
      this.timeout(180_000);
      if (cluster().processes === undefined) return this.skip();
      ground = await Ground.prepare(cluster(), openScene);
      await ground.space.apply({
        apiVersion: "v1",
        kind: "ConfigMap",
        metadata: { name: "settings" },
        data: { MESSAGE: "first" },
      });
      const { project, scene } = ground;
      const mirror = scene.canMirror ? { mirrorPercent: 100 } : {};
      const envFrom = [{ configMapRef: { name: "settings" } }];
      [stepped, tested, switched] = await Promise.all([
        project.deployService({
          service: podinfo("stepped"),
          rollout: { ...short, steps: [20, 60] },
        }),
        project.deployService({
          service: podinfo("tested", {
            canaryMatch: [{ headers: { "x-canary": { exact: "always" } } }],
          }),
          rollout: { ...short, iterations: 2 },
        }),
        project.deployService({
          service: podinfo("switched", mirror, {
            revision: revision("podinfo:1.0.0", { envFrom }),
          }),
          rollout: { ...short, iterations: 2 },
        }),
      ]);
    });

    afterEach(async () => {
      await Promise.all(loads.splice(0).map((load) => load.stop()));
    });

    after(async function () {
      this.timeout(90_000);
      if (ground === undefined) return;
      for (const service of [stepped, tested, switched]) succeeded(await service.destroy());
      await ground.close();
    });

    describe("of three services at once, to a good version", () => {
      let ends: Readonly<Record<"stepped" | "tested" | "switched", Finished>>;
      let outcomes: Readonly<
        Record<"stepped" | "tested" | "matching" | "switched", readonly Outcome[]>
      >;

      before(async function () {
        this.timeout(120_000);
        const sent = {
          stepped: send("stepped", 200),
          tested: send("tested", 50),
          matching: send("tested", 50, { "x-canary": "always" }),
          switched: send("switched", 50),
        };
        const run = (service: ClusterService): Promise<Finished> =>
          service.run("--revision", "podinfo:2.0.0").done;
        const [a, b, c] = await Promise.all([run(stepped), run(tested), run(switched)]);
        ends = { stepped: a, tested: b, switched: c };
        // requests go on for a moment after the old slot is gone
        await sleep(1_000);
        outcomes = {
          stepped: await sent.stepped.stop(),
          tested: await sent.tested.stop(),
          matching: await sent.matching.stop(),
          switched: await sent.switched.stop(),
        };
      });

      it("promotes by steps without one failed request, and drains the old slot to zero", async () => {
        succeeded(ends.stepped);
        assert.deepEqual(failuresOf(outcomes.stepped), []);
        assert.ok(outcomes.stepped.length > 1_000, `${outcomes.stepped.length} requests`);
        assert.equal(outcomes.stepped.at(-1)?.version, "2.0.0");
        assert.deepEqual(await ground.pods("stepped"), { blue: 0, green: 2 });
      });

      it("tests with the requests that match, and leaves all others with the primary", () => {
        succeeded(ends.tested);
        assert.deepEqual(failuresOf([...outcomes.tested, ...outcomes.matching]), []);
        const firstNew = (list: readonly Outcome[]): number =>
          list.find(({ version }) => version === "2.0.0")?.sentAtMs ?? Infinity;
        // two checks lie between them
        assert.ok(firstNew(outcomes.tested) - firstNew(outcomes.matching) > 2_500);
        assert.equal(outcomes.tested.at(-1)?.version, "2.0.0");
      });

      it("switches at once, after a time on copies of requests", () => {
        succeeded(ends.switched);
        assert.deepEqual(failuresOf(outcomes.switched), []);
        assert.equal(outcomes.switched.at(-1)?.version, "2.0.0");
        if (!ground.scene.canMirror) return;
        assert.match(ends.switched.stderr, /step 1\/2 +0 % +pass/);
      });
    });

    // in describes: mocha runs a suite's own tests before the suites in it
    describe("to a version that is no good", () => {
      it("rolls back a version that fails requests, and no other request fails", async function () {
        this.timeout(90_000);
        const load = send("stepped", 200);
        const end = await stepped.run("--revision", "podinfo-failing:3.0.0").done;
        await sleep(1_000);
        const outcomes = await load.stop();
        assert.equal(end.code, 3, end.stdout + end.stderr);
        assert.deepEqual(failuresOf(outcomes, "3.0.0"), []);
        assert.equal(outcomes.at(-1)?.version, "2.0.0");
        const { failed } = await ground.record(stepped);
        assert.equal(failed?.why.kind, "failedChecks");
        assert.deepEqual(await ground.pods("stepped"), { blue: 0, green: 2 });
      });

      it("rolls back what does not come up, early and with the pod's own words", async function () {
        this.timeout(90_000);
        const load = send("stepped", 200);
        const missing = await stepped.run("--revision", "nowhere/podinfo-lost:4.0.0").done;
        assert.equal(missing.code, 3, missing.stdout + missing.stderr);
        assert.match(missing.stdout, /podinfo-lost:4\.0\.0/);
        const crashing = await stepped.run("--revision", "podinfo-crashing:5.0.0").done;
        assert.equal(crashing.code, 3, crashing.stdout + crashing.stderr);
        assert.match(crashing.stdout, /exit code 7|crash/i);
        assert.deepEqual(failuresOf(await load.stop()), []);
      });
    });

    describe("to a changed configuration", () => {
      it("rolls out the changed content of a ConfigMap", async function () {
        this.timeout(120_000);
        await ground.space.apply({
          apiVersion: "v1",
          kind: "ConfigMap",
          metadata: { name: "settings" },
          data: { MESSAGE: "second" },
        });
        // the checkout names the image that serves, so nothing else is new
        const envFrom = [{ configMapRef: { name: "settings" } }];
        await switched.configure(["revision"], revision("podinfo:2.0.0", { envFrom }));
        const load = send("switched", 50, {}, "/");
        succeeded(await switched.up().done);
        const up = await ground.record(switched);
        const run = await switched.run().done;
        succeeded(run);
        assert.match(run.stdout, /2\.0\.0 \(ConfigMap\/settings \w{6}\) in the place of 2\.0\.0,/);
        assert.deepEqual(failuresOf(await load.stop()), []);
        const record = await ground.record(switched);
        assert.notEqual(record.wanted.id, up.wanted.id);
        assert.equal(record.state.phase, "succeeded");
      });
    });

    describe("in bad weather", () => {
      it("comes through kills of the driver, the API server, the controller and Prometheus, and drift", async function () {
        this.timeout(180_000);
        const { scene, processes, space, prometheus } = ground;
        await stepped.configureRollout({
          ...short,
          // long enough at the second step for somebody to change its weight
          steps: [10, { weight: 30, checks: 4 }, 50, 70],
          threshold: 3,
          // for as long as Prometheus is away on a slow machine
          limits: { ...short.limits, blindChecks: 20 },
        });
        const load = send("stepped", 200);
        const first = stepped.run("--revision", "podinfo:6.0.0");
        await first.said("step 1/4     10 %         the router shows");
        const second = await stepped.run().done;
        assert.equal(second.code, 5, second.stdout + second.stderr);
        first.kill("SIGKILL");
        await first.done;

        // what held the lock is dead, and cannot say so: its lease has to run out
        const resumed = await waitUntil("the lock is free", 40_000, async () => {
          const next = stepped.run();
          const refused = next.said("another driver holds the lock").then(() => true);
          const begun = next.said("going on with the rollout").then(() => false);
          return (await Promise.race([refused, begun])) ? undefined : next;
        });
        // no update of its own is under way then, which would put the weight back unseen
        await resumed.said("passed check");
        await scene.bend(space.name, "stepped", 90);
        await resumed.said("step 3/4");
        await scene.killController();
        await processes.controlPlane.parts.apiServer.kill();
        await prometheus.process.kill();
        await processes.controlPlane.restart("apiServer");
        await scene.restartController();
        prometheus.process.start();
        await prometheus.untilReady();
        const end = await resumed.done;
        const outcomes = await load.stop();
        succeeded(end);
        assert.deepEqual(failuresOf(outcomes), []);
        assert.equal(outcomes.at(-1)?.version, "6.0.0");
        assert.match(end.stderr, /drift|put back|somebody/i);
        await waitUntil("the old slot is drained", 10_000, async () => {
          const { blue, green } = await ground.pods("stepped");
          return Math.min(blue, green) === 0;
        });
      });
    });
  });
}
