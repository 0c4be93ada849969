import type { Verdict } from "./analysis.ts";
import type { Assignment, Revision, Slot } from "./assignment.ts";
import type { Reason, RollbackReason } from "./reason.ts";

/** One attempt to bring a revision into production, and its counters. */
export interface Rollout {
  readonly id: string;
  readonly startedAt: number;
  /** Slot and revision that were primary at the start: where a rollback goes. */
  readonly fromSlot: Slot;
  readonly from: Revision;
  readonly to: Revision;
  /** Failed checks so far; never falls within a rollout. */
  readonly failedChecks: number;
  /** Blind checks since the last check with an answer. */
  readonly blindChecks: number;
  /** Times the split was put back because somebody else had moved it. */
  readonly corrections: number;
  /** Time spent in holds, which the time limit leaves out. */
  readonly heldMs: number;
}

/** What every state of a running rollout has. */
interface Running {
  readonly rollout: Rollout;
  /** The saved intent; what the stack and the router must come to show. */
  readonly assignment: Assignment;
  /** When the last action was finished, or the phase entered before the first. */
  readonly since: number;
  /** When the router acknowledged the split; null until then. Checks count only after it. */
  readonly confirmedAt: number | null;
  readonly lastCheckAt: number | null;
}

/** The canary has weight 0 until `step` 0; −1 means it is being brought up. */
export interface Progressing extends Running {
  readonly phase: "progressing";
  readonly step: number;
  /** Passed checks at this step. */
  readonly passed: number;
  /** Since when the canary has not been fully ready at this step; null while it is. */
  readonly unreadySince: number | null;
}

/** Held at a step whose checks passed, until `upramp promote`. */
export interface Waiting extends Running {
  readonly phase: "waiting";
  readonly step: number;
  readonly heldSince: number;
  /** Of the last check; only after a pass may the last step's hold lead to promotion. */
  readonly lastVerdict: Verdict;
}

/** Roles are swapped and all requests go to the new revision; the router has not acknowledged yet. */
export interface Promoting extends Running {
  readonly phase: "promoting";
}

/** Promoted: the old slot is kept while baking, then removed. */
export interface FinalizingPromoted extends Running {
  readonly phase: "finalizing";
  readonly outcome: "promoted";
  readonly stage: "baking" | "removing";
}

/** Rolled back: requests leave the canary first, then it is removed. */
export interface FinalizingRolledBack extends Running {
  readonly phase: "finalizing";
  readonly outcome: "rolledBack";
  readonly stage: "shifting" | "removing";
  readonly why: RollbackReason;
  /** Times the split was sent again because the router did not show it. */
  readonly corrections: number;
}

export type Finalizing = FinalizingPromoted | FinalizingRolledBack;

export interface Idle {
  readonly phase: "idle";
  readonly assignment: Assignment;
}

export interface Succeeded {
  readonly phase: "succeeded";
  readonly assignment: Assignment;
  readonly rollout: Rollout;
  readonly finishedAt: number;
}

export interface Failed {
  readonly phase: "failed";
  readonly assignment: Assignment;
  readonly rollout: Rollout;
  readonly why: RollbackReason;
  readonly finishedAt: number;
}

export type RunningState = Progressing | Waiting | Promoting | Finalizing;
export type RestingState = Idle | Succeeded | Failed;
export type RolloutState = RunningState | RestingState;
export type Phase = RolloutState["phase"];

/** A change of the stack. Always the whole assignment, so doing it twice is harmless. */
export interface Action {
  readonly kind:
    "deployCanary" | "shiftTraffic" | "correctDrift" | "promote" | "removeCanary" | "removeOld";
  readonly assignment: Assignment;
  /** Away from the primary's safety. The way back is never gated by a policy. */
  readonly forward: boolean;
}

/** An action that is saved and not known to be done. */
export interface Pending {
  readonly action: Action;
  readonly attempts: number;
  readonly notBefore: number;
}

/** One decision, as remembered for `status` and the report. */
export interface HistoryEntry {
  readonly at: number;
  readonly phase: Phase;
  readonly step: number | null;
  /** Weight of the revision being rolled out, in percent. */
  readonly weight: number;
  readonly reason: Reason;
}

export interface FailedRevision {
  readonly id: string;
  readonly name: string;
  readonly why: RollbackReason;
}

/** All that is remembered of one service's rollouts; saved before every action. */
export interface RolloutRecord {
  readonly schemaVersion: 1;
  readonly service: string;
  /** What shall become primary. */
  readonly wanted: Revision;
  /** Id of the revision that the stack's configuration asked for when last seen. */
  readonly configured: string;
  readonly failed: FailedRevision | null;
  readonly state: RolloutState;
  readonly pending: Pending | null;
  readonly history: readonly HistoryEntry[];
}

/** Decisions remembered per service; older ones are dropped. A rollout of 20 steps needs about 100. */
export const historyMax = 500;

export function isResting(state: RolloutState): state is RestingState {
  return state.phase === "idle" || state.phase === "succeeded" || state.phase === "failed";
}

/** The record of a service that has never been rolled out. */
export function newRecord(
  service: string,
  assignment: Assignment,
  wanted: Revision,
): RolloutRecord {
  return {
    schemaVersion: 1,
    service,
    wanted,
    configured: wanted.id,
    failed: null,
    state: { phase: "idle", assignment },
    pending: null,
    history: [],
  };
}

/** The canary of this rollout is being brought up, or has lost its weight again: weight zero. */
export function deploying(rollout: Rollout, assignment: Assignment, now: number): Progressing {
  return stepping(rollout, assignment, now, -1);
}

/** The beginning of a step: nothing is acknowledged and nothing counted at this split. */
export function stepping(
  rollout: Rollout,
  assignment: Assignment,
  now: number,
  step: number,
): Progressing {
  return {
    phase: "progressing",
    rollout,
    assignment,
    since: now,
    confirmedAt: null,
    lastCheckAt: null,
    step,
    passed: 0,
    unreadySince: null,
  };
}

/** The slot that the rollout's new revision is in. */
export function newSlot(rollout: Rollout): Slot {
  return rollout.fromSlot === "blue" ? "green" : "blue";
}

/** Weight of the revision being rolled out; at rest, the primary's own 100. */
export function rolloutWeight(state: RolloutState): number {
  const slot = "rollout" in state ? newSlot(state.rollout) : state.assignment.primary;
  return state.assignment.weights[slot];
}
