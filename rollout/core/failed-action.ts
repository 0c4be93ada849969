import { decided, stop, type Decision, type Situation } from "./decision.ts";
import { rollBack } from "./going-back.ts";
import { askedBack } from "./interruptions.ts";
import type { ActFailure } from "./observation.ts";
import type { Reason, RollbackReason } from "./reason.ts";
import { backoffMs } from "./schedule.ts";
import type { RolloutSpec } from "./spec.ts";
import { isResting, type Action, type Pending } from "./state.ts";

/** The pending action was tried and failed: goes back, tries again later, or stops for a person. */
export function afterFailure(at: Situation, pending: Pending, failure: ActFailure): Decision {
  const { record, spec, seen } = at;
  const { action } = pending;
  const attempts = pending.attempts + 1;
  const { message } = failure;
  const wayBack = askedBack(at) ?? backAfter(at, action, failure, attempts);
  if (wayBack !== null) return wayBack;
  if (attempts >= spec.limits.attemptsMax) {
    const kept = { ...record, pending: { ...pending, attempts: 0, notBefore: seen.now } };
    return failure.kind === "locked"
      ? stop(at, kept, { kind: "stackLocked", message })
      : stop(at, kept, { kind: "gaveUp", action: action.kind, message, attempts });
  }
  const notBefore = seen.now + backoffMs(attempts);
  const reason: Reason =
    failure.kind === "locked"
      ? { kind: "waitingForLock", message, attempt: attempts }
      : { kind: "retrying", message, attempt: attempts };
  const next = { ...record, pending: { ...pending, attempts, notBefore } };
  return decided(at, next, reason, notBefore, "continue");
}

/** The pending action is saved and was not tried yet: only the way back takes its place. */
export function stillPending(at: Situation, pending: Pending): Decision {
  const wayBack = askedBack(at);
  if (wayBack !== null) return wayBack;
  const again = Math.max(at.seen.now, pending.notBefore);
  const message = `${pending.action.kind} is saved and not done yet`;
  const reason = { kind: "retrying", message, attempt: pending.attempts } as const;
  return { record: at.record, reason, checkAgainAt: again, outcome: "continue" };
}

/** The way back, when the failure of a step forward means it. */
function backAfter(
  at: Situation,
  action: Action,
  failure: ActFailure,
  attempts: number,
): Decision | null {
  const { state } = at.record;
  if (!action.forward || isResting(state)) return null;
  const why = whyBack(at.spec, action, failure, attempts);
  return why === null ? null : rollBack(at, state, why);
}

/** What a failure on the way forward means: a reason to go back, or null to try again or stop. */
function whyBack(
  spec: RolloutSpec,
  action: Action,
  { kind, message }: ActFailure,
  attempts: number,
): RollbackReason | null {
  switch (kind) {
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
