import { primaryRevision } from "./assignment.ts";
import type { Observation } from "./observation.ts";
import type { Reason } from "./reason.ts";
import { nextCheckAt } from "./schedule.ts";
import type { RolloutSpec } from "./spec.ts";
import {
  historyMax,
  rolloutWeight,
  type Action,
  type RestingState,
  type RolloutRecord,
  type RunningState,
} from "./state.ts";

/** All that a decision is made from. */
export interface Situation {
  readonly spec: RolloutSpec;
  readonly record: RolloutRecord;
  readonly seen: Observation;
}

export interface Decision {
  /** The next record, history included, with at most one pending action. */
  readonly record: RolloutRecord;
  readonly reason: Reason;
  /** When to look again. */
  readonly checkAgainAt: number;
  /** `end`: at rest, nothing more to do. `stop`: a person is needed; the record is kept as it is. */
  readonly outcome: "continue" | "end" | "stop";
}

/** The state, and an action to be done for it once both are saved. Replaces what was pending. */
export function act(at: Situation, state: RunningState, action: Action, reason: Reason): Decision {
  const pending = { action, attempts: 0, notBefore: at.seen.now };
  return decided(at, { ...at.record, state, pending }, reason, at.seen.now, "continue");
}

/** The state, nothing to do for it, and a look again after `atMostMs` or when a check is due, whichever is sooner. */
export function wait(
  at: Situation,
  state: RunningState,
  reason: Reason,
  atMostMs: number,
): Decision {
  const { now } = at.seen;
  const due = nextCheckAt(at.spec, state) ?? Infinity;
  const again = Math.max(now, Math.min(due, now + atMostMs));
  return decided(at, { ...at.record, state, pending: null }, reason, again, "continue");
}

/** A rollout is over. Goes on at once when something newer is wanted meanwhile. */
export function finish(
  at: Situation,
  record: RolloutRecord,
  state: RestingState,
  reason: Reason,
): Decision {
  const next = { ...record, state, pending: null };
  const wanted = record.wanted.id;
  const open = wanted !== primaryRevision(state.assignment).id && wanted !== record.failed?.id;
  return decided(at, next, reason, at.seen.now, open ? "continue" : "end");
}

/** At rest and nothing to do. */
export function nothingToDo(at: Situation, reason: Reason): Decision {
  return decided(at, at.record, reason, at.seen.now, "end");
}

/** A person is needed. The next drive goes on from this record. */
export function stop(at: Situation, record: RolloutRecord, reason: Reason): Decision {
  return decided(at, record, reason, at.seen.now, "stop");
}

/** Waiting is shown while it lasts and not remembered, unless something is done about it. */
const forgettable: ReadonlySet<Reason["kind"]> = new Set([
  "upToDate",
  "alreadyFailed",
  "waitingForReady",
  "waitingForRouter",
  "waitingForCheck",
  "waitingForPromote",
  "draining",
  "baking",
] as const);

/** The plain form of the others above: any record, time and outcome; writes the history. */
export function decided(
  at: Situation,
  record: RolloutRecord,
  reason: Reason,
  checkAgainAt: number,
  outcome: Decision["outcome"],
): Decision {
  const acts = record.pending !== null && record.pending !== at.record.pending;
  if (forgettable.has(reason.kind) && !acts) return { record, reason, checkAgainAt, outcome };
  const { state } = record;
  const entry = {
    at: at.seen.now,
    phase: state.phase,
    step: "step" in state ? state.step : null,
    weight: rolloutWeight(state),
    reason,
  };
  const history = [...record.history, entry].slice(-historyMax);
  return { record: { ...record, history }, reason, checkAgainAt, outcome };
}
