import type { CheckResult } from "../core/analysis.ts";
import type { Reason } from "../core/reason.ts";
import type { HistoryEntry, RolloutRecord } from "../core/state.ts";

/** The decisions of the rollout that runs or ran last; all that is remembered where there is none. */
export function lastRollout(record: RolloutRecord): readonly HistoryEntry[] {
  const { state, history } = record;
  if (!("rollout" in state)) return history;
  const { startedAt } = state.rollout;
  return history.filter(({ at }) => at >= startedAt);
}

/** The check that a decision rests on; null where it rests on none. */
export function checkOf(reason: Reason): CheckResult | null {
  return "check" in reason ? reason.check : null;
}

/** The weight of the new revision from `from` until `to`, in percent; times in milliseconds since the epoch. */
export interface WeightSpan {
  readonly from: number;
  readonly to: number;
  readonly weight: number;
}

/** The weight over the time of the decisions, without gaps. Empty where there are no decisions. */
export function weightSpans(entries: readonly HistoryEntry[]): WeightSpan[] {
  const spans: WeightSpan[] = [];
  for (const { at, weight } of entries) {
    const last = spans.at(-1);
    // a clock that was set back must not draw time backwards
    const from = Math.max(at, last?.to ?? at);
    if (last !== undefined) spans[spans.length - 1] = { ...last, to: from };
    if (last?.weight !== weight) spans.push({ from, to: from, weight });
  }
  return spans;
}
