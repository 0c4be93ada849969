import { allTo, primaryRevision, type Assignment } from "./assignment.ts";
import { act, nothingToDo, type Decision, type Situation } from "./decision.ts";
import { readinessOf } from "./observation.ts";
import type { Reason } from "./reason.ts";
import { deploying, newSlot, type RestingState, type Rollout } from "./state.ts";

/** Nothing is under way: begins when something else than the primary is wanted and has not failed before. */
export function atRest(at: Situation, { assignment }: RestingState): Decision {
  const { wanted, failed } = at.record;
  const primary = primaryRevision(assignment);
  if (wanted.id === primary.id) return nothingToDo(at, { kind: "upToDate" });
  if (failed?.id === wanted.id) {
    return nothingToDo(at, {
      kind: "alreadyFailed",
      revision: wanted.name,
      why: failed.why.kind,
    });
  }
  return begin(at, assignment, { kind: "newRevision", from: primary.name, to: wanted.name });
}

/** Brings up the wanted revision in the free slot, without weight. */
export function begin(at: Situation, from: Assignment, reason: Reason): Decision {
  const { now } = at.seen;
  const to = at.record.wanted;
  const fromSlot = from.primary;
  const rollout: Rollout = {
    id: `${to.id}-${now}`,
    startedAt: now,
    fromSlot,
    from: primaryRevision(from),
    to,
    failedChecks: 0,
    blindChecks: 0,
    corrections: 0,
    heldMs: 0,
  };
  // whoever restarts has it already, should nobody be able to count now
  const counted = readinessOf(at.seen, fromSlot)?.wanted ?? 0;
  const capacity = counted > 0 ? counted : from.capacity;
  const assignment = {
    primary: fromSlot,
    slots: { ...from.slots, [newSlot(rollout)]: to },
    weights: allTo(fromSlot),
    ...(capacity === undefined ? {} : { capacity }),
  };
  const action = { kind: "deployCanary", assignment, forward: true } as const;
  return act(at, deploying(rollout, assignment, now), action, reason);
}
