import type { Revision } from "./assignment.ts";
import { atRest } from "./at-rest.ts";
import { refused } from "./commands.ts";
import type { Decision, Situation } from "./decision.ts";
import { afterFailure, stillPending } from "./failed-action.ts";
import { whileRolledBack } from "./going-back.ts";
import { interruption } from "./interruptions.ts";
import type { Observation } from "./observation.ts";
import { whileProgressing } from "./progressing.ts";
import { whilePromoted, whilePromoting } from "./promotion.ts";
import { notInFuture } from "./schedule.ts";
import type { RolloutSpec } from "./spec.ts";
import { isResting, type RolloutRecord } from "./state.ts";
import { whileWaiting } from "./waiting.ts";

export type { Decision } from "./decision.ts";
export type { ActFailure, Command, Observation, Readiness } from "./observation.ts";
export { checkDue, isBetweenChecks } from "./schedule.ts";

/**
 * The whole of upramp's judgement: from the record and what is seen now, the next record, at most one
 * action, and why. Pure: the same arguments give the same decision. The table is in docs/architecture.md.
 */
export function decide(spec: RolloutSpec, record: RolloutRecord, seen: Observation): Decision {
  const at = { spec, record: notInFuture(record, seen.now), seen };
  const { pending } = at.record;
  if (pending !== null) {
    return seen.failure === null
      ? stillPending(at, pending)
      : afterFailure(at, pending, seen.failure);
  }
  return refused(at) ?? interruption(at) ?? byPhase(at);
}

function byPhase(at: Situation): Decision {
  const { state } = at.record;
  switch (state.phase) {
    case "idle":
    case "succeeded":
    case "failed":
      return atRest(at, state);
    case "progressing":
      return whileProgressing(at, state);
    case "waiting":
      return whileWaiting(at, state);
    case "promoting":
      return whilePromoting(at, state);
    case "finalizing":
      return state.outcome === "promoted" ? whilePromoted(at, state) : whileRolledBack(at, state);
  }
}

/** The record after its pending action was done: nothing is pending, and the bounds on what it brings begin. */
export function acted(record: RolloutRecord, now: number): RolloutRecord {
  const { state } = record;
  return { ...record, state: isResting(state) ? state : { ...state, since: now }, pending: null };
}

/**
 * The record after a look at the stack: a configuration that changed since last seen is a new wish, and a
 * revision that failed before it may be tried again.
 */
export function withConfigured(record: RolloutRecord, configured: Revision): RolloutRecord {
  if (configured.id === record.configured) return record;
  return { ...record, wanted: configured, configured: configured.id, failed: null };
}

/** True while the driver has more to do for this record. */
export function isUnfinished(record: RolloutRecord): boolean {
  return record.pending !== null || !isResting(record.state);
}
