import type { Decision, Situation } from "./decision.ts";
import { rollBack } from "./going-back.ts";
import type { RollbackReason } from "./reason.ts";
import { restart } from "./restart.ts";
import { isResting, type Progressing, type Rollout, type Waiting } from "./state.ts";

/**
 * What comes before anything else in a running rollout: a person's word, a wish that went back to the primary, a
 * new wish, the time limit. Null when none of them is there.
 */
export function interruption(at: Situation): Decision | null {
  const { state, wanted } = at.record;
  if (isResting(state)) return null;
  // once a slot is being removed there is no way back, only a new rollout
  if (
    state.phase === "finalizing" &&
    (state.outcome === "rolledBack" || state.stage === "removing")
  )
    return null;
  const why = askedBack(at, state.rollout);
  if (why !== null) return rollBack(at, state, why);
  if (state.phase === "promoting" || state.phase === "finalizing") return null;
  if (wanted.id !== state.rollout.to.id) return restart(at, state);
  return overdue(at, state);
}

/** Why somebody wants the primary's revision back, or null. */
export function askedBack(at: Situation, rollout: Rollout): RollbackReason | null {
  if (at.seen.command === "rollback") return { kind: "rollbackRequested" };
  if (at.record.wanted.id === rollout.from.id) return { kind: "wantedIsPrimary" };
  return null;
}

function overdue(at: Situation, state: Progressing | Waiting): Decision | null {
  if (state.phase === "waiting") return null;
  const limitMs = at.spec.limits.rolloutMs;
  const { startedAt, heldMs } = state.rollout;
  const over = at.seen.now - startedAt - heldMs > limitMs;
  return over ? rollBack(at, state, { kind: "rolloutTooLong", limitMs }) : null;
}
