import assert from "node:assert/strict";
import fc from "fast-check";
import {
  acted,
  checkDue,
  decide,
  type Decision,
  type Observation,
} from "../../rollout/core/decide.ts";
import { violations } from "../../rollout/core/invariants.ts";
import type { RolloutSpec } from "../../rollout/core/spec.ts";
import { isResting, rolloutWeight, type RolloutRecord } from "../../rollout/core/state.ts";
import { check, record, seen, start } from "../support/builders.ts";
import {
  anyObservation,
  anyRecord,
  anySpec,
  anyTurn,
  canarySlot,
  shownIn,
  type Turn,
} from "./arbitraries.ts";

function freeze<T>(value: T): T {
  if (typeof value === "object" && value !== null && !Object.isFrozen(value)) {
    Object.freeze(value);
    Object.values(value).forEach(freeze);
  }
  return value;
}

describe("decide, for any record and observation", () => {
  const forAny = (
    holds: (spec: RolloutSpec, before: RolloutRecord, look: Observation) => void,
  ): void => fc.assert(fc.property(anySpec, anyRecord, anyObservation, holds), { numRuns: 3_000 });

  it("gives a decision, and changes nothing of what it was given", () => {
    forAny((spec, before, look) => {
      assert.ok(decide(freeze(spec), freeze(before), freeze(look)).reason.kind.length > 0);
    });
  });

  it("gives the same decision for the same arguments", () => {
    forAny((spec, before, look) => {
      assert.deepEqual(decide(spec, before, look), decide(spec, before, look));
    });
  });

  it("never looks again in the past, and bounds the wait", () => {
    forAny((spec, before, look) => {
      const { checkAgainAt } = decide(spec, before, look);
      assert.ok(checkAgainAt >= look.now && checkAgainAt <= look.now + 30_000, `${checkAgainAt}`);
    });
  });

  it("keeps weights whole and their sum 100, and weight off empty slots", () => {
    forAny((spec, before, look) => {
      const { record: after } = decide(spec, before, look);
      const { weights, slots } = after.state.assignment;
      assert.equal(weights.blue + weights.green, 100);
      assert.ok(Number.isInteger(weights.blue));
      // what came in broken may stay as it was
      const was = before.state.assignment;
      if (weights.blue === was.weights.blue && slots === was.slots) return;
      for (const slot of ["blue", "green"] as const) {
        if (was.slots[slot] === null || slots[slot] !== null || weights[slot] === 0) continue;
        // only from a record that contradicts itself, and the driver's second look stops it
        assert.notDeepEqual(violations(spec, before, after), []);
      }
    });
  });

  it("acts only for what the state then intends", () => {
    forAny((spec, before, look) => {
      const { record: after } = decide(spec, before, look);
      if (after.pending === null) return;
      assert.deepEqual(after.pending.action.assignment, after.state.assignment);
    });
  });

  it("never gates the way back by a policy", () => {
    forAny((spec, before, look) => {
      const { state, pending } = decide(spec, before, look).record;
      const isBack = state.phase === "finalizing" && state.outcome === "rolledBack";
      if (pending !== before.pending && isBack && pending?.attempts === 0) {
        assert.ok(!pending.action.forward || pending.action === before.pending?.action);
      }
    });
  });

  it("survives being stored as JSON", () => {
    forAny((spec, before, look) => {
      const { record: after } = decide(spec, before, look);
      const stored: unknown = JSON.parse(JSON.stringify(after));
      assert.equal(JSON.stringify(stored), JSON.stringify(after));
    });
  });
});

interface Look {
  readonly before: RolloutRecord;
  readonly look: Observation;
  readonly decision: Decision;
}

/** Walks through the turns as the driver would, and tells each look. */
function walk(
  spec: RolloutSpec,
  turns: readonly Turn[],
  each: (look: Look) => void,
): RolloutRecord {
  let now = start;
  let current = record();
  for (const turn of turns) {
    now += turn.passMs;
    if (current.pending !== null && turn.act === "done") current = acted(current, now);
    const failure =
      current.pending === null || turn.act === "untried" || turn.act === "done"
        ? null
        : { kind: turn.act, message: turn.act };
    const before = { ...current, wanted: turn.wish ?? current.wanted };
    const due = failure === null && checkDue(spec, before.state, now);
    const look: Observation = {
      now,
      weights: shownIn(turn, before),
      ready: turn.ready,
      check: due ? check(turn.verdict, now) : null,
      command: turn.command,
      failure,
    };
    const decision = decide(spec, before, look);
    each({ before, look, decision });
    current = decision.record;
  }
  return current;
}

describe("a rollout, whatever happens", () => {
  const turns = fc.array(anyTurn, { maxLength: 80 });
  const forAnyWalk = (holds: (spec: RolloutSpec, look: Look) => void): void =>
    fc.assert(
      fc.property(anySpec, turns, (spec, list) => {
        walk(spec, list, (look) => holds(spec, look));
      }),
      { numRuns: 1_000 },
    );

  it("keeps every invariant", () => {
    forAnyWalk((spec, { before, decision }) => {
      assert.deepEqual(violations(spec, before, decision.record), []);
    });
  });

  it("gives weight only to a canary that is wholly ready at that look", () => {
    forAnyWalk((_spec, { before, look, decision }) => {
      const slot = canarySlot(decision.record);
      if (slot === null || canarySlot(before) !== slot) return;
      if (rolloutWeight(decision.record.state) <= rolloutWeight(before.state)) return;
      const canary = look.ready?.[slot];
      assert.ok(canary !== undefined && canary.wanted > 0 && canary.ready === canary.wanted);
    });
  });

  it("raises weight in steps of the spec, or goes to 0 or, promoted, to 100", () => {
    forAnyWalk((spec, { before, decision }) => {
      const { state } = decision.record;
      if (isResting(state) || isResting(before.state)) return;
      const [was, is] = [rolloutWeight(before.state), rolloutWeight(state)];
      if (is === was || state.rollout.id !== before.state.rollout.id) return;
      if (is < was) assert.equal(is, 0);
      else if (state.phase !== "promoting")
        assert.ok(spec.steps.some(({ weight }) => weight === is));
    });
  });

  it("asks the policies for what gives a revision room or requests, and for nothing else", () => {
    forAnyWalk((_spec, { before, decision }) => {
      const { state, pending } = decision.record;
      if (pending === null || pending.action === before.pending?.action || isResting(state)) return;
      const was = isResting(before.state) ? 0 : rolloutWeight(before.state);
      const forward = pending.action.kind === "deployCanary" || rolloutWeight(state) > was;
      const promotes = state.phase === "promoting";
      assert.equal(pending.action.forward, forward || promotes, pending.action.kind);
    });
  });

  it("promotes on a passed check or a person's word only", () => {
    forAnyWalk((_spec, { before, look, decision }) => {
      const begins =
        decision.record.state.phase === "promoting" && before.state.phase !== "promoting";
      if (!begins) return;
      assert.ok(look.check?.verdict === "pass" || (look.command ?? "rollback") !== "rollback");
    });
  });

  it("counts no check before the router showed the split", () => {
    forAnyWalk((_spec, { before, decision }) => {
      const { kind } = decision.reason;
      const counts = ["checkPassed", "checkFailed", "checkBlind", "stepPassed"].includes(kind);
      if (counts) assert.ok("confirmedAt" in before.state && before.state.confirmedAt !== null);
    });
  });

  it("can always be taken back, until a slot is being removed", () => {
    fc.assert(
      fc.property(anySpec, turns, (spec, list) => {
        const end = walk(spec, list, () => undefined);
        const { state } = end;
        const isOver =
          isResting(state) || (state.phase === "finalizing" && state.stage === "removing");
        if (isOver) return;
        const ended = goesBack(spec, end);
        assert.equal(ended.state.phase, "failed");
        assert.equal(ended.state.assignment.primary, state.rollout.fromSlot);
      }),
      { numRuns: 1_000 },
    );
  });
});

/** Drives on in a calm world after a person asked for the way back. */
function goesBack(spec: RolloutSpec, from: RolloutRecord): RolloutRecord {
  let current = from;
  let now = start + 10_000_000;
  for (let looks = 0; looks < 20; looks += 1) {
    const command = looks === 0 ? ("rollback" as const) : null;
    // as the driver: a step forward gives way to the command, any other saved action is done first
    const gives = command !== null && current.pending?.action.forward === true;
    if (current.pending !== null && !gives) current = acted(current, now);
    const wish = { ...current, wanted: current.wanted };
    const decision = decide(spec, wish, seen(wish, now, { command }));
    current = decision.record;
    if (isResting(current.state)) return current;
    now = Math.max(now + 1, decision.checkAgainAt);
  }
  return current;
}
