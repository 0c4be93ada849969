import { isBlind } from "./analysis.ts";
import { allTo, emptied } from "./assignment.ts";
import { refuse } from "./commands.ts";
import { count } from "./counters.ts";
import { act, finish, wait, type Decision, type Situation } from "./decision.ts";
import { rollBack } from "./going-back.ts";
import { isWhole, lost, readinessOf } from "./observation.ts";
import { awaitRouter, confirm, drift } from "./read-back.ts";
import type { Reason } from "./reason.ts";
import { watchMs } from "./schedule.ts";
import {
  newSlot,
  type Action,
  type FinalizingPromoted,
  type Progressing,
  type Promoting,
  type Waiting,
} from "./state.ts";

/** `promote --full`: a person's order in place of the remaining checks; a canary that is not whole refuses it. */
export function promoteNow(at: Situation, state: Progressing | Waiting): Decision {
  const canary = readinessOf(at.seen, newSlot(state.rollout));
  return isWhole(canary)
    ? promote(at, state, { kind: "promoteRequested", full: true })
    : refuse(at, "promoteFull", "the canary is not fully ready");
}

/** Roles swap and all requests go to the new revision in one change; the old slot stays as the way back. */
export function promote(at: Situation, state: Progressing | Waiting, reason: Reason): Decision {
  const { rollout } = state;
  const primary = newSlot(rollout);
  const assignment = { ...state.assignment, primary, weights: allTo(primary) };
  const next: Promoting = {
    phase: "promoting",
    rollout,
    assignment,
    since: at.seen.now,
    confirmedAt: null,
    lastCheckAt: null,
  };
  return act(at, next, { kind: "promote", assignment, forward: true }, reason);
}

/** All requests were sent to the new revision; the router has to acknowledge it. */
export function whilePromoting(at: Situation, state: Promoting): Decision {
  const died = lost(readinessOf(at.seen, newSlot(state.rollout)));
  if (died !== null) return rollBack(at, state, died);
  const silent = awaitRouter(at, state);
  if (silent !== null) return silent;
  const next: FinalizingPromoted = {
    ...state,
    phase: "finalizing",
    outcome: "promoted",
    stage: "baking",
    confirmedAt: at.seen.now,
  };
  return wait(at, next, { kind: "promoted" }, watchMs);
}

/** Bakes, then removes the old slot. Until that is begun, going back is one change. */
export function whilePromoted(at: Situation, state: FinalizingPromoted): Decision {
  const { rollout, assignment } = state;
  if (state.stage === "removing") {
    const done = { phase: "succeeded", assignment, rollout, finishedAt: at.seen.now } as const;
    return finish(at, { ...at.record, failed: null }, done, { kind: "bakeOver" });
  }
  const died = lost(readinessOf(at.seen, newSlot(rollout)));
  if (died !== null) return rollBack(at, state, died);
  if (state.confirmedAt === null) return confirm(at, state);
  return drift(at, state) ?? bake(at, state, state.confirmedAt);
}

function bake(at: Situation, state: FinalizingPromoted, confirmedAt: number): Decision {
  const { now, check } = at.seen;
  const until = confirmedAt + Math.max(at.spec.bakeMs, at.spec.drainMs);
  const leftMs = Math.max(0, until - now);
  let next = state;
  if (check !== null) {
    // Already promoted on measured data: a blind check is no reason to go back now and does not count.
    const counted = isBlind(check) ? null : count(at, state, check);
    if (counted?.kind === "limit") return rollBack(at, counted.state, counted.why);
    next = counted?.state ?? { ...state, lastCheckAt: check.at };
    if (check.verdict === "fail" && counted !== null) {
      return wait(at, next, counted.reason, Math.min(watchMs, leftMs));
    }
  }
  return leftMs > 0
    ? wait(at, next, { kind: "baking", until, check }, Math.min(watchMs, leftMs))
    : removeOld(at, next);
}

function removeOld(at: Situation, state: FinalizingPromoted): Decision {
  const assignment = emptied(state.assignment, state.rollout.fromSlot);
  const next: FinalizingPromoted = { ...state, assignment, since: at.seen.now, stage: "removing" };
  const action: Action = { kind: "removeOld", assignment, forward: false };
  return act(at, next, action, { kind: "bakeOver" });
}
