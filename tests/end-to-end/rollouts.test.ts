import assert from "node:assert/strict";
import { isUnfinished } from "../../rollout/core/decide.ts";
import { FileStore } from "../../rollout/adapters/file-store.ts";
import { EnvoyTraffic } from "../../rollout/adapters/envoy-traffic.ts";
import type { RolloutRecord } from "../../rollout/core/state.ts";
import { serviceStack } from "../../rollout/cli/demo/project.ts";
import { failedOtherwise, LocalService, shortRollout } from "./local-service.ts";

const anySignal = new AbortController().signal;

describe("rollouts on this machine, with the real engine, Envoy and Prometheus", function () {
  this.timeout(180_000);
  let local: LocalService;

  before(async () => {
    local = await LocalService.deploy();
  });
  after(async () => {
    await local?.destroy();
  });

  async function record(): Promise<RolloutRecord> {
    const { store } = await local.outputs();
    assert.ok(store.kind === "file");
    const found = await new FileStore({ directory: store.directory, name: serviceStack }).load();
    assert.ok(found);
    return found;
  }

  async function liveWeights(): Promise<unknown> {
    const { traffic } = await local.outputs();
    assert.ok(traffic.router === "envoy");
    return (await new EnvoyTraffic(traffic).read(anySignal)).weights;
  }

  async function untilHeld(): Promise<void> {
    const giveUpAt = Date.now() + 30_000;
    while ((await record()).state.phase !== "waiting") {
      assert.ok(Date.now() < giveUpAt, "the rollout is not held");
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
  }

  /** What the stack declares and gives, without what a rollback may leave. */
  async function stackWithoutFailed(): Promise<unknown> {
    const exported = await local.pulumi("stack", "export").done;
    assert.equal(exported.code, 0, exported.stderr);
    const state = JSON.parse(exported.stdout, (key, value: unknown) => {
      // `before` is what policies are told of the update that came last
      if (["failed", "before", "manifest", "modified", "created"].includes(key)) return undefined;
      // the engine writes them in the order in which they happened to be registered
      return key === "dependencies" && Array.isArray(value)
        ? value.map(String).toSorted((a, b) => a.localeCompare(b))
        : value;
    }) as { deployment: { resources: { urn: string }[] } }; // our own stack's export
    return state.deployment.resources.toSorted((a, b) => (a.urn < b.urn ? -1 : 1));
  }

  it("promotes a good version without a failed request", async () => {
    await local.startTraffic();
    const end = await local.run("v2").done;
    const answers = await local.stopTraffic();
    assert.equal(end.code, 0, end.stderr);
    assert.deepEqual(failedOtherwise(answers), []);
    assert.ok(answers.length > 300, `${answers.length} requests`);
    assert.equal(answers.at(-1)?.version, "v2");
    const { assignment } = await local.outputs();
    assert.equal(assignment.primary, "green");
    assert.equal(assignment.slots.blue, null);
  });

  it("rolls a bad version back, and leaves the stack as it was but for the remembered failure", async () => {
    const before = await stackWithoutFailed();
    await local.startTraffic();
    const end = await local.run("v3", { ERROR_RATE: "30", LATENCY_MS: "300" }).done;
    const answers = await local.stopTraffic();
    assert.equal(end.code, 3, end.stderr);
    assert.deepEqual(failedOtherwise(answers, "v3"), []);
    assert.equal(answers.at(-1)?.version, "v2");
    const { state, failed } = await record();
    assert.equal(state.phase, "failed");
    assert.equal(failed?.why.kind, "failedChecks");
    assert.deepEqual(await stackWithoutFailed(), before);
    assert.equal((await local.outputs()).failed?.name, "v3");
  });

  it("does not try a failed version again until it changes", async () => {
    const end = await local.run("v3", { ERROR_RATE: "30", LATENCY_MS: "300" }).done;
    assert.equal(end.code, 3);
    assert.equal((await record()).state.phase, "failed");
    assert.match(end.stderr + end.stdout, /--retry/);
  });

  it("goes on after kill -9 of the driver in the middle of a step", async () => {
    await local.startTraffic();
    const first = local.run("v4");
    await first.said("step 1/2");
    first.kill("SIGKILL");
    await first.done;
    assert.ok(isUnfinished(await record()));
    const second = await local.upramp("run").done;
    const answers = await local.stopTraffic();
    assert.equal(second.code, 0, second.stderr);
    assert.deepEqual(failedOtherwise(answers), []);
    assert.equal((await record()).state.phase, "succeeded");
    assert.equal(answers.at(-1)?.version, "v4");
  });

  it("refuses a second driver, and a plain `pulumi up` changes no weight in the middle", async () => {
    await local.startTraffic();
    // held, so that no update of the driver's own is under way while the other shell has its turn
    await local.configureRollout({ ...shortRollout, steps: [{ weight: 20, hold: true }, 60] });
    const driver = local.run("v5");
    await driver.said("the router shows blue 80 %, green 20 %");
    // the stack has the ones of before until the first update
    await driver.said("steps 20, 60 %");
    await untilHeld();
    const second = await local.upramp("run").done;
    assert.equal(second.code, 5, second.stderr);
    assert.match(second.stderr, /another driver holds the lock/);
    const before = await liveWeights();
    assert.deepEqual(before, { blue: 80, green: 20 });
    const plain = await local.pulumi("up", "--yes", "--skip-preview").done;
    assert.equal(plain.code, 0, plain.stdout + plain.stderr);
    assert.deepEqual(await liveWeights(), before);
    assert.equal((await record()).state.phase, "waiting");
    await local.configureRollout(shortRollout);
    assert.equal((await local.upramp("promote").done).code, 0);
    const end = await driver.done;
    assert.equal(end.code, 0, end.stderr);
    await local.stopTraffic();
    assert.equal((await local.outputs()).assignment.slots.green?.name, "v5");
  });

  it("ends with 130 on Ctrl-C, explains itself, and goes back when asked", async () => {
    await local.startTraffic();
    const driver = local.run("v6");
    await driver.said("step 1/2");
    driver.kill("SIGINT");
    assert.equal((await driver.done).code, 130);
    const status = await local.upramp("status").done;
    assert.equal(status.code, 0, status.stderr);
    assert.match(status.stdout, /upramp run/);
    const back = await local.upramp("rollback").done;
    const answers = await local.stopTraffic();
    assert.equal(back.code, 3, back.stderr);
    assert.deepEqual(failedOtherwise(answers), []);
    assert.equal(answers.at(-1)?.version, "v5");
  });

  it("rolls back a version that does not come up, without moving a request", async () => {
    const cases = [
      [{ EXIT_AFTER_MS: "1" }, ["canaryFailedToStart", "canaryNotReady"]],
      [{ NEVER_READY: "1" }, ["canaryFailedToStart"]],
    ] as const;
    for (const [env, reasons] of cases) {
      const end = await local.run("broken", env).done;
      assert.equal(end.code, 3, end.stderr);
      const { state } = await record();
      // a process that dies just after it became ready is only seen by the router's health checks
      const why: string = state.phase === "failed" ? state.why.kind : state.phase;
      assert.ok(
        reasons.some((reason) => reason === why),
        why,
      );
      assert.deepEqual(await liveWeights(), { blue: 0, green: 100 });
    }
  });
});
