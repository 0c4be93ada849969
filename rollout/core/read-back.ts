import { act, wait, type Decision, type Situation } from "./decision.ts";
import { goingBackIsWorse, rollBack } from "./going-back.ts";
import { shows, wantedAndSeen } from "./observation.ts";
import { pollMs, watchMs } from "./schedule.ts";
import type { FinalizingPromoted, Progressing, Promoting, Waiting } from "./state.ts";

/** Takes the router's acknowledgement, waits for it, or goes back when it does not come. */
export function confirm(
  at: Situation,
  state: Progressing | Waiting | FinalizingPromoted,
): Decision {
  const silent = awaitRouter(at, state);
  if (silent !== null) return silent;
  const { weights } = state.assignment;
  const next = { ...state, confirmedAt: at.seen.now };
  return wait(at, next, { kind: "routerConfirmed", weights }, watchMs);
}

/** Null when the router shows the intended split; else the wait, or the way back after too long. */
export function awaitRouter(
  at: Situation,
  state: Progressing | Waiting | Promoting | FinalizingPromoted,
): Decision | null {
  const want = state.assignment.weights;
  if (shows(at.seen, want)) return null;
  const waitedMs = at.seen.now - state.since;
  const seen = wantedAndSeen(at.seen, want);
  return waitedMs > at.spec.limits.readBackMs
    ? rollBack(at, state, { kind: "routerSilent", ...seen, waitedMs })
    : wait(at, state, { kind: "waitingForRouter", ...seen }, pollMs);
}

/**
 * Somebody else moved the weights of a confirmed split: they are put back, and what counts at this split begins anew.
 * Not for ever: two that pull at one router help nobody; but never does a primary that is gone get requests for it.
 */
export function drift(
  at: Situation,
  state: Progressing | Waiting | FinalizingPromoted,
): Decision | null {
  const { assignment, rollout } = state;
  const want = assignment.weights;
  const { now, weights: seen } = at.seen;
  if (seen === null || shows(at.seen, want)) return null;
  const { corrections } = rollout;
  const max = at.spec.limits.attemptsMax;
  if (corrections >= max && !goingBackIsWorse(at, state)) {
    return rollBack(at, state, { kind: "splitContested", want, seen, corrections });
  }
  const anew = {
    ...(state.phase === "progressing" ? { ...state, passed: 0 } : state),
    rollout: { ...rollout, corrections: Math.min(max, corrections + 1) },
    since: now,
    confirmedAt: null,
    lastCheckAt: null,
  };
  const action = { kind: "correctDrift", assignment, forward: false } as const;
  return act(at, anew, action, { kind: "drift", want, seen });
}
