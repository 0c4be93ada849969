import type { CheckResult } from "./analysis.ts";
import { sameWeights, type Slot, type Weights } from "./assignment.ts";

/** Ready workloads of one slot. */
export interface Readiness {
  readonly ready: number;
  readonly wanted: number;
  /** Why it will not become whole by itself, in the workload's own words; absent while that is open. */
  readonly failed?: string | undefined;
  /** What keeps it from being whole now, in the same words; waiting may mend it. */
  readonly trouble?: string | undefined;
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
  /** Why the split or the readiness cannot be read, in the words of whoever refuses it. */
  readonly obstacle?: string | undefined;
  /** The check, if one was due (see `checkDue`). */
  readonly check: CheckResult | null;
  readonly command: Command | null;
  /** Set when the pending action was tried and failed. */
  readonly failure: ActFailure | null;
}

/** Readiness of one slot; null when unknown. */
export function readinessOf(seen: Observation, slot: Slot): Readiness | null {
  return seen.ready?.[slot] ?? null;
}

/** Known, wanted and whole: only such a workload gets (more) weight. */
export function isWhole(workload: Readiness | null): workload is Readiness {
  return workload !== null && workload.wanted > 0 && workload.ready >= workload.wanted;
}

/** Known to have nothing ready. Unknown is not dead. */
export function isDead(workload: Readiness | null): boolean {
  return workload !== null && workload.ready === 0;
}

/** The reason to give up on a workload that says itself that it cannot start; null while that is open. */
export function failedToStart(
  workload: Readiness | null,
): { readonly kind: "canaryFailedToStart"; readonly message: string } | null {
  const message = workload?.failed;
  return message === undefined ? null : { kind: "canaryFailedToStart", message };
}

/** The reason to leave a workload of which nothing is ready; null otherwise, and when that is unknown. */
export function lost(
  workload: Readiness | null,
): { readonly kind: "canaryLost"; readonly message?: string } | null {
  return isDead(workload) ? { kind: "canaryLost", ...ownWords(workload) } : null;
}

/** What a workload says of why it is not whole. */
export function ownWords(workload: Readiness | null): { readonly message?: string } {
  const message = workload?.failed ?? workload?.trouble;
  return message === undefined ? {} : { message };
}

/** What a router that does not show the split is told by. */
export function wantedAndSeen(
  { weights: seen, obstacle }: Observation,
  want: Weights,
): { readonly want: Weights; readonly seen: Weights | null; readonly obstacle?: string } {
  return { want, seen, ...(obstacle === undefined ? {} : { obstacle }) };
}

/** True when the router acknowledges exactly this split. */
export function shows(seen: Observation, weights: Weights): boolean {
  return seen.weights !== null && sameWeights(seen.weights, weights);
}
