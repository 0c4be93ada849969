import type { CheckResult } from "../../rollout/core/analysis.ts";
import type { Reason, RollbackReason } from "../../rollout/core/reason.ts";

const split = { blue: 80, green: 20 } as const;
const home = { blue: 100, green: 0 } as const;

export const failedCheck: CheckResult = {
  at: 1_000,
  verdict: "fail",
  results: [
    { metric: "request-success-rate", verdict: "fail", value: 98.99612, min: 99 },
    { metric: "request-duration", verdict: "pass", value: 12.345, max: 500 },
  ],
};

export const blindCheck: CheckResult = {
  at: 1_000,
  verdict: "inconclusive",
  results: [
    { metric: "request-success-rate", verdict: "inconclusive", min: 99, detail: "no data" },
  ],
};

export const passedCheck: CheckResult = {
  at: 1_000,
  verdict: "pass",
  results: [{ metric: "queue", verdict: "pass", value: 7, min: 1, max: 10 }],
};

/** One of each, with data that differ from each other. */
const everyRollbackReason: readonly RollbackReason[] = [
  { kind: "failedChecks", check: failedCheck, failed: 3, max: 3 },
  { kind: "blindChecks", check: blindCheck, blind: 4, max: 4 },
  { kind: "canaryFailedToStart", message: "exited with code 1:\n  no such file" },
  { kind: "canaryNotReady", ready: 1, wanted: 2, waitedMs: 120_500 },
  { kind: "canaryLost" },
  { kind: "routerSilent", want: split, seen: null, waitedMs: 30_200 },
  { kind: "splitContested", want: split, seen: home, corrections: 3 },
  { kind: "rolloutTooLong", limitMs: 3_600_000 },
  { kind: "policyViolation", message: "weights-add-up: 101" },
  { kind: "applyFailed", action: "shiftTraffic", message: "connection reset", attempts: 5 },
  { kind: "rollbackRequested" },
  { kind: "wantedIsPrimary" },
];

export const everyReason: readonly Reason[] = [
  { kind: "upToDate" },
  { kind: "alreadyFailed", revision: "v3", why: "failedChecks" },
  { kind: "newRevision", from: "v1", to: "v2" },
  { kind: "revisionChanged", from: "v2", to: "v3" },
  { kind: "waitingForReady", ready: 1, wanted: 2 },
  { kind: "waitingForRouter", want: split, seen: home },
  { kind: "waitingForCheck" },
  { kind: "waitingForPromote", step: 1, check: null },
  { kind: "waitingForLock", message: "the stack is locked by ann", attempt: 2 },
  { kind: "retrying", message: "connection reset", attempt: 1 },
  { kind: "draining" },
  { kind: "baking", until: 61_000, check: null },
  { kind: "commandRefused", command: "promoteFull", why: "the canary is not fully ready" },
  { kind: "canaryReady" },
  { kind: "routerConfirmed", weights: split },
  { kind: "checkPassed", check: passedCheck, passed: 1, needed: 3 },
  { kind: "checkFailed", check: failedCheck, failed: 1, max: 3 },
  { kind: "checkBlind", check: blindCheck, blind: 2, max: 4 },
  { kind: "stepPassed", step: 0, check: passedCheck },
  { kind: "drift", want: split, seen: home },
  { kind: "promoteRequested", full: false },
  { kind: "promoted" },
  { kind: "bakeOver" },
  { kind: "drained" },
  ...everyRollbackReason,
  ...everyRollbackReason.map((why): Reason => ({ kind: "rolledBack", why })),
  { kind: "stackLocked", message: "the stack is locked by ann" },
  { kind: "primaryLost", why: { kind: "canaryLost" } },
  { kind: "gaveUp", action: "removeCanary", message: "connection reset", attempts: 5 },
];
