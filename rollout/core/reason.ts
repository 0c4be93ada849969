import type { CheckResult } from "./analysis.ts";
import type { Weights } from "./assignment.ts";
import type { Command } from "./observation.ts";

/**
 * Why a decision was taken. Closed list: the text report, the exit code, the HTML report and the
 * tests all switch on `kind`; `docs/operating.md` says what to do about each.
 */
export type Reason =
  // nothing to do, or begin
  | { readonly kind: "upToDate" }
  | { readonly kind: "alreadyFailed"; readonly revision: string; readonly why: string }
  | { readonly kind: "newRevision"; readonly from: string; readonly to: string }
  | { readonly kind: "revisionChanged"; readonly from: string; readonly to: string }
  // waiting
  | { readonly kind: "waitingForReady"; readonly ready: number; readonly wanted: number }
  | {
      readonly kind: "waitingForRouter";
      readonly want: Weights;
      readonly seen: Weights | null;
      /** Why the router shows no split, in its own words. */
      readonly obstacle?: string | undefined;
    }
  | { readonly kind: "waitingForCheck" }
  | {
      readonly kind: "waitingForPromote";
      readonly step: number;
      /** The check taken at this look; none of these counts. */
      readonly check: CheckResult | null;
    }
  | { readonly kind: "waitingForLock"; readonly message: string; readonly attempt: number }
  | { readonly kind: "retrying"; readonly message: string; readonly attempt: number }
  | { readonly kind: "draining" }
  | {
      readonly kind: "baking";
      /** When the old slot may go, if nothing comes in between. */
      readonly until: number;
      readonly check: CheckResult | null;
    }
  | { readonly kind: "commandRefused"; readonly command: Command; readonly why: string }
  // going on
  | { readonly kind: "canaryReady" }
  | { readonly kind: "routerConfirmed"; readonly weights: Weights }
  | {
      readonly kind: "checkPassed";
      readonly check: CheckResult;
      readonly passed: number;
      readonly needed: number;
    }
  | {
      readonly kind: "checkFailed";
      readonly check: CheckResult;
      readonly failed: number;
      readonly max: number;
    }
  | {
      readonly kind: "checkBlind";
      readonly check: CheckResult;
      readonly blind: number;
      readonly max: number;
    }
  | { readonly kind: "stepPassed"; readonly step: number; readonly check: CheckResult | null }
  | { readonly kind: "drift"; readonly want: Weights; readonly seen: Weights }
  | { readonly kind: "promoteRequested"; readonly full: boolean }
  | { readonly kind: "promoted" }
  | { readonly kind: "bakeOver" }
  | { readonly kind: "drained" }
  // going back
  | RollbackReason
  | { readonly kind: "rolledBack"; readonly why: RollbackReason }
  // stopped: a person is needed; the state is kept and the next run goes on from it
  | StopReason;

/** Why a rollout went back. */
export type RollbackReason =
  | {
      readonly kind: "failedChecks";
      readonly check: CheckResult;
      readonly failed: number;
      readonly max: number;
    }
  | {
      readonly kind: "blindChecks";
      readonly check: CheckResult;
      readonly blind: number;
      readonly max: number;
    }
  | { readonly kind: "canaryFailedToStart"; readonly message: string }
  | {
      readonly kind: "canaryNotReady";
      readonly ready: number;
      readonly wanted: number;
      readonly waitedMs: number;
      /** What keeps it from being ready, in the workload's own words. */
      readonly message?: string | undefined;
    }
  | {
      readonly kind: "canaryLost";
      /** Why nothing is ready any more, in the workload's own words. */
      readonly message?: string | undefined;
    }
  | {
      readonly kind: "routerSilent";
      readonly want: Weights;
      readonly seen: Weights | null;
      readonly obstacle?: string | undefined;
      readonly waitedMs: number;
    }
  /** Somebody else keeps moving the weights. */
  | {
      readonly kind: "splitContested";
      readonly want: Weights;
      readonly seen: Weights;
      readonly corrections: number;
    }
  | { readonly kind: "rolloutTooLong"; readonly limitMs: number }
  | { readonly kind: "policyViolation"; readonly message: string }
  | {
      readonly kind: "applyFailed";
      readonly action: string;
      readonly message: string;
      readonly attempts: number;
    }
  | { readonly kind: "rollbackRequested" }
  | { readonly kind: "wantedIsPrimary" };

/** Why the driver stopped without an end: exit code 4. */
export type StopReason =
  | { readonly kind: "stackLocked"; readonly message: string }
  /** There is a reason to go back, but the primary has no ready workload and the canary has. */
  | { readonly kind: "primaryLost"; readonly why: RollbackReason }
  | {
      readonly kind: "gaveUp";
      readonly action: string;
      readonly message: string;
      readonly attempts: number;
    };
