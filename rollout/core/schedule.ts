import type { RolloutSpec } from "./spec.ts";
import { isResting, type RolloutRecord, type RolloutState, type RunningState } from "./state.ts";

/** How often readiness and the router are looked at while something is awaited, in ms. */
export const pollMs = 500;

/** How often a canary with weight is looked at between two checks, in ms, so that a dead one is seen early. */
export const watchMs = 2_000;

const backoffMaxMs = 30_000;

/** Time before an action is tried again: 1 s, 2 s, 4 s … at most 30 s. */
export function backoffMs(attempts: number): number {
  return Math.min(backoffMaxMs, 1_000 * 2 ** (attempts - 1));
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

/**
 * True while nothing comes next but a check, a person's word in a hold or the end of the bake. False while the canary, the
 * router, a drain or an action is awaited, each of which has a bound of its own.
 */
export function isBetweenChecks(spec: RolloutSpec, record: RolloutRecord, now: number): boolean {
  return record.pending === null && now < (nextCheckAt(spec, record.state) ?? -Infinity);
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

/**
 * The record with no time later than `now`. A clock that was set back would otherwise stretch every bound
 * by as much. A clock set forward only makes bounds come early, which is the safe side.
 */
export function notInFuture(record: RolloutRecord, now: number): RolloutRecord {
  const { state } = record;
  const pending =
    record.pending === null
      ? null
      : { ...record.pending, notBefore: Math.min(record.pending.notBefore, now + backoffMaxMs) };
  if (isResting(state)) return { ...record, pending };
  const past = (time: number): number => Math.min(time, now);
  const pastOrNull = (time: number | null): number | null => (time === null ? null : past(time));
  const times = {
    rollout: { ...state.rollout, startedAt: past(state.rollout.startedAt) },
    since: past(state.since),
    confirmedAt: pastOrNull(state.confirmedAt),
    lastCheckAt: pastOrNull(state.lastCheckAt),
  };
  return { ...record, state: withTimes(state, times, past), pending };
}

type Times = Pick<RunningState, "rollout" | "since" | "confirmedAt" | "lastCheckAt">;

function withTimes(
  state: RunningState,
  times: Times,
  past: (time: number) => number,
): RunningState {
  switch (state.phase) {
    case "progressing": {
      const { unreadySince } = state;
      return {
        ...state,
        ...times,
        unreadySince: unreadySince === null ? null : past(unreadySince),
      };
    }
    case "waiting":
      return { ...state, ...times, heldSince: past(state.heldSince) };
    case "promoting":
    case "finalizing":
      return { ...state, ...times };
  }
}
