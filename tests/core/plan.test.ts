import assert from "node:assert/strict";
import { plan, type Plan } from "../../rollout/core/plan.ts";
import type { RolloutSpec } from "../../rollout/core/spec.ts";
import { limits, record, revision, spec, start, step, Story } from "../support/builders.ts";

function planned(more: Partial<RolloutSpec> = {}): Plan {
  return plan(spec(more), record(), start);
}

/** Kind, time in seconds and weight of each entry. */
function outline({ entries }: Plan): readonly string[] {
  return entries.map((entry) => {
    const weight = "weight" in entry ? ` ${entry.weight}` : "";
    return `${entry.atMs / 1_000} ${entry.kind}${weight}`;
  });
}

describe("a plan", () => {
  it("has every step with its time", () => {
    assert.deepEqual(outline(planned()), [
      "0 deploy",
      "0 step 20",
      "10 step 50",
      "20 promote",
      "20 bake",
      "50 remove",
      "50 end",
    ]);
  });

  it("counts the checks of each step", () => {
    const steps = [step(20, { checks: 3 }), step(50)];
    assert.deepEqual(outline(planned({ steps })).slice(1, 4), [
      "0 step 20",
      "30 step 50",
      "40 promote",
    ]);
  });

  it("shows holds, released as soon as they are seen", () => {
    const held = outline(planned({ steps: [step(20, { hold: true })] }));
    assert.deepEqual(held.slice(1, 4), ["0 step 20", "10 hold 20", "10.5 promote"]);
  });

  it("gives the least time and a longer expected one", () => {
    const { leastMs, expectedMs, promotes } = planned();
    assert.equal(leastMs, 50_000);
    // five actions of 1.5 s, 5 s to become ready, and three times up to 0.5 s until the router is looked at
    assert.equal(expectedMs, 50_000 + 5 * 1_500 + 5_000 + 3 * 500);
    assert.equal(promotes, true);
  });

  it("carries metrics and bounds", () => {
    const { metrics, limits: bounds, failedChecksMax, entries } = planned();
    const whole = spec();
    assert.deepEqual([metrics, bounds], [whole.metrics, whole.limits]);
    assert.equal(failedChecksMax, whole.failedChecksMax);
    const deploy = entries.find((entry) => entry.kind === "deploy");
    assert.deepEqual(deploy, {
      kind: "deploy",
      atMs: 0,
      revision: "v2",
      slot: "green",
      readyMaxMs: whole.limits.readyMs,
    });
  });

  it("bakes for as long as it drains at least", () => {
    const { entries } = planned({ bakeMs: 1_000, drainMs: 4_000 });
    const bake = entries.find(({ kind }) => kind === "bake");
    assert.deepEqual(bake, { kind: "bake", atMs: 20_000, forMs: 4_000 });
  });

  it("promotes nothing when the rollout before was promoted and nothing is wanted", () => {
    const story = new Story().baking().pass(30_000);
    story.look();
    story.act().look();
    const { promotes, entries } = plan(story.spec, story.record, story.now);
    assert.deepEqual([promotes, entries.length], [false, 1]);
  });

  it("says so when a bound would end even a good rollout", () => {
    const tooShort = planned(limits({ rolloutMs: 15_000 }));
    assert.equal(tooShort.promotes, false);
    assert.deepEqual(outline(tooShort).slice(-3), ["16 goBack", "17 remove", "17 end"]);
  });

  it("says that there is nothing to do", () => {
    const { entries, promotes, leastMs } = plan(spec(), record("v1", "v1"), start);
    assert.deepEqual(entries, [{ kind: "nothing", atMs: 0, reason: { kind: "upToDate" } }]);
    assert.deepEqual([promotes, leastMs], [false, 0]);
  });

  it("does not try a failed revision again", () => {
    const failed = { ...revision("v2"), why: { kind: "canaryLost" } } as const;
    const { entries } = plan(spec(), { ...record(), failed }, start);
    assert.deepEqual(
      entries.map(({ kind }) => kind),
      ["nothing"],
    );
  });

  it("goes on from a rollout that is under way", () => {
    const story = new Story().atStep(1);
    assert.deepEqual(outline(plan(story.spec, story.record, story.now)), [
      "10 promote",
      "10 bake",
      "40 remove",
      "40 end",
    ]);
  });

  it("changes nothing of the record", () => {
    const before = record();
    const copy = structuredClone(before);
    plan(spec(), before, start);
    assert.deepEqual(before, copy);
  });

  it("ends for a hundred steps of many checks", () => {
    const steps = Array.from({ length: 100 }, (_, index) => step(index + 1, { checks: 10 }));
    const long = planned({ steps, ...limits({ rolloutMs: Infinity }) });
    assert.equal(long.entries.filter(({ kind }) => kind === "step").length, 100);
    assert.equal(long.promotes, true);
  });
});
