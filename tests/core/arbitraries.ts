import fc from "fast-check";
import type { CheckResult } from "../../rollout/core/analysis.ts";
import { slots, type Assignment, type Revision, type Slot } from "../../rollout/core/assignment.ts";
import type { ActFailure, Command, Observation } from "../../rollout/core/decide.ts";
import type { RollbackReason } from "../../rollout/core/reason.ts";
import type { RolloutSpec } from "../../rollout/core/spec.ts";
import {
  newSlot,
  type Rollout,
  type RolloutRecord,
  type RolloutState,
} from "../../rollout/core/state.ts";
import { check, revision, spec, start, step } from "../support/builders.ts";

/** Values for properties of the core: any spec, any record of the right shape, anything that may be seen. */

const count = fc.integer({ min: 0, max: 6 });
const weight = fc.integer({ min: 0, max: 100 });
const time = fc.integer({ min: start - 100_000, max: start + 4_000_000 });
const timeOrNull = fc.option(time, { nil: null });

export const anySpec: fc.Arbitrary<RolloutSpec> = fc
  .record({
    weights: fc.uniqueArray(fc.integer({ min: 1, max: 100 }), { minLength: 1, maxLength: 5 }),
    checks: fc.integer({ min: 1, max: 3 }),
    hold: fc.boolean(),
    failedChecksMax: fc.integer({ min: 1, max: 4 }),
    blindChecksMax: fc.integer({ min: 1, max: 4 }),
    attemptsMax: fc.integer({ min: 1, max: 5 }),
    bakeMs: fc.constantFrom(0, 20_000),
    drainMs: fc.constantFrom(0, 1_000),
  })
  .map(({ weights, checks, hold, failedChecksMax, bakeMs, drainMs, ...limits }) =>
    spec({
      steps: weights.toSorted((a, b) => a - b).map((one) => step(one, { checks, hold })),
      failedChecksMax,
      bakeMs,
      drainMs,
      limits: { ...spec().limits, ...limits },
    }),
  );

const slot = fc.constantFrom<Slot>(...slots);
export const anyRevision: fc.Arbitrary<Revision> = fc
  .constantFrom("v1", "v2", "v3")
  .map((name) => revision(name));

/** Any that is not broken in itself. */
const anyAssignment: fc.Arbitrary<Assignment> = fc
  .record({ primary: slot, own: anyRevision, other: fc.option(anyRevision, { nil: null }), weight })
  .map(({ primary, own, other, weight: mine }) => {
    const isBlue = primary === "blue";
    const blue = other === null ? (isBlue ? 100 : 0) : mine;
    return {
      primary,
      slots: isBlue ? { blue: own, green: other } : { blue: other, green: own },
      weights: { blue, green: 100 - blue },
    };
  });

const anyRollout: fc.Arbitrary<Rollout> = fc.record({
  id: fc.constantFrom("one", "two"),
  startedAt: time,
  fromSlot: slot,
  from: anyRevision,
  to: anyRevision,
  failedChecks: count,
  blindChecks: count,
  corrections: count,
  heldMs: fc.integer({ min: 0, max: 100_000 }),
});

export const anyCheck: fc.Arbitrary<CheckResult> = fc
  .tuple(fc.constantFrom("pass", "fail", "inconclusive", "error"), time)
  .map(([verdict, at]) => check(verdict, at));

const anyWhy: fc.Arbitrary<RollbackReason> = fc.constantFrom(
  { kind: "canaryLost" },
  { kind: "canaryLost", message: "it ended with exit code 137 (OOMKilled)" },
  { kind: "wantedIsPrimary" },
  { kind: "rollbackRequested" },
);

const running = {
  rollout: anyRollout,
  assignment: anyAssignment,
  since: time,
  confirmedAt: timeOrNull,
  lastCheckAt: timeOrNull,
};
const resting = { assignment: anyAssignment, rollout: anyRollout, finishedAt: time };

/** Any phase with any fields, whether or not `decide` would ever get there. */
const anyState: fc.Arbitrary<RolloutState> = fc.oneof(
  fc.record({ phase: fc.constant("idle" as const), assignment: anyAssignment }),
  fc.record({ phase: fc.constant("succeeded" as const), ...resting }),
  fc.record({ phase: fc.constant("failed" as const), ...resting, why: anyWhy }),
  fc.record({
    phase: fc.constant("progressing" as const),
    ...running,
    step: fc.integer({ min: -1, max: 6 }),
    passed: count,
    unreadySince: timeOrNull,
  }),
  fc.record({
    phase: fc.constant("waiting" as const),
    ...running,
    step: count,
    heldSince: time,
    lastVerdict: fc.constantFrom("pass" as const, "fail" as const, "inconclusive" as const),
  }),
  fc.record({ phase: fc.constant("promoting" as const), ...running }),
  fc.record({
    phase: fc.constant("finalizing" as const),
    ...running,
    outcome: fc.constant("promoted" as const),
    stage: fc.constantFrom("baking" as const, "removing" as const),
  }),
  fc.record({
    phase: fc.constant("finalizing" as const),
    ...running,
    outcome: fc.constant("rolledBack" as const),
    stage: fc.constantFrom("shifting" as const, "removing" as const),
    why: anyWhy,
    corrections: count,
  }),
);

export const anyRecord: fc.Arbitrary<RolloutRecord> = fc
  .record({
    state: anyState,
    wanted: anyRevision,
    failed: fc.option(fc.record({ revision: anyRevision, why: anyWhy }), { nil: null }),
    pending: fc.option(
      fc.record({
        kind: fc.constantFrom(
          "deployCanary" as const,
          "shiftTraffic" as const,
          "correctDrift" as const,
          "promote" as const,
          "removeCanary" as const,
          "removeOld" as const,
        ),
        forward: fc.boolean(),
        attempts: count,
        notBefore: time,
      }),
      { nil: null },
    ),
  })
  .map(({ state, wanted, failed, pending }) => ({
    schemaVersion: 1,
    service: "podinfo",
    wanted,
    configured: wanted.id,
    failed: failed === null ? null : { ...failed.revision, why: failed.why },
    state,
    pending:
      pending === null
        ? null
        : {
            action: {
              kind: pending.kind,
              forward: pending.forward,
              assignment: state.assignment,
            },
            attempts: pending.attempts,
            notBefore: pending.notBefore,
          },
    history: [],
  }));

const readiness = fc.constantFrom(
  { ready: 2, wanted: 2 },
  { ready: 1, wanted: 2 },
  { ready: 0, wanted: 2 },
  { ready: 0, wanted: 0 },
);
const anyReady = fc.option(fc.record({ blue: readiness, green: readiness }), { nil: null });
const anyWeights = fc.option(
  weight.map((blue) => ({ blue, green: 100 - blue })),
  { nil: null },
);
const anyCommand = fc.constantFrom<Command>("promote", "promoteFull", "rollback");
const anyFailure: fc.Arbitrary<ActFailure> = fc
  .constantFrom("locked" as const, "workload" as const, "policy" as const, "other" as const)
  .map((kind) => ({ kind, message: kind }));

export const anyObservation: fc.Arbitrary<Observation> = fc.record({
  now: time,
  weights: anyWeights,
  ready: anyReady,
  check: fc.option(anyCheck, { nil: null }),
  command: fc.option(anyCommand, { nil: null }),
  failure: fc.option(anyFailure, { nil: null }),
});

/** What happens between two looks of a walk, and what the second one sees. Most of it is usual. */
export interface Turn {
  readonly passMs: number;
  readonly wish: Revision | null;
  readonly weights: "intended" | "home" | "unknown" | "other";
  readonly ready: Observation["ready"];
  readonly verdict: CheckResult["verdict"];
  readonly command: Command | null;
  /** What becomes of a pending action. */
  readonly act: "done" | "untried" | ActFailure["kind"];
}

export const anyTurn: fc.Arbitrary<Turn> = fc.record({
  passMs: fc.oneof(
    { arbitrary: fc.constantFrom(500, 2_000, 10_000), weight: 12 },
    { arbitrary: fc.constantFrom(-5_000, 0, 40_000, 130_000), weight: 1 },
  ),
  wish: fc.oneof(
    { arbitrary: fc.constant(null), weight: 15 },
    { arbitrary: anyRevision, weight: 1 },
  ),
  weights: fc.oneof(
    { arbitrary: fc.constant("intended" as const), weight: 12 },
    {
      arbitrary: fc.constantFrom("home" as const, "unknown" as const, "other" as const),
      weight: 1,
    },
  ),
  ready: fc.oneof(
    { arbitrary: fc.constant({ blue: whole(), green: whole() }), weight: 10 },
    { arbitrary: anyReady, weight: 1 },
  ),
  verdict: fc.oneof(
    { arbitrary: fc.constant("pass" as const), weight: 6 },
    {
      arbitrary: fc.constantFrom("fail" as const, "inconclusive" as const, "error" as const),
      weight: 1,
    },
  ),
  command: fc.oneof(
    { arbitrary: fc.constant(null), weight: 15 },
    { arbitrary: anyCommand, weight: 1 },
  ),
  act: fc.oneof(
    { arbitrary: fc.constant("done" as const), weight: 10 },
    {
      arbitrary: fc.constantFrom(
        "untried" as const,
        "locked" as const,
        "workload" as const,
        "policy" as const,
        "other" as const,
      ),
      weight: 1,
    },
  ),
});

function whole(): { readonly ready: number; readonly wanted: number } {
  return { ready: 2, wanted: 2 };
}

/** The split that a turn's router shows. */
export function shownIn(turn: Turn, { state }: RolloutRecord): Observation["weights"] {
  const { primary, weights } = state.assignment;
  switch (turn.weights) {
    case "intended":
      return weights;
    case "unknown":
      return null;
    case "home":
      return primary === "blue" ? { blue: 100, green: 0 } : { blue: 0, green: 100 };
    case "other":
      return { blue: 33, green: 67 };
  }
}

/** The new revision's slot, or null at rest. */
export function canarySlot({ state }: RolloutRecord): Slot | null {
  const isRunning = "rollout" in state && !("finishedAt" in state);
  return isRunning ? newSlot(state.rollout) : null;
}
