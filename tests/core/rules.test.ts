import assert from "node:assert/strict";
import { decide, withConfigured } from "../../rollout/core/decide.ts";
import type { Readiness } from "../../rollout/core/observation.ts";
import type { Reason } from "../../rollout/core/reason.ts";
import { historyMax, newSlot, rolloutWeight } from "../../rollout/core/state.ts";
import {
  dead,
  inPhase,
  limits,
  partial,
  readyIn,
  record,
  revision,
  seen,
  spec,
  step,
  Story,
} from "../support/builders.ts";

/** What takes more than one look, so that no row of the phase table shows it. */

const drifted = { blue: 90, green: 10 };
const unready = readyIn("green", partial);
const locked = { kind: "locked", message: "another update" } as const;
const broken = { kind: "other", message: "exit status 255" } as const;

describe("counting checks", () => {
  it("adds failed checks up over the whole rollout, whatever passes between", () => {
    const story = new Story({ steps: [step(20, { checks: 2 }), step(50)] }).atStep(0);
    for (const verdict of ["fail", "pass", "fail", "pass"] as const) story.check(verdict);
    story.act().look();
    assert.equal(story.check("fail").reason.kind, "failedChecks");
  });

  it("goes back at the check that reaches the threshold, not at the next", () => {
    const story = new Story({ failedChecksMax: 1 }).atStep(0);
    const { record: after } = story.check("fail");
    assert.deepEqual(after.state.assignment.weights, { blue: 100, green: 0 });
  });

  it("counts blind checks in a row only", () => {
    const story = new Story().atStep(0);
    for (const verdict of ["error", "error", "inconclusive", "fail", "error"] as const) {
      story.check(verdict);
    }
    const { rollout } = inPhase(story.record, "progressing");
    assert.deepEqual([rollout.blindChecks, rollout.failedChecks], [1, 1]);
  });

  it("neither advances nor fails on blind checks", () => {
    const story = new Story().atStep(0);
    story.check("inconclusive");
    const { passed, step: index, rollout } = inPhase(story.record, "progressing");
    assert.deepEqual([passed, index, rollout.failedChecks], [0, 0, 0]);
  });

  it("does not count blind checks of a hold or while baking", () => {
    const held = new Story({ steps: [step(20, { hold: true })] }).held();
    for (let left = 10; left > 0; left -= 1) held.check("error");
    assert.equal(inPhase(held.record, "waiting").rollout.blindChecks, 0);
    const baking = new Story({ bakeMs: 1_000_000 }).baking();
    for (let left = 10; left > 0; left -= 1) baking.check("error");
    assert.equal(inPhase(baking.record, "finalizing").rollout.blindChecks, 0);
  });

  it("begins anew after drift", () => {
    const story = new Story({ steps: [step(20, { checks: 3 })] }).atStep(0);
    story.check("pass");
    story.check("pass");
    story.look({ weights: drifted });
    story.act().look();
    assert.equal(inPhase(story.record, "progressing").passed, 0);
    assert.equal(story.pass(9_999).look().reason.kind, "waitingForCheck");
  });

  it("after drift waits for the router to acknowledge the split again", () => {
    const story = new Story().atStep(0);
    story.look({ weights: drifted });
    story.act();
    assert.equal(inPhase(story.record, "progressing").rollout.corrections, 1);
    assert.equal(story.look({ weights: drifted }).reason.kind, "waitingForRouter");
    assert.equal(story.look().reason.kind, "routerConfirmed");
  });

  it("goes on while baking, and says what it saw", () => {
    const story = new Story({ bakeMs: 60_000 }).baking();
    for (const verdict of ["pass", "inconclusive"] as const) {
      const { reason } = story.check(verdict);
      assert.equal(reason.kind === "baking" && reason.check?.verdict, verdict);
    }
  });

  it("does not take a check into account that came with a moved split", () => {
    const story = new Story({ failedChecksMax: 1 }).atStep(0);
    assert.equal(story.check("fail", { weights: drifted }).reason.kind, "drift");
  });
});

function rollingBack(story: Story): Story {
  story.look({ command: "rollback" });
  return story.act();
}

describe("capacity", () => {
  it("is what the primary has when the rollout begins, kept until one slot is left", () => {
    const story = new Story();
    story.look(readyIn("blue", { ready: 5, wanted: 6 }));
    assert.equal(story.record.pending?.action.assignment.capacity, 6);
    story.act().look();
    story.act().look();
    story.look({ command: "promoteFull" });
    const promoted = new Story({}, story.record);
    promoted.now = story.now;
    for (const ending of [promoted.act(), rollingBack(story)]) {
      ending.look();
      assert.equal(ending.record.state.assignment.capacity, 6);
      ending.pass(30_000).look();
      assert.ok(Object.values(ending.record.state.assignment.slots).includes(null));
      assert.equal(ending.record.state.assignment.capacity, undefined);
    }
  });

  it("is kept where nobody can count when the rollout begins anew", () => {
    const story = new Story();
    story.look(readyIn("blue", { ready: 6, wanted: 6 }));
    story.act().wish("v3").look();
    story.pass(1_000).look({ ready: null });
    assert.equal(story.record.pending?.action.kind, "deployCanary");
    assert.equal(story.record.state.assignment.capacity, 6);
  });

  it("is left open where nobody can count", () => {
    const story = new Story();
    story.look({ ready: null });
    assert.equal(story.record.pending?.action.assignment.capacity, undefined);
  });
});

describe("readiness", () => {
  it("is bounded from when it was lost at this step, not from the last check", () => {
    const story = new Story().atStep(0);
    story.pass(3_000).look(unready);
    story.pass(119_000).look(unready);
    assert.equal(story.pass(2_000).look(unready).reason.kind, "canaryNotReady");
  });

  it("starts its bound anew once it was whole", () => {
    const story = new Story().atStep(0);
    story.look(unready);
    story.pass(119_000).look();
    story.pass(1_000).look(unready);
    assert.equal(story.pass(119_000).look(unready).reason.kind, "waitingForCheck");
  });

  it("tells why nothing of the canary is ready, in the workload's own words", () => {
    const message =
      "pod a: container podinfo is not ready; it ended with exit code 137 (OOMKilled)";
    const dying = { ...dead, trouble: message };
    const hopeless = { ...dying, failed: "pod a: container podinfo: CrashLoopBackOff" };
    const reasonOf = (story: Story, canary: Readiness): Reason =>
      story.look(readyIn("green", canary)).reason;
    const died = { kind: "canaryLost", message } as const;
    assert.deepEqual(reasonOf(new Story().atStep(0), dying), died);
    assert.deepEqual(
      reasonOf(new Story({ steps: [step(20, { hold: true })] }).held(), dying),
      died,
    );
    assert.deepEqual(reasonOf(new Story().promoting(), dying), died);
    assert.deepEqual(reasonOf(new Story().baking(), dying), died);
    assert.deepEqual(reasonOf(new Story().atStep(0), hopeless), {
      kind: "canaryLost",
      message: hopeless.failed,
    });
  });

  it("that cannot be read stops the way forward, and not for ever", () => {
    const story = new Story().atStep(0);
    assert.equal(story.check("pass", { ready: null }).reason.kind, "checkPassed");
    assert.equal(story.pass(1_000).look({ ready: null }).reason.kind, "waitingForReady");
    assert.equal(story.pass(120_001).look({ ready: null }).reason.kind, "canaryNotReady");
  });
});

describe("going back", () => {
  it("is remembered, so that the revision is not tried again", () => {
    const story = new Story({ failedChecksMax: 1 }).atStep(0);
    story.check("fail");
    story.act().look();
    story.pass(1_000).look();
    assert.equal(story.act().look().outcome, "end");
    assert.equal(story.record.failed?.id, revision("v2").id);
    assert.equal(story.look().reason.kind, "alreadyFailed");
  });

  it("is forgotten once the configuration asks for something else", () => {
    const failed = { ...revision("v2"), why: { kind: "canaryLost" } } as const;
    const before = { ...record(), failed };
    assert.equal(withConfigured(before, revision("v2")).failed, failed);
    const primary = withConfigured(before, revision("v1"));
    assert.deepEqual([primary.wanted.name, primary.failed], ["v1", null]);
    const again = withConfigured(primary, revision("v2"));
    assert.equal(new Story({}, again).look().reason.kind, "newRevision");
  });

  it("for a wish that went back to the primary blames nobody", () => {
    const story = new Story().atStep(0).wish("v1");
    story.look();
    story.act().look();
    story.pass(1_000).look();
    story.act().look();
    assert.deepEqual([story.record.failed, story.look().reason.kind], [null, "upToDate"]);
  });

  it("by a person's order gives up a newer wish too", () => {
    const story = new Story().atStep(0).wish("v3");
    story.look();
    story.act().look({ command: "rollback" });
    story.look();
    story.pass(1_000).look();
    assert.equal(story.act().look().outcome, "end");
    assert.equal(story.record.wanted.name, "v2");
  });

  it("takes up a wish that came after the order", () => {
    const story = new Story().goingBack().wish("v3");
    story.look();
    story.pass(1_000).look();
    assert.equal(story.act().look().outcome, "continue");
    assert.deepEqual(story.look().reason, { kind: "newRevision", from: "v1", to: "v3" });
  });

  it("is taken from any action that cannot be done, not only from a step forward", () => {
    const story = new Story().atStep(0);
    story.look({ weights: drifted });
    assert.equal(story.record.pending?.action.forward, false);
    const decision = story.look({ failure: broken, command: "rollback" });
    assert.equal(decision.reason.kind, "rollbackRequested");
  });

  it("removes the canary only after the router showed the way back and the drain time", () => {
    const story = new Story().goingBack();
    story.pass(20_000).look({ weights: drifted });
    story.pass(5_000).look();
    story.pass(999).look();
    assert.equal(story.record.pending, null);
    assert.notEqual(story.record.state.assignment.slots.green, null);
    story.pass(1).look();
    assert.equal(story.record.state.assignment.slots.green, null);
  });

  it("drains anew when the router could not be read in between", () => {
    const story = new Story().goingBack();
    story.look();
    story.pass(900).look({ weights: null });
    story.pass(900).look();
    assert.equal(story.pass(900).look().reason.kind, "draining");
  });

  it("drains anew after the split had to be sent again", () => {
    const story = new Story().goingBack();
    story.look();
    story.pass(900).look({ weights: drifted });
    assert.equal(story.act().look().reason.kind, "routerConfirmed");
    assert.equal(story.pass(900).look().reason.kind, "draining");
  });

  it("goes to a primary that is gone when the canary is gone too", () => {
    const both = { ready: { blue: dead, green: dead } };
    assert.equal(new Story().atStep(0).look(both).reason.kind, "canaryLost");
  });

  it("goes on from where it stopped: the next drive sends the split again", () => {
    const story = new Story(limits({ attemptsMax: 2 })).goingBack();
    story.pass(30_001).look({ weights: drifted });
    story.act().pass(30_001);
    assert.equal(story.look({ weights: drifted }).outcome, "stop");
    story.pass(30_001).look({ weights: drifted });
    assert.equal(story.record.pending?.action.kind, "correctDrift");
  });

  it("does not go to a primary that is gone, even after corrections without end", () => {
    const story = new Story(limits({ attemptsMax: 1 })).baking();
    const gone = readyIn("blue", dead);
    for (let left = 5; left > 0; left -= 1) {
      assert.equal(story.look({ ...gone, weights: drifted }).reason.kind, "drift");
      story.act().look(gone);
    }
  });

  it("goes to a primary that is gone when a person says so", () => {
    const story = new Story().atStep(0);
    const { reason } = story.look({ command: "rollback", ...readyIn("blue", dead) });
    assert.equal(reason.kind, "rollbackRequested");
  });

  it("does not count a check that would have gone back to a primary that is gone", () => {
    const story = new Story({ failedChecksMax: 1 }).atStep(0);
    story.check("fail", readyIn("blue", dead));
    assert.equal(inPhase(story.record, "progressing").rollout.failedChecks, 0);
    assert.equal(story.check("fail").reason.kind, "failedChecks");
  });
});

describe("a new revision in the middle", () => {
  it("begins at weight zero with fresh counters, in the same slot", () => {
    const story = new Story().atStep(1);
    story.check("fail");
    story.wish("v3").look();
    story.act().look();
    story.pass(1_000).look();
    const { rollout, assignment, step: index } = inPhase(story.record, "progressing");
    assert.deepEqual([rollout.to.name, rollout.failedChecks, index], ["v3", 0, -1]);
    assert.deepEqual(assignment.weights, { blue: 100, green: 0 });
    assert.equal(assignment.slots[newSlot(rollout)]?.name, "v3");
  });

  it("does not replace the canary before the router let go of it and it is drained", () => {
    const story = new Story().atStep(0).wish("v3");
    story.look();
    story.act();
    for (const weights of [drifted, null]) {
      assert.equal(story.pass(500).look({ weights }).reason.kind, "waitingForRouter");
    }
    story.look();
    assert.equal(story.pass(999).look().reason.kind, "draining");
    assert.equal(story.pass(1).look().record.pending?.action.kind, "deployCanary");
  });

  it("goes back when the router never lets go", () => {
    const story = new Story().atStep(0).wish("v3");
    story.look();
    const { reason } = story.act().pass(30_001).look({ weights: drifted });
    assert.equal(reason.kind, "routerSilent");
  });

  it("that is the old one again goes on with it, from weight zero", () => {
    const story = new Story().atStep(0).wish("v3");
    story.look();
    story.act().wish("v2");
    assert.equal(story.look().reason.kind, "canaryReady");
    assert.equal(rolloutWeight(story.record.state), 20);
  });

  it("waits for the end once promotion has begun, and is taken up then", () => {
    const story = new Story().baking().wish("v3");
    assert.equal(story.look().reason.kind, "baking");
    story.pass(30_000).look();
    assert.equal(story.act().look().outcome, "continue");
    assert.deepEqual(story.look().reason, { kind: "newRevision", from: "v2", to: "v3" });
  });
});

describe("time", () => {
  it("in holds does not count against the rollout's limit", () => {
    const story = new Story({ steps: [step(20, { hold: true }), step(50)] }).held();
    story.pass(10_000_000).look({ command: "promote" });
    assert.equal(story.record.pending?.action.kind, "shiftTraffic");
    story.act().look();
    assert.equal(story.look().reason.kind, "waitingForCheck");
  });

  it("that is set back stretches no bound", () => {
    const story = new Story().deployed();
    story.look(unready);
    story.pass(-3_600_000).look(unready);
    story.pass(120_001);
    assert.equal(story.look(unready).reason.kind, "canaryNotReady");
  });

  it("that is set back keeps the next check within an interval", () => {
    const story = new Story().atStep(0);
    const { checkAgainAt } = story.pass(-3_600_000).look();
    assert.ok(checkAgainAt <= story.now + story.spec.intervalMs);
  });

  it("between tries doubles up to half a minute", () => {
    const story = new Story(limits({ attemptsMax: 9 }));
    story.look();
    const waits = Array.from({ length: 7 }, () => story.fail(locked).checkAgainAt - story.now);
    assert.deepEqual(waits, [1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000]);
  });

  it("to bake is never shorter than to drain", () => {
    const story = new Story({ bakeMs: 0, drainMs: 5_000 }).baking();
    assert.equal(story.pass(4_999).look().reason.kind, "baking");
    assert.equal(story.pass(1).look().reason.kind, "bakeOver");
  });

  it("is not over before its bound is passed", () => {
    const deploying = new Story().deployed();
    assert.equal(deploying.pass(120_000).look(unready).reason.kind, "waitingForReady");
    const stepping = new Story().atStep(0);
    stepping.look(unready);
    assert.equal(stepping.pass(120_000).look(unready).reason.kind, "waitingForCheck");
    const promoting = new Story().promoting();
    const { reason } = promoting.pass(30_000).look({ weights: drifted });
    assert.equal(reason.kind, "waitingForRouter");
    const goingBack = new Story().goingBack();
    assert.equal(goingBack.pass(30_000).look({ weights: drifted }).record.pending, null);
    const long = new Story().atStep(0);
    long.now = inPhase(long.record, "progressing").rollout.startedAt + 3_600_000;
    assert.equal(long.look().reason.kind, "waitingForCheck");
  });

  it("of the next look is no later than the end of baking and of draining", () => {
    const baking = new Story({ bakeMs: 10_000 }).baking();
    assert.equal(baking.pass(9_900).look().checkAgainAt, baking.now + 100);
    const failing = new Story({ bakeMs: 10_100 }).baking();
    assert.equal(failing.check("fail").checkAgainAt, failing.now + 100);
    const draining = new Story().goingBack();
    draining.look();
    assert.equal(draining.pass(900).look().checkAgainAt, draining.now + 100);
  });

  it("of the next look is no later than the next check", () => {
    const story = new Story({ intervalMs: 700 }).atStep(0);
    assert.equal(story.look().checkAgainAt, story.now + 700);
  });
});

describe("a spec that is edited in the middle", () => {
  it("goes on with the next higher weight", () => {
    const story = new Story({ steps: [step(20), step(30), step(40), step(50)] }).atStep(2);
    story.spec = spec({ steps: [step(10), step(45)] });
    story.check("pass");
    assert.equal(rolloutWeight(story.record.state), 45);
  });

  it("promotes when no higher weight is left", () => {
    const story = new Story().atStep(1);
    story.spec = spec({ steps: [step(5)] });
    assert.equal(story.check("pass").record.pending?.action.kind, "promote");
  });

  it("takes hold and checks from the nearest lower step", () => {
    const story = new Story().atStep(0);
    story.spec = spec({ steps: [step(10, { hold: true }), step(60)] });
    assert.equal(story.check("pass").record.state.phase, "waiting");
  });
});

describe("the history", () => {
  it("remembers decisions, and waiting only when something is done about it", () => {
    const story = new Story().goingBack();
    const length = (): number => story.record.history.length;
    const before = length();
    story.pass(1_000).look({ weights: drifted });
    assert.equal(length(), before);
    story.pass(30_000).look({ weights: drifted });
    assert.equal(length(), before + 1);
  });

  it("is bounded", () => {
    const story = new Story({ failedChecksMax: 10_000, ...limits({ rolloutMs: Infinity }) });
    story.atStep(0);
    for (let left = historyMax + 50; left > 0; left -= 1) story.check("fail");
    assert.equal(story.record.history.length, historyMax);
  });

  it("is not filled by a hold that nobody releases", () => {
    const story = new Story({ steps: [step(20, { hold: true })] }).held();
    const before = story.record.history.length;
    for (let left = 100; left > 0; left -= 1) story.check("pass");
    for (let left = 100; left > 0; left -= 1) story.check("inconclusive");
    assert.equal(story.record.history.length, before);
  });

  it("has time, phase, step and weight of each", () => {
    const story = new Story().atStep(1);
    assert.deepEqual(
      story.record.history.map(({ phase, step: index, weight }) => [phase, index, weight]),
      [
        ["progressing", -1, 0],
        ["progressing", 0, 20],
        ["progressing", 0, 20],
        ["progressing", 1, 50],
        ["progressing", 1, 50],
      ],
    );
  });
});

describe("a command", () => {
  const holding = { steps: [step(20, { hold: true }), step(50)] };

  it("to promote is remembered as what it was", () => {
    const reasons = [
      new Story(holding).held().look({ command: "promote" }).reason,
      new Story(holding).held().look({ command: "promoteFull" }).reason,
      new Story().atStep(0).look({ command: "promoteFull" }).reason,
    ];
    assert.deepEqual(
      reasons.map((reason) => reason.kind === "promoteRequested" && reason.full),
      [false, true, true],
    );
  });

  it("that is refused says why and changes nothing else", () => {
    const story = new Story().atStep(0);
    const { state } = story.record;
    const { reason, outcome } = story.look({ command: "promote" });
    assert.match(reason.kind === "commandRefused" ? reason.why : "", /no hold to release/);
    assert.deepEqual([story.record.state, outcome], [state, "continue"]);
  });
});

describe("a lost process", () => {
  it("finds its action still pending, and doing it twice changes nothing", () => {
    const story = new Story().atStep(0);
    story.check("pass");
    const action = story.record.pending?.action;
    const again = decide(story.spec, story.record, seen(story.record, story.now));
    assert.equal(again.record.pending?.action, action);
    assert.deepEqual(again.record.state, story.record.state);
  });
});
