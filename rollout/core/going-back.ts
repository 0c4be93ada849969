import { allTo, emptied } from "./assignment.ts";
import { act, finish, stop, wait, type Decision, type Situation } from "./decision.ts";
import { isDead, readinessOf, shows, wantedAndSeen } from "./observation.ts";
import type { Reason, RollbackReason } from "./reason.ts";
import { pollMs } from "./schedule.ts";
import {
  newSlot,
  rolloutWeight,
  type Finalizing,
  type FinalizingRolledBack,
  type Progressing,
  type Promoting,
  type RunningState,
  type Waiting,
} from "./state.ts";

/** Requests first, capacity after. */
export function rollBack(
  at: Situation,
  state: Progressing | Waiting | Promoting | Finalizing,
  why: RollbackReason,
): Decision {
  // a person's order stands
  if (why.kind !== "rollbackRequested" && goingBackIsWorse(at, state)) {
    return stop(at, at.record, { kind: "primaryLost", why });
  }
  const { rollout } = state;
  // whoever asks for the way back does not want a newer revision instead
  const wanted = why.kind === "rollbackRequested" ? rollout.to : at.record.wanted;
  const asked = { ...at, record: { ...at.record, wanted } };
  const weights = allTo(rollout.fromSlot);
  const assignment = { ...state.assignment, primary: rollout.fromSlot, weights };
  const next: FinalizingRolledBack = {
    phase: "finalizing",
    outcome: "rolledBack",
    stage: "shifting",
    why,
    rollout,
    assignment,
    since: at.seen.now,
    confirmedAt: null,
    lastCheckAt: null,
    corrections: 0,
  };
  // where no request went to the canary, none has to be moved
  const nothingToMove = state.phase === "progressing" && state.step < 0 && shows(at.seen, weights);
  if (nothingToMove) return wait(asked, next, why, pollMs);
  return act(asked, next, { kind: "shiftTraffic", assignment, forward: false }, why);
}

/** A canary that serves, though badly, is better than a primary that is gone. */
export function goingBackIsWorse(at: Situation, state: RunningState): boolean {
  if (rolloutWeight(state) === 0) return false;
  const canary = readinessOf(at.seen, newSlot(state.rollout));
  const primary = readinessOf(at.seen, state.rollout.fromSlot);
  return isDead(primary) && canary !== null && canary.ready > 0;
}

/** On the way back: the router has to show it, requests under way get time to end, then the canary is removed. */
export function whileRolledBack(at: Situation, state: FinalizingRolledBack): Decision {
  if (state.stage === "removing") return rolledBack(at, state);
  const { now } = at.seen;
  const { weights } = state.assignment;
  if (!shows(at.seen, weights)) return insist(at, state);
  if (state.confirmedAt === null) {
    const next = { ...state, confirmedAt: now };
    return wait(at, next, { kind: "routerConfirmed", weights }, pollMs);
  }
  const leftMs = state.confirmedAt + at.spec.drainMs - now;
  return leftMs > 0
    ? wait(at, state, { kind: "draining" }, Math.min(pollMs, leftMs))
    : removeCanary(at, state);
}

/** The router does not show the way back: send it again, and stop for a person when that does not help. */
function insist(at: Situation, state: FinalizingRolledBack): Decision {
  const { now, weights: seen } = at.seen;
  const { assignment } = state;
  const reason: Reason = {
    kind: "waitingForRouter",
    ...wantedAndSeen(at.seen, assignment.weights),
  };
  if (state.confirmedAt !== null && seen === null) {
    // it was there and cannot be read any more: asked anew, with the whole time to answer
    return wait(at, { ...state, since: now, confirmedAt: null }, reason, pollMs);
  }
  const moved = state.confirmedAt !== null;
  if (!moved && now - state.since <= at.spec.limits.readBackMs) {
    return wait(at, state, reason, pollMs);
  }
  const again = { ...state, since: now, confirmedAt: null };
  const corrections = state.corrections + 1;
  if (corrections >= at.spec.limits.attemptsMax) {
    const message = "the router does not show the split that was sent";
    const kept = { ...at.record, state: { ...again, corrections: 0 } };
    return stop(at, kept, {
      kind: "gaveUp",
      action: "shiftTraffic",
      message,
      attempts: corrections,
    });
  }
  const action = { kind: "correctDrift", assignment, forward: false } as const;
  return act(at, { ...again, corrections }, action, reason);
}

function removeCanary(at: Situation, state: FinalizingRolledBack): Decision {
  const assignment = emptied(state.assignment, newSlot(state.rollout));
  const next: FinalizingRolledBack = {
    ...state,
    assignment,
    since: at.seen.now,
    stage: "removing",
  };
  const action = { kind: "removeCanary", assignment, forward: false } as const;
  return act(at, next, action, { kind: "drained" });
}

/** The revision is remembered as failed, so that it is not tried again until the wish changes. */
function rolledBack(at: Situation, state: FinalizingRolledBack): Decision {
  const { why, rollout, assignment } = state;
  const { id, name } = rollout.to;
  const failed = why.kind === "wantedIsPrimary" ? at.record.failed : { id, name, why };
  const done = { phase: "failed", assignment, rollout, why, finishedAt: at.seen.now } as const;
  return finish(at, { ...at.record, failed }, done, { kind: "rolledBack", why });
}
