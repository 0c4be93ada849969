import type { CheckResult } from "./analysis.ts";
import { count } from "./counters.ts";
import { wait, type Decision, type Situation } from "./decision.ts";
import { rollBack } from "./going-back.ts";
import {
  failedToStart,
  isWhole,
  lost,
  ownWords,
  readinessOf,
  type Readiness,
} from "./observation.ts";
import { promoteNow } from "./promotion.ts";
import { awaitRouter, confirm, drift } from "./read-back.ts";
import type { Reason } from "./reason.ts";
import { pollMs, watchMs } from "./schedule.ts";
import { newSlot, type Progressing, type Waiting } from "./state.ts";
import { currentStep, onward } from "./steps.ts";

/** The canary is being brought up, or has weight and is checked. */
export function whileProgressing(at: Situation, state: Progressing): Decision {
  return state.step < 0 ? whileDeploying(at, state) : whileStepping(at, state);
}

/** Weight zero: waits for the canary to be whole and for a router that can be read. */
function whileDeploying(at: Situation, state: Progressing): Decision {
  const { now } = at.seen;
  const silent = state.confirmedAt === null ? awaitRouter(at, state) : null;
  if (silent !== null) return silent;
  const next = { ...state, confirmedAt: state.confirmedAt ?? now };
  const drifted = drift(at, next);
  if (drifted !== null) return drifted;
  const canary = readinessOf(at.seen, newSlot(state.rollout));
  if (isWhole(canary)) return onward(at, next, { kind: "canaryReady" });
  const failed = failedToStart(canary);
  if (failed !== null) return rollBack(at, next, failed);
  const waitedMs = now - state.since;
  return waitedMs > at.spec.limits.readyMs
    ? rollBack(at, next, notReady(canary, waitedMs))
    : wait(at, next, waitingForReady(canary), pollMs);
}

/** Weight above zero. */
function whileStepping(at: Situation, state: Progressing): Decision {
  const { now, check } = at.seen;
  const canary = readinessOf(at.seen, newSlot(state.rollout));
  const died = lost(canary);
  if (died !== null) return rollBack(at, state, died);
  if (state.confirmedAt === null) return confirm(at, state);
  const drifted = drift(at, state);
  if (drifted !== null) return drifted;
  const whole = isWhole(canary);
  const next = { ...state, unreadySince: whole ? null : (state.unreadySince ?? now) };
  const waitedMs = now - (next.unreadySince ?? now);
  const failed = whole ? null : failedToStart(canary);
  if (failed !== null) return rollBack(at, next, failed);
  if (waitedMs > at.spec.limits.readyMs) return rollBack(at, next, notReady(canary, waitedMs));
  if (at.seen.command === "promoteFull") return promoteNow(at, next);
  if (check !== null) return judge(at, next, check);
  // passed, but not whole: no more weight until it is
  const halted = !whole && state.passed >= currentStep(at.spec, state).checks;
  return wait(at, next, halted ? waitingForReady(canary) : { kind: "waitingForCheck" }, watchMs);
}

/** Counts the check, then stays, goes on or goes back. */
function judge(at: Situation, state: Progressing, check: CheckResult): Decision {
  const counted = count(at, state, check);
  if (counted.kind === "limit") return rollBack(at, counted.state, counted.why);
  if (check.verdict !== "pass") return wait(at, counted.state, counted.reason, watchMs);
  const step = currentStep(at.spec, state);
  const next = { ...counted.state, passed: state.passed + 1 };
  if (next.passed < step.checks || next.unreadySince !== null) {
    const reason: Reason = {
      kind: "checkPassed",
      check,
      passed: next.passed,
      needed: step.checks,
    };
    return wait(at, next, reason, watchMs);
  }
  const reason: Reason = { kind: "stepPassed", step: state.step, check };
  return step.hold ? wait(at, held(next, at.seen.now), reason, pollMs) : onward(at, next, reason);
}

function held(state: Progressing, now: number): Waiting {
  const { passed: _passed, unreadySince: _unreadySince, ...rest } = state;
  return { ...rest, phase: "waiting", heldSince: now, lastVerdict: "pass" };
}

function waitingForReady(canary: Readiness | null): Reason {
  const { ready, wanted } = canary ?? { ready: 0, wanted: 0 };
  return { kind: "waitingForReady", ready, wanted };
}

function notReady(
  canary: Readiness | null,
  waitedMs: number,
): Extract<Reason, { kind: "canaryNotReady" }> {
  const { ready, wanted } = canary ?? { ready: 0, wanted: 0 };
  return { kind: "canaryNotReady", ready, wanted, waitedMs, ...ownWords(canary) };
}
