import { isBlind, type CheckResult } from "./analysis.ts";
import type { Situation } from "./decision.ts";
import type { Reason, RollbackReason } from "./reason.ts";
import type { FinalizingPromoted, Progressing, Waiting } from "./state.ts";

/** What a check does to the counters. `limit`: one of them is full, so the rollout goes back. */
export type Counted<S> =
  | { readonly kind: "counted"; readonly state: S; readonly reason: Reason }
  | { readonly kind: "limit"; readonly state: S; readonly why: RollbackReason };

/**
 * Adds the check to the counters. Failed checks add up over the whole rollout; blind ones only in a row,
 * for they say nothing about the canary.
 */
export function count<S extends Progressing | Waiting | FinalizingPromoted>(
  at: Situation,
  state: S,
  check: CheckResult,
): Counted<S> {
  const failed = state.rollout.failedChecks + (check.verdict === "fail" ? 1 : 0);
  const blind = isBlind(check) ? state.rollout.blindChecks + 1 : 0;
  const rollout = { ...state.rollout, failedChecks: failed, blindChecks: blind };
  const next = { ...state, rollout, lastCheckAt: check.at };
  const ofFailed = { check, failed, max: at.spec.failedChecksMax };
  const ofBlind = { check, blind, max: at.spec.limits.blindChecksMax };
  switch (check.verdict) {
    case "fail":
      return failed >= ofFailed.max
        ? { kind: "limit", state: next, why: { kind: "failedChecks", ...ofFailed } }
        : { kind: "counted", state: next, reason: { kind: "checkFailed", ...ofFailed } };
    case "inconclusive":
    case "error":
      return blind >= ofBlind.max
        ? { kind: "limit", state: next, why: { kind: "blindChecks", ...ofBlind } }
        : { kind: "counted", state: next, reason: { kind: "checkBlind", ...ofBlind } };
    case "pass":
      return {
        kind: "counted",
        state: next,
        reason: { kind: "checkPassed", check, passed: 1, needed: 1 },
      };
  }
}
