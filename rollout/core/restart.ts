import { allTo, sameWeights } from "./assignment.ts";
import { begin } from "./at-rest.ts";
import { act, wait, type Decision, type Situation } from "./decision.ts";
import { awaitRouter } from "./read-back.ts";
import { pollMs } from "./schedule.ts";
import { deploying, type Progressing, type Waiting } from "./state.ts";

/**
 * A new revision in the middle: requests leave the canary first, those under way get time to end, and only
 * then is it replaced. A new rollout begins at weight zero.
 */
export function restart(at: Situation, state: Progressing | Waiting): Decision {
  const { now } = at.seen;
  const { rollout, assignment } = state;
  const home = allTo(rollout.fromSlot);
  const reason = {
    kind: "revisionChanged",
    from: rollout.to.name,
    to: at.record.wanted.name,
  } as const;
  if (!sameWeights(assignment.weights, home)) {
    const next = deploying(rollout, { ...assignment, weights: home }, now);
    const action = { kind: "shiftTraffic", assignment: next.assignment, forward: false } as const;
    return act(at, next, action, reason);
  }
  const silent = awaitRouter(at, state);
  if (silent !== null) return silent;
  const confirmedAt = state.confirmedAt ?? now;
  if (state.confirmedAt === null || now - confirmedAt < at.spec.drainMs) {
    return wait(at, { ...state, confirmedAt }, { kind: "draining" }, pollMs);
  }
  return begin(at, assignment, reason);
}
