import type { Decision, Situation } from "./decision.ts";
import { rollBack } from "./going-back.ts";
import { restart } from "./restart.ts";
import { isResting, type Progressing, type RunningState, type Waiting } from "./state.ts";

/**
 * What comes before anything else in a running rollout: a person's word, a wish that went back to the primary, a
 * new wish, the time limit. Null when none of them is there.
 */
export function interruption(at: Situation): Decision | null {
  const { state, wanted } = at.record;
  if (isResting(state)) return null;
  const back = askedBack(at);
  if (back !== null) return back;
  if (state.phase === "promoting" || state.phase === "finalizing") return null;
  if (wanted.id !== state.rollout.to.id) return restart(at, state);
  return overdue(at, state);
}

/** The way back, when somebody wants the primary's revision and there is still a way. */
export function askedBack(at: Situation): Decision | null {
  const { state, wanted } = at.record;
  if (isResting(state) || isLate(state)) return null;
  if (at.seen.command === "rollback") return rollBack(at, state, { kind: "rollbackRequested" });
  return wanted.id === state.rollout.from.id
    ? rollBack(at, state, { kind: "wantedIsPrimary" })
    : null;
}

/** On the way back already, or once a slot is being removed: then there is only a new rollout. */
function isLate(state: RunningState): boolean {
  return (
    state.phase === "finalizing" && (state.outcome === "rolledBack" || state.stage === "removing")
  );
}

function overdue(at: Situation, state: Progressing | Waiting): Decision | null {
  if (state.phase === "waiting") return null;
  const limitMs = at.spec.limits.rolloutMs;
  const { startedAt, heldMs } = state.rollout;
  const over = at.seen.now - startedAt - heldMs > limitMs;
  return over ? rollBack(at, state, { kind: "rolloutTooLong", limitMs }) : null;
}
