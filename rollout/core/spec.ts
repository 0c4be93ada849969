/**
 * How one service is rolled out: complete, all defaults filled, times in milliseconds.
 * Users write the shorter form that `infra/contract.ts` parses into this one.
 */
export interface RolloutSpec {
  /** Time between two checks. */
  readonly intervalMs: number;
  /** Failed checks, over the whole rollout, that roll it back (Flagger's `threshold`). */
  readonly failedChecksMax: number;
  /** Canary weights in rising order, and what each step needs before the next. Never empty. */
  readonly steps: readonly Step[];
  readonly metrics: readonly MetricSpec[];
  readonly limits: Limits;
  /** Time the old slot is kept, and checks go on, after all traffic moved to the new revision. */
  readonly bakeMs: number;
  /** Time between the last request to a slot and its removal. */
  readonly drainMs: number;
}

export interface Step {
  /** Canary weight in percent, 1–100; 0 in a first step that is checked on copies of requests only. */
  readonly weight: number;
  /** Passed checks needed at this weight (Flagger's `iterations`), at least 1. */
  readonly checks: number;
  /** Wait for `upramp promote` after the checks passed. */
  readonly hold: boolean;
}

/** A query and the range its value must be in. At least one of `min` and `max` is set; both are inclusive. */
export interface MetricSpec {
  readonly name: string;
  /** PromQL template; variables in `{{ }}`. Absent: the router's built-in query of that name. */
  readonly query?: string | undefined;
  readonly min?: number | undefined;
  readonly max?: number | undefined;
  /** How far back the query looks; cut to the age of the step. */
  readonly windowMs: number;
  /** Values of `{{ variables.NAME }}` in the query. */
  readonly variables: Readonly<Record<string, string>>;
}

/** Every wait has a bound; reaching it has a reason of its own. */
export interface Limits {
  /** Checks in a row without a usable answer. */
  readonly blindChecksMax: number;
  /** Time for a deployed canary to become ready. */
  readonly readyMs: number;
  /** Time for the router to acknowledge a split. */
  readonly readBackMs: number;
  /** Time for the whole rollout, holds not counted. */
  readonly rolloutMs: number;
  /** Times one action is tried before the driver stops or goes back. */
  readonly attemptsMax: number;
}
