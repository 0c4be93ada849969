import type { CheckResult } from "./analysis.ts";
import {
  allTo,
  primaryRevision,
  sameWeights,
  split,
  type Assignment,
  type Revision,
  type Slot,
  type Weights,
} from "./assignment.ts";
import type { Reason, RollbackReason } from "./reason.ts";
import type { RolloutSpec } from "./spec.ts";
import {
  historyMax,
  isResting,
  newSlot,
  rolloutWeight,
  type Action,
  type FinalizingPromoted,
  type FinalizingRolledBack,
  type Pending,
  type Progressing,
  type Promoting,
  type RestingState,
  type Rollout,
  type RolloutRecord,
  type RolloutState,
  type RunningState,
  type Waiting,
} from "./state.ts";

/** Ready workloads of one slot. */
export interface Readiness {
  readonly ready: number;
  readonly wanted: number;
}

/** What a person asked of a running rollout. */
export type Command = "promote" | "promoteFull" | "rollback";

/** Why an action could not be done. */
export interface ActFailure {
  readonly kind: "locked" | "workload" | "policy" | "other";
  readonly message: string;
}

/** Everything seen at one time; plain data. */
export interface Observation {
  readonly now: number;
  /** The split as the router acknowledges it; null when it cannot be read. */
  readonly weights: Weights | null;
  /** Readiness per slot as the router sees it; null when it cannot be read. */
  readonly ready: Readonly<Record<Slot, Readiness>> | null;
  /** The check, if one was due (see `checkDue`). */
  readonly check: CheckResult | null;
  readonly command: Command | null;
  /** Set when the pending action was tried and failed. */
  readonly failure: ActFailure | null;
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

/** How often readiness and the router are looked at while something is awaited. */
const pollMs = 500;
/** How often a canary with weight is looked at between two checks, so that a dead one is seen early. */
const watchMs = 2_000;
const backoffMaxMs = 30_000;

/**
 * The whole of upramp's judgement: from the record and what is seen now, the next record, at most one
 * action, and why. Pure: the same arguments give the same decision. The table is in docs/architecture.md.
 */
export function decide(spec: RolloutSpec, record: RolloutRecord, seen: Observation): Decision {
  if (record.pending !== null && seen.failure !== null) {
    return afterFailure(spec, record, record.pending, seen.failure, seen);
  }
  const { state } = record;
  switch (state.phase) {
    case "idle":
    case "succeeded":
    case "failed":
      return atRest(record, state, seen);
    case "progressing":
      return interrupted(spec, record, state, seen) ?? whileProgressing(spec, record, state, seen);
    case "waiting":
      return interrupted(spec, record, state, seen) ?? whileWaiting(spec, record, state, seen);
    case "promoting":
      return interrupted(spec, record, state, seen) ?? whilePromoting(spec, record, state, seen);
    case "finalizing":
      return state.outcome === "promoted"
        ? (interrupted(spec, record, state, seen) ?? whilePromoted(spec, record, state, seen))
        : whileRolledBack(spec, record, state, seen);
  }
}

/** The record after its pending action was done and read back. */
export function acted(record: RolloutRecord, now: number): RolloutRecord {
  const { state } = record;
  return {
    ...record,
    state: isResting(state) ? state : { ...state, since: now },
    pending: null,
  };
}

/** True when metrics must be asked now: the split is confirmed and an interval has passed. */
export function checkDue(spec: RolloutSpec, state: RolloutState, now: number): boolean {
  const due = nextCheckAt(spec, state);
  return due !== null && now >= due;
}

/** When the next check is due; null where none is taken. */
export function nextCheckAt(spec: RolloutSpec, state: RolloutState): number | null {
  if (isResting(state) || state.confirmedAt === null || !isChecked(state)) return null;
  return (state.lastCheckAt ?? state.confirmedAt) + spec.intervalMs;
}

function isChecked(state: RunningState): boolean {
  switch (state.phase) {
    case "progressing":
      return state.step >= 0;
    case "waiting":
      return true;
    case "promoting":
      return false;
    case "finalizing":
      return state.outcome === "promoted" && state.stage === "baking";
  }
}

// ---- at rest -------------------------------------------------------------------------------------

function atRest(record: RolloutRecord, state: RestingState, seen: Observation): Decision {
  const primary = primaryRevision(state.assignment);
  const { wanted, failed } = record;
  if (wanted.id === primary.id) return end(record, { kind: "upToDate" }, seen);
  if (failed?.id === wanted.id) {
    const reason = { kind: "alreadyFailed", revision: wanted.name, why: failed.why.kind } as const;
    return end(record, reason, seen);
  }
  return begin(record, state.assignment, seen, {
    kind: "newRevision",
    from: primary.name,
    to: wanted.name,
  });
}

/** Brings up the wanted revision in the free slot, without weight. */
function begin(
  record: RolloutRecord,
  from: Assignment,
  seen: Observation,
  reason: Reason,
): Decision {
  const to = record.wanted;
  const fromSlot = from.primary;
  const rollout: Rollout = {
    id: `${to.id}-${seen.now}`,
    startedAt: seen.now,
    fromSlot,
    from: primaryRevision(from),
    to,
    failedChecks: 0,
    blindChecks: 0,
    heldMs: 0,
  };
  const assignment = {
    primary: fromSlot,
    slots: { ...from.slots, [newSlot(rollout)]: to },
    weights: allTo(fromSlot),
  };
  const state: Progressing = {
    phase: "progressing",
    rollout,
    assignment,
    since: seen.now,
    step: -1,
    ...freshStep,
  };
  return act(record, state, { kind: "deployCanary", assignment, forward: true }, reason, seen);
}

const freshStep = { confirmedAt: null, lastCheckAt: null, passed: 0, unreadySince: null } as const;

// ---- what may come in between --------------------------------------------------------------------

/** A person's word, a changed wish and the time limit come before anything else. */
function interrupted(
  spec: RolloutSpec,
  record: RolloutRecord,
  state: Progressing | Waiting | Promoting | FinalizingPromoted,
  seen: Observation,
): Decision | null {
  const { rollout } = state;
  // once the old slot is being removed there is no way back, only a new rollout
  if (state.phase === "finalizing" && state.stage === "removing") return null;
  const why = askedBack(record, rollout, seen);
  if (why !== null) return rollBack(record, state, why, seen);
  if (state.phase === "promoting" || state.phase === "finalizing") return null;
  if (record.wanted.id !== rollout.to.id) return restart(record, state, seen);
  if (tooLong(spec, state, seen.now)) {
    return rollBack(
      record,
      state,
      { kind: "rolloutTooLong", limitMs: spec.limits.rolloutMs },
      seen,
    );
  }
  return null;
}

function askedBack(
  record: RolloutRecord,
  rollout: Rollout,
  seen: Observation,
): RollbackReason | null {
  if (seen.command === "rollback") return { kind: "rollbackRequested" };
  if (record.wanted.id === rollout.from.id) return { kind: "wantedIsPrimary" };
  return null;
}

function tooLong(spec: RolloutSpec, state: Progressing | Waiting, now: number): boolean {
  if (state.phase === "waiting") return false;
  return now - state.rollout.startedAt - state.rollout.heldMs > spec.limits.rolloutMs;
}

/** A new revision in the middle: requests leave the canary first, only then it is replaced. */
function restart(record: RolloutRecord, state: Progressing | Waiting, seen: Observation): Decision {
  const { rollout } = state;
  const home = allTo(rollout.fromSlot);
  const reason = {
    kind: "revisionChanged",
    from: rollout.to.name,
    to: record.wanted.name,
  } as const;
  const atHome = sameWeights(state.assignment.weights, home);
  if (atHome && seen.weights !== null && sameWeights(seen.weights, home)) {
    return begin(record, state.assignment, seen, reason);
  }
  const next: Progressing = {
    phase: "progressing",
    rollout,
    assignment: { ...state.assignment, weights: home },
    since: seen.now,
    step: -1,
    ...freshStep,
  };
  if (atHome) return wait(record, state, waitingForRouter(home, seen), seen, pollMs);
  return act(record, next, shift(next.assignment, false), reason, seen);
}

// ---- progressing ---------------------------------------------------------------------------------

function whileProgressing(
  spec: RolloutSpec,
  record: RolloutRecord,
  state: Progressing,
  seen: Observation,
): Decision {
  const canary = readiness(seen, newSlot(state.rollout));
  if (state.step < 0) return whileDeploying(spec, record, state, canary, seen);
  if (canary !== null && canary.ready === 0) {
    return rollBack(record, state, { kind: "canaryLost" }, seen);
  }
  if (state.confirmedAt === null) return confirm(spec, record, state, seen);
  const drifted = drift(record, state, seen);
  if (drifted !== null) return drifted;
  if (seen.command === "promoteFull") {
    return promoteNow(record, state, seen);
  }
  if (seen.check === null)
    return wait(record, state, { kind: "waitingForCheck" }, seen, watchMs, spec);
  return judge(spec, record, state, seen.check, canary, seen);
}

function whileDeploying(
  spec: RolloutSpec,
  record: RolloutRecord,
  state: Progressing,
  canary: Readiness | null,
  seen: Observation,
): Decision {
  if (canary !== null && isReady(canary)) {
    return toStep(spec, record, state, 0, { kind: "canaryReady" }, seen);
  }
  const { ready, wanted } = canary ?? { ready: 0, wanted: 0 };
  const waitedMs = seen.now - state.since;
  if (waitedMs > spec.limits.readyMs) {
    return rollBack(record, state, { kind: "canaryNotReady", ready, wanted, waitedMs }, seen);
  }
  return wait(record, state, { kind: "waitingForReady", ready, wanted }, seen, pollMs);
}

/** Counts the check, then goes on, halts or goes back. */
function judge(
  spec: RolloutSpec,
  record: RolloutRecord,
  state: Progressing,
  check: CheckResult,
  canary: Readiness | null,
  seen: Observation,
): Decision {
  const counted = count(spec, record, state, check, seen);
  if (counted.decision !== null) return counted.decision;
  const step = stepOf(spec, state.step);
  const next = { ...counted.state, passed: state.passed + (check.verdict === "pass" ? 1 : 0) };
  if (check.verdict !== "pass") return wait(record, next, counted.reason, seen, watchMs, spec);
  if (next.passed < step.checks) {
    const reason = {
      kind: "checkPassed",
      check,
      passed: next.passed,
      needed: step.checks,
    } as const;
    return wait(record, next, reason, seen, watchMs, spec);
  }
  return advance(spec, record, next, check, canary, seen);
}

/** The step's checks have passed: next step, hold, or promotion, provided that every pod is there. */
function advance(
  spec: RolloutSpec,
  record: RolloutRecord,
  state: Progressing,
  check: CheckResult,
  canary: Readiness | null,
  seen: Observation,
): Decision {
  if (canary === null || !isReady(canary)) return haltUnready(spec, record, state, canary, seen);
  const reason: Reason = { kind: "stepPassed", step: state.step, check };
  if (stepOf(spec, state.step).hold) {
    const { passed: _passed, unreadySince: _unready, ...rest } = state;
    const held: Waiting = { ...rest, phase: "waiting", heldSince: seen.now };
    return wait(record, held, reason, seen, pollMs);
  }
  return afterStep(spec, record, state, reason, seen);
}

function afterStep(
  spec: RolloutSpec,
  record: RolloutRecord,
  state: Progressing | Waiting,
  reason: Reason,
  seen: Observation,
): Decision {
  return state.step + 1 < spec.steps.length
    ? toStep(spec, record, state, state.step + 1, reason, seen)
    : promote(record, state, reason, seen);
}

/** Passed, but the canary is not whole: it gets no more weight, and not for ever. */
function haltUnready(
  spec: RolloutSpec,
  record: RolloutRecord,
  state: Progressing,
  canary: Readiness | null,
  seen: Observation,
): Decision {
  const unreadySince = state.unreadySince ?? seen.now;
  const { ready, wanted } = canary ?? { ready: 0, wanted: 0 };
  const waitedMs = seen.now - unreadySince;
  if (waitedMs > spec.limits.readyMs) {
    return rollBack(record, state, { kind: "canaryNotReady", ready, wanted, waitedMs }, seen);
  }
  const next = { ...state, unreadySince };
  return wait(record, next, { kind: "waitingForReady", ready, wanted }, seen, watchMs, spec);
}

function toStep(
  spec: RolloutSpec,
  record: RolloutRecord,
  state: Progressing | Waiting,
  step: number,
  reason: Reason,
  seen: Observation,
): Decision {
  const { rollout } = state;
  const weights = split(newSlot(rollout), stepOf(spec, step).weight);
  const assignment = { ...state.assignment, weights };
  const next: Progressing = {
    phase: "progressing",
    rollout,
    assignment,
    since: seen.now,
    step,
    ...freshStep,
  };
  return act(record, next, shift(assignment, true), reason, seen);
}

// ---- waiting for a person ------------------------------------------------------------------------

function whileWaiting(
  spec: RolloutSpec,
  record: RolloutRecord,
  state: Waiting,
  seen: Observation,
): Decision {
  const canary = readiness(seen, newSlot(state.rollout));
  if (canary !== null && canary.ready === 0) {
    return rollBack(record, state, { kind: "canaryLost" }, seen);
  }
  if (state.confirmedAt === null) return confirm(spec, record, state, seen);
  const drifted = drift(record, state, seen);
  if (drifted !== null) return drifted;
  if (seen.command === "promoteFull") return promoteNow(record, unheld(state, seen.now), seen);
  if (seen.command === "promote") {
    const reason = { kind: "promoteRequested", full: false } as const;
    return afterStep(spec, record, unheld(state, seen.now), reason, seen);
  }
  // A held canary may have no requests for hours, so a blind check is shown and not counted.
  if (seen.check === null || isBlind(seen.check)) {
    const next = seen.check === null ? state : { ...state, lastCheckAt: seen.check.at };
    return wait(record, next, { kind: "waitingForPromote", step: state.step }, seen, pollMs);
  }
  const counted = count(spec, record, state, seen.check, seen);
  return counted.decision ?? wait(record, counted.state, counted.reason, seen, pollMs);
}

function unheld(state: Waiting, now: number): Waiting {
  const heldMs = state.rollout.heldMs + (now - state.heldSince);
  return { ...state, rollout: { ...state.rollout, heldMs } };
}

// ---- promotion -----------------------------------------------------------------------------------

/** `promote --full`: a person's order in place of the remaining checks; a canary that is not ready refuses it. */
function promoteNow(
  record: RolloutRecord,
  state: Progressing | Waiting,
  seen: Observation,
): Decision {
  const canary = readiness(seen, newSlot(state.rollout));
  if (canary === null || !isReady(canary)) {
    const { ready, wanted } = canary ?? { ready: 0, wanted: 0 };
    return wait(record, state, { kind: "waitingForReady", ready, wanted }, seen, pollMs);
  }
  return promote(record, state, { kind: "promoteRequested", full: true }, seen);
}

/** Roles swap and all requests go to the new revision in one change; the old slot stays as the way back. */
function promote(
  record: RolloutRecord,
  state: Progressing | Waiting,
  reason: Reason,
  seen: Observation,
): Decision {
  const { rollout } = state;
  const primary = newSlot(rollout);
  const assignment = { ...state.assignment, primary, weights: allTo(primary) };
  const next: Promoting = {
    phase: "promoting",
    rollout,
    assignment,
    since: seen.now,
    confirmedAt: null,
    lastCheckAt: null,
  };
  return act(record, next, { kind: "promote", assignment, forward: true }, reason, seen);
}

function whilePromoting(
  spec: RolloutSpec,
  record: RolloutRecord,
  state: Promoting,
  seen: Observation,
): Decision {
  const unconfirmed = awaitRouter(spec, record, state, seen);
  if (unconfirmed !== null) return unconfirmed;
  const next: FinalizingPromoted = {
    ...state,
    phase: "finalizing",
    outcome: "promoted",
    stage: "baking",
    confirmedAt: seen.now,
  };
  return wait(record, next, { kind: "promoted" }, seen, watchMs, spec);
}

function whilePromoted(
  spec: RolloutSpec,
  record: RolloutRecord,
  state: FinalizingPromoted,
  seen: Observation,
): Decision {
  const { rollout, assignment } = state;
  if (state.stage === "removing") {
    const next = { phase: "succeeded", assignment, rollout, finishedAt: seen.now } as const;
    return end({ ...record, state: next, failed: null }, { kind: "bakeOver" }, seen);
  }
  if (state.confirmedAt === null) return confirm(spec, record, state, seen);
  const primary = readiness(seen, newSlot(rollout));
  if (primary !== null && primary.ready === 0) {
    return rollBack(record, state, { kind: "canaryLost" }, seen);
  }
  const drifted = drift(record, state, seen);
  if (drifted !== null) return drifted;
  let baking = state;
  // Already promoted on measured data: a blind check here is neither a reason to go back nor counted.
  if (seen.check !== null && !isBlind(seen.check)) {
    const counted = count(spec, record, state, seen.check, seen);
    if (counted.decision !== null) return counted.decision;
    baking = counted.state;
  } else if (seen.check !== null) {
    baking = { ...state, lastCheckAt: seen.check.at };
  }
  if (seen.now - state.confirmedAt < Math.max(spec.bakeMs, spec.drainMs)) {
    return wait(record, baking, { kind: "baking" }, seen, watchMs, spec);
  }
  return removeOld(record, baking, seen);
}

function removeOld(record: RolloutRecord, state: FinalizingPromoted, seen: Observation): Decision {
  const slots = { ...state.assignment.slots, [state.rollout.fromSlot]: null };
  const assignment = { ...state.assignment, slots };
  const next: FinalizingPromoted = { ...state, assignment, since: seen.now, stage: "removing" };
  const action: Action = { kind: "removeOld", assignment, forward: false };
  return act(record, next, action, { kind: "bakeOver" }, seen);
}

// ---- going back ----------------------------------------------------------------------------------

/** Requests first, capacity after. A canary that never had weight is removed at once. */
function rollBack(
  record: RolloutRecord,
  state: RunningState,
  why: RollbackReason,
  seen: Observation,
): Decision {
  const { rollout } = state;
  const assignment = {
    primary: rollout.fromSlot,
    slots: state.assignment.slots,
    weights: allTo(rollout.fromSlot),
  };
  const next: FinalizingRolledBack = {
    phase: "finalizing",
    outcome: "rolledBack",
    stage: "shifting",
    why,
    rollout,
    assignment,
    since: seen.now,
    confirmedAt: null,
    lastCheckAt: null,
    corrections: 0,
  };
  const neverHadWeight = state.phase === "progressing" && state.step < 0;
  if (neverHadWeight) return removeCanary(record, next, why, seen);
  return act(record, next, shift(assignment, false), why, seen);
}

function whileRolledBack(
  spec: RolloutSpec,
  record: RolloutRecord,
  state: FinalizingRolledBack,
  seen: Observation,
): Decision {
  if (state.stage === "removing") return rolledBack(record, state, seen);
  const { weights } = state.assignment;
  if (seen.weights === null || !sameWeights(seen.weights, weights)) {
    return insist(spec, record, state, seen);
  }
  if (state.confirmedAt === null) {
    const next = { ...state, confirmedAt: seen.now };
    return wait(record, next, { kind: "routerConfirmed", weights }, seen, pollMs);
  }
  if (seen.now - state.confirmedAt < spec.drainMs) {
    return wait(record, state, { kind: "draining" }, seen, pollMs);
  }
  return removeCanary(record, state, { kind: "drained" }, seen);
}

/** The router does not show the way back: send it again, and stop for a person when that does not help. */
function insist(
  spec: RolloutSpec,
  record: RolloutRecord,
  state: FinalizingRolledBack,
  seen: Observation,
): Decision {
  const { assignment } = state;
  const reason = waitingForRouter(assignment.weights, seen);
  if (seen.now - state.since <= spec.limits.readBackMs) {
    return wait(record, state, reason, seen, pollMs);
  }
  const corrections = state.corrections + 1;
  if (corrections >= spec.limits.attemptsMax) {
    const message = "the router does not show the split that was sent";
    return stop(
      record,
      { kind: "gaveUp", action: "shiftTraffic", message, attempts: corrections },
      seen,
    );
  }
  const next = { ...state, since: seen.now, confirmedAt: null, corrections };
  return act(record, next, { kind: "correctDrift", assignment, forward: false }, reason, seen);
}

function removeCanary(
  record: RolloutRecord,
  state: FinalizingRolledBack,
  reason: Reason,
  seen: Observation,
): Decision {
  const slots = { ...state.assignment.slots, [newSlot(state.rollout)]: null };
  const assignment = { ...state.assignment, slots };
  const next: FinalizingRolledBack = { ...state, assignment, since: seen.now, stage: "removing" };
  return act(record, next, { kind: "removeCanary", assignment, forward: false }, reason, seen);
}

/** The failed revision is remembered and not tried again until the wish changes. */
function rolledBack(
  record: RolloutRecord,
  state: FinalizingRolledBack,
  seen: Observation,
): Decision {
  const { why, rollout, assignment } = state;
  const { id, name } = rollout.to;
  const next = { phase: "failed", assignment, rollout, why, finishedAt: seen.now } as const;
  // a wish that changed meanwhile stays; the failed one is over
  const wanted = record.wanted.id === id ? rollout.from : record.wanted;
  const failed = why.kind === "wantedIsPrimary" ? record.failed : { id, name, why };
  return end({ ...record, state: next, wanted, failed }, { kind: "rolledBack", why }, seen);
}

// ---- the pending action failed -------------------------------------------------------------------

function afterFailure(
  spec: RolloutSpec,
  record: RolloutRecord,
  pending: Pending,
  failure: ActFailure,
  seen: Observation,
): Decision {
  const { state } = record;
  const { action } = pending;
  const attempts = pending.attempts + 1;
  const { message } = failure;
  if (action.forward && !isResting(state)) {
    const why =
      askedBack(record, state.rollout, seen) ?? forwardFailure(spec, action, failure, attempts);
    if (why !== null) return rollBack(record, state, why, seen);
  }
  if (attempts >= spec.limits.attemptsMax) {
    const kept = { ...record, pending: { ...pending, attempts: 0, notBefore: seen.now } };
    return failure.kind === "locked"
      ? stop(kept, { kind: "stackLocked", message }, seen)
      : stop(kept, { kind: "gaveUp", action: action.kind, message, attempts }, seen);
  }
  const notBefore = seen.now + backoffMs(attempts);
  const reason: Reason =
    failure.kind === "locked"
      ? { kind: "waitingForLock", message, attempt: attempts }
      : { kind: "retrying", message, attempt: attempts };
  const next = { ...record, pending: { ...pending, attempts, notBefore } };
  return decision(next, reason, notBefore, "continue", seen);
}

/** What a failure on the way forward means: a reason to go back, or null to try again or stop. */
function forwardFailure(
  spec: RolloutSpec,
  action: Action,
  failure: ActFailure,
  attempts: number,
): RollbackReason | null {
  const { message } = failure;
  switch (failure.kind) {
    case "locked":
      return null;
    case "policy":
      return { kind: "policyViolation", message };
    case "workload":
      return { kind: "canaryFailedToStart", message };
    case "other":
      return attempts >= spec.limits.attemptsMax
        ? { kind: "applyFailed", action: action.kind, message, attempts }
        : null;
  }
}

/** 1 s, 2 s, 4 s … at most 30 s. */
function backoffMs(attempts: number): number {
  return Math.min(backoffMaxMs, 1_000 * 2 ** (attempts - 1));
}

// ---- parts ---------------------------------------------------------------------------------------

/** Takes the router's acknowledgement, waits for it, or goes back when it does not come. */
function confirm(
  spec: RolloutSpec,
  record: RolloutRecord,
  state: Progressing | Waiting | FinalizingPromoted,
  seen: Observation,
): Decision {
  const unconfirmed = awaitRouter(spec, record, state, seen);
  if (unconfirmed !== null) return unconfirmed;
  const next = { ...state, confirmedAt: seen.now };
  const reason = { kind: "routerConfirmed", weights: state.assignment.weights } as const;
  return wait(record, next, reason, seen, watchMs, spec);
}

/** Null when the router shows the intended split; else the wait, or the way back after too long. */
function awaitRouter(
  spec: RolloutSpec,
  record: RolloutRecord,
  state: RunningState,
  seen: Observation,
): Decision | null {
  const want = state.assignment.weights;
  if (seen.weights !== null && sameWeights(seen.weights, want)) return null;
  const waitedMs = seen.now - state.since;
  if (waitedMs > spec.limits.readBackMs) {
    return rollBack(
      record,
      state,
      { kind: "routerSilent", want, seen: seen.weights, waitedMs },
      seen,
    );
  }
  return wait(record, state, waitingForRouter(want, seen), seen, pollMs);
}

/** Somebody else moved the weights: put them back and begin the step's checks anew. */
function drift(
  record: RolloutRecord,
  state: Progressing | Waiting | FinalizingPromoted,
  seen: Observation,
): Decision | null {
  const { assignment } = state;
  const want = assignment.weights;
  if (seen.weights === null || sameWeights(seen.weights, want)) return null;
  const next = { ...state, since: seen.now, confirmedAt: null, lastCheckAt: null };
  const reason = { kind: "drift", want, seen: seen.weights } as const;
  return act(record, next, { kind: "correctDrift", assignment, forward: false }, reason, seen);
}

/** Adds the check to the counters; a reached limit goes back. */
function count<S extends Progressing | Waiting | FinalizingPromoted>(
  spec: RolloutSpec,
  record: RolloutRecord,
  state: S,
  check: CheckResult,
  seen: Observation,
): { readonly state: S; readonly reason: Reason; readonly decision: Decision | null } {
  const failed = state.rollout.failedChecks + (check.verdict === "fail" ? 1 : 0);
  const blind = isBlind(check) ? state.rollout.blindChecks + 1 : 0;
  const rollout = { ...state.rollout, failedChecks: failed, blindChecks: blind };
  const next = { ...state, rollout, lastCheckAt: check.at };
  const failedMax = spec.failedChecksMax;
  const blindMax = spec.limits.blindChecksMax;
  if (check.verdict === "fail" && failed >= failedMax) {
    const why = { kind: "failedChecks", check, failed, max: failedMax } as const;
    return { state: next, reason: why, decision: rollBack(record, next, why, seen) };
  }
  if (isBlind(check) && blind >= blindMax) {
    const why = { kind: "blindChecks", check, blind, max: blindMax } as const;
    return { state: next, reason: why, decision: rollBack(record, next, why, seen) };
  }
  const reason: Reason =
    check.verdict === "fail"
      ? { kind: "checkFailed", check, failed, max: failedMax }
      : isBlind(check)
        ? { kind: "checkBlind", check, blind, max: blindMax }
        : { kind: "checkPassed", check, passed: 1, needed: 1 };
  return { state: next, reason, decision: null };
}

function isBlind(check: CheckResult): boolean {
  return check.verdict === "inconclusive" || check.verdict === "error";
}

function readiness(seen: Observation, slot: Slot): Readiness | null {
  return seen.ready?.[slot] ?? null;
}

function isReady(canary: Readiness): boolean {
  return canary.wanted > 0 && canary.ready >= canary.wanted;
}

function stepOf(spec: RolloutSpec, step: number): RolloutSpec["steps"][number] {
  const found = spec.steps[step];
  if (found === undefined) throw new Error(`invariant: step ${step} of ${spec.steps.length}`);
  return found;
}

function shift(assignment: Assignment, forward: boolean): Action {
  return { kind: "shiftTraffic", assignment, forward };
}

function waitingForRouter(want: Weights, seen: Observation): Reason {
  return { kind: "waitingForRouter", want, seen: seen.weights };
}

// ---- making decisions ----------------------------------------------------------------------------

function act(
  record: RolloutRecord,
  state: RunningState,
  action: Action,
  reason: Reason,
  seen: Observation,
): Decision {
  const pending = { action, attempts: 0, notBefore: seen.now };
  return decision({ ...record, state, pending }, reason, seen.now, "continue", seen);
}

function wait(
  record: RolloutRecord,
  state: RolloutState,
  reason: Reason,
  seen: Observation,
  atMostMs: number,
  spec?: RolloutSpec,
): Decision {
  const due = spec === undefined ? null : nextCheckAt(spec, state);
  const latest = seen.now + atMostMs;
  const at = due === null ? latest : Math.max(seen.now, Math.min(due, latest));
  return decision({ ...record, state }, reason, at, "continue", seen);
}

function end(record: RolloutRecord, reason: Reason, seen: Observation): Decision {
  return decision(record, reason, seen.now, "end", seen);
}

function stop(record: RolloutRecord, reason: Reason, seen: Observation): Decision {
  return decision(record, reason, seen.now, "stop", seen);
}

/** Waiting is shown while it lasts and not remembered. */
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

function decision(
  record: RolloutRecord,
  reason: Reason,
  checkAgainAt: number,
  outcome: Decision["outcome"],
  seen: Observation,
): Decision {
  if (forgettable.has(reason.kind)) return { record, reason, checkAgainAt, outcome };
  const { state } = record;
  const entry = {
    at: seen.now,
    phase: state.phase,
    step: "step" in state ? state.step : null,
    weight: rolloutWeight(state),
    reason,
  };
  const history = [...record.history, entry].slice(-historyMax);
  return { record: { ...record, history }, reason, checkAgainAt, outcome };
}

/** The wish after a look at the stack: a configuration that changed since last seen is a new wish. */
export function withConfigured(record: RolloutRecord, configured: Revision): RolloutRecord {
  if (configured.id === record.configured) return record;
  return { ...record, wanted: configured, configured: configured.id };
}

/** True while the driver has more to do for this record. */
export function isUnfinished(record: RolloutRecord): boolean {
  return record.pending !== null || !isResting(record.state);
}
