import type { CheckResult } from "./analysis.ts";
import type { Slot, Weights } from "./assignment.ts";
import { acted, checkDue, decide, type Decision, type Observation } from "./decide.ts";
import type { Reason } from "./reason.ts";
import type { Limits, MetricSpec, RolloutSpec } from "./spec.ts";
import { newSlot, type RolloutRecord, type RolloutState } from "./state.ts";

/** How long the world takes, in ms; the rest of a rollout's time is the spec's. */
export interface PlanTiming {
  /** One `pulumi up` of the service stack. */
  readonly actMs: number;
  /** From the deployment of a canary until it is ready. */
  readonly readyMs: number;
  /** From the end of an `up` until the router shows its split. */
  readonly settleMs: number;
}

/** A world without delay: nothing can be faster. */
const leastTiming: PlanTiming = { actMs: 0, readyMs: 0, settleMs: 0 };

/** A usual world: an `up` of a small stack, a service that starts in seconds, a router that follows at once. */
export const expectedTiming: PlanTiming = { actMs: 1_500, readyMs: 5_000, settleMs: 200 };

/** One thing that will happen in a good rollout. `atMs` is the soonest it can begin, counted from now. */
export type PlanEntry =
  | { readonly kind: "nothing"; readonly atMs: number; readonly reason: Reason }
  | {
      readonly kind: "deploy";
      readonly atMs: number;
      readonly revision: string;
      readonly slot: Slot;
      readonly readyMaxMs: number;
    }
  | {
      readonly kind: "step";
      readonly atMs: number;
      readonly step: number;
      readonly weight: number;
      readonly checks: number;
      readonly checkEveryMs: number;
      readonly readBackMaxMs: number;
    }
  | {
      readonly kind: "hold";
      readonly atMs: number;
      readonly step: number;
      readonly weight: number;
    }
  | {
      readonly kind: "promote";
      readonly atMs: number;
      readonly slot: Slot;
      readonly readBackMaxMs: number;
    }
  | { readonly kind: "bake"; readonly atMs: number; readonly forMs: number }
  | { readonly kind: "remove"; readonly atMs: number; readonly slot: Slot }
  /** A bound of the spec would end even a good rollout. */
  | { readonly kind: "goBack"; readonly atMs: number; readonly reason: Reason }
  | {
      readonly kind: "end";
      readonly atMs: number;
      readonly phase: RolloutState["phase"];
      readonly reason: Reason;
    };

/** What `run` would go through if all went well, and what would end it. */
export interface Plan {
  readonly entries: readonly PlanEntry[];
  /** Asked at each check; all have to pass. */
  readonly metrics: readonly MetricSpec[];
  readonly failedChecksMax: number;
  readonly limits: Limits;
  /** Time that a good rollout takes at least, holds not counted, in ms. */
  readonly leastMs: number;
  /** The same in a usual world (`expectedTiming`), in ms. */
  readonly expectedMs: number;
  /** False when even a good rollout would not be promoted in `expectedMs`, such as by the limit on its time. */
  readonly promotes: boolean;
}

/** Runs `decide` over a rollout in which all goes well, from this record on. */
export function plan(spec: RolloutSpec, record: RolloutRecord, now: number): Plan {
  const least = rehearse(spec, record, now, leastTiming);
  const expected = rehearse(spec, record, now, expectedTiming);
  const begun = least.length > 1;
  return {
    entries: least.flatMap(({ before, decision, at }) =>
      entriesOf(spec, before, decision, at - now),
    ),
    metrics: spec.metrics,
    failedChecksMax: spec.failedChecksMax,
    limits: spec.limits,
    leastMs: (least.at(-1)?.at ?? now) - now,
    expectedMs: (expected.at(-1)?.at ?? now) - now,
    promotes: begun && expected.at(-1)?.decision.record.state.phase === "succeeded",
  };
}

interface Rehearsed {
  readonly at: number;
  readonly before: RolloutRecord;
  readonly decision: Decision;
}

/** Far more looks than the longest rollout needs: 100 steps of 1,000 checks, five looks each. */
const looksMax = 1_000_000;

function rehearse(
  spec: RolloutSpec,
  start: RolloutRecord,
  from: number,
  timing: PlanTiming,
): readonly Rehearsed[] {
  const looks: Rehearsed[] = [];
  let record = start;
  let now = from;
  let shown = start.state.assignment.weights;
  let settledAt = from;
  let readyAt = from;
  while (looks.length < looksMax) {
    if (record.pending !== null) {
      now += timing.actMs;
      settledAt = now + timing.settleMs;
      if (record.pending.action.kind === "deployCanary") readyAt = now + timing.readyMs;
      record = acted(record, now);
    }
    const before = record;
    if (now >= settledAt) shown = record.state.assignment.weights;
    const decision = decide(spec, record, goodLook(spec, record, now, shown, now >= readyAt));
    looks.push({ at: now, before, decision });
    if (decision.outcome !== "continue") return looks;
    record = decision.record;
    if (record.pending === null) now = Math.max(now, decision.checkAgainAt);
  }
  throw new Error(`invariant: a good rollout did not end within ${looksMax} looks`);
}

/** Everything is there, every check passes, every hold is released at once. */
function goodLook(
  spec: RolloutSpec,
  { state }: RolloutRecord,
  now: number,
  weights: Weights,
  ready: boolean,
): Observation {
  const whole = { ready: 1, wanted: 1 };
  const canary = ready ? whole : { ready: 0, wanted: 1 };
  const isCanary = (slot: Slot): boolean =>
    state.phase === "progressing" && slot === newSlot(state.rollout);
  return {
    now,
    weights,
    ready: {
      blue: isCanary("blue") ? canary : whole,
      green: isCanary("green") ? canary : whole,
    },
    check: checkDue(spec, state, now) ? passedCheck(spec, now) : null,
    command: state.phase === "waiting" && state.confirmedAt !== null ? "promote" : null,
    failure: null,
  };
}

function passedCheck(spec: RolloutSpec, at: number): CheckResult {
  const results = spec.metrics.map(({ name }) => ({ metric: name, verdict: "pass" as const }));
  return { at, verdict: "pass", results };
}

function entriesOf(
  spec: RolloutSpec,
  before: RolloutRecord,
  { record, reason, outcome }: Decision,
  atMs: number,
): readonly PlanEntry[] {
  const { state, pending } = record;
  const { readyMs, readBackMs } = spec.limits;
  if (outcome !== "continue" && state === before.state) return [{ kind: "nothing", atMs, reason }];
  if (!("rollout" in state)) return [];
  const to = newSlot(state.rollout);
  const { weights, primary } = state.assignment;
  const last: readonly PlanEntry[] =
    outcome === "continue" ? [] : [{ kind: "end", atMs, phase: state.phase, reason }];
  if (state.phase === "waiting" && before.state.phase !== "waiting") {
    return [{ kind: "hold", atMs, step: state.step, weight: weights[to] }];
  }
  if (state.phase === "finalizing" && before.state.phase === "promoting") {
    return [{ kind: "bake", atMs, forMs: Math.max(spec.bakeMs, spec.drainMs) }];
  }
  if (pending === null) return last;
  if (pending.action.kind === "shiftTraffic" && !pending.action.forward) {
    return [{ kind: "goBack", atMs, reason }];
  }
  switch (pending.action.kind) {
    case "correctDrift":
      return [];
    case "deployCanary": {
      const revision = state.rollout.to.name;
      return [{ kind: "deploy", atMs, revision, slot: to, readyMaxMs: readyMs }];
    }
    case "shiftTraffic": {
      const step = "step" in state ? state.step : -1;
      const weight = weights[to];
      const checks = spec.steps[step]?.checks ?? 0;
      const checkEveryMs = spec.intervalMs;
      return [
        { kind: "step", atMs, step, weight, checks, checkEveryMs, readBackMaxMs: readBackMs },
      ];
    }
    case "promote":
      return [{ kind: "promote", atMs, slot: primary, readBackMaxMs: readBackMs }];
    case "removeCanary":
      return [{ kind: "remove", atMs, slot: to }];
    case "removeOld":
      return [{ kind: "remove", atMs, slot: state.rollout.fromSlot }];
  }
}
