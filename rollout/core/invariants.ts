import type { Assignment, Slot } from "./assignment.ts";
import type { RolloutSpec } from "./spec.ts";
import { historyMax, isResting, type RolloutRecord, type RunningState } from "./state.ts";

/**
 * What must always hold of a record and of a change of it, said a second time and apart from the code that
 * keeps it: nothing here is shared with `decide`. The driver asks before each save, the simulator after each.
 * Gives one sentence for each fault; none means all is well. `before` is null for a service's first record.
 */
export function violations(
  spec: RolloutSpec,
  before: RolloutRecord | null,
  after: RolloutRecord,
): readonly string[] {
  const faults = [
    ...ofAssignment(after.state.assignment),
    ...ofPhase(after),
    ...ofPending(after),
    ...ofHistory(after),
    ...(before === null ? [] : ofChange(spec, before, after)),
  ];
  return faults.map((fault) => `${after.service}: ${fault}`);
}

/** The sentence, if the fault is there. */
function when(isFault: boolean, sentence: string): readonly string[] {
  return isFault ? [sentence] : [];
}

const both = ["blue", "green"] as const satisfies readonly Slot[];

function ofAssignment({ primary, slots, weights, capacity }: Assignment): readonly string[] {
  return [
    ...when(weights.blue + weights.green !== 100, "weights do not add up to 100"),
    ...when(
      capacity !== undefined && (!Number.isInteger(capacity) || capacity < 1),
      `a capacity of ${capacity}`,
    ),
    ...when(slots[primary] === null, `the primary slot ${primary} is empty`),
    ...both.flatMap((slot) => [
      ...when(
        !Number.isInteger(weights[slot]) || weights[slot] < 0 || weights[slot] > 100,
        `${slot} has weight ${weights[slot]}, not an integer from 0 to 100`,
      ),
      ...when(slots[slot] === null && weights[slot] !== 0, `empty slot ${slot} has weight`),
    ]),
  ];
}

function ofPhase(record: RolloutRecord): readonly string[] {
  const { state } = record;
  if (!isResting(state)) return ofRunning(state);
  const { assignment, phase } = state;
  const { primary, slots, weights } = assignment;
  const served = slots[primary]?.id;
  return [
    ...when(record.pending !== null, `${phase} with an action pending`),
    ...when(
      phase !== "idle" && weights[primary] !== 100,
      `${phase} and the primary does not have all requests`,
    ),
    ...when(
      phase === "succeeded" && served !== state.rollout.to.id,
      "succeeded and the primary is not the new revision",
    ),
    ...when(
      phase === "failed" && served !== state.rollout.from.id,
      "failed and the primary is not the old revision",
    ),
  ];
}

/** Who is primary, what the new revision's weight is, and which slots are filled, in each running phase. */
function ofRunning(state: RunningState): readonly string[] {
  const { rollout, assignment, phase } = state;
  const { fromSlot, from, to } = rollout;
  const toSlot = fromSlot === "blue" ? "green" : "blue";
  const weight = assignment.weights[toSlot];
  const swapped = phase === "promoting" || (phase === "finalizing" && state.outcome === "promoted");
  const removing = phase === "finalizing" && state.stage === "removing";
  const emptied = removing ? (swapped ? fromSlot : toSlot) : null;
  return [
    ...when(
      assignment.primary !== (swapped ? toSlot : fromSlot),
      `${phase} with the wrong slot as primary`,
    ),
    ...when(swapped && weight !== 100, `${phase} and the new revision has weight ${weight}`),
    ...when(
      phase === "finalizing" && !swapped && weight !== 0,
      `going back and the canary has weight ${weight}`,
    ),
    ...when(
      phase === "progressing" && state.step < 0 && weight !== 0,
      `not at a step and the canary has weight ${weight}`,
    ),
    ...when(
      // the first step may be one on copies of requests
      (phase === "waiting" || phase === "progressing") && state.step >= 1 && weight === 0,
      "past the first step and the canary has no weight",
    ),
    ...both.flatMap((slot) => {
      const expected = slot === emptied ? undefined : slot === fromSlot ? from.id : to.id;
      return when(
        assignment.slots[slot]?.id !== expected,
        `${slot} holds ${assignment.slots[slot]?.id ?? "nothing"} instead of ${expected ?? "nothing"}`,
      );
    }),
    ...when(from.id === to.id, "a rollout from a revision to itself"),
    ...ofCounters(state),
  ];
}

function ofCounters(state: RunningState): readonly string[] {
  const { failedChecks, blindChecks, corrections, heldMs } = state.rollout;
  const counts = [failedChecks, blindChecks, corrections];
  return [
    ...when(
      counts.some((value) => !Number.isInteger(value) || value < 0),
      "a counter is not a count",
    ),
    ...when(heldMs < 0, "time held is negative"),
    ...when(
      state.phase === "progressing" && state.step < 0 && state.passed > 0,
      "checks passed without weight",
    ),
  ];
}

/** Save before act: what is to be done is exactly what the state intends. */
function ofPending({ state, pending }: RolloutRecord): readonly string[] {
  if (pending === null) return [];
  const intended = JSON.stringify(state.assignment);
  const { action, attempts } = pending;
  return [
    ...when(
      JSON.stringify(action.assignment) !== intended,
      `${action.kind} would not bring about what the state intends`,
    ),
    ...when(!Number.isInteger(attempts) || attempts < 0, "attempts is not a count"),
    ...when(
      state.phase === "finalizing" && action.forward,
      `${action.kind} on the way back could be stopped by a policy`,
    ),
  ];
}

function ofHistory({ history }: RolloutRecord): readonly string[] {
  return when(history.length > historyMax, `${history.length} decisions in the history`);
}

/** Phases that may follow each other directly in one rollout. */
const follows: Readonly<Record<RunningState["phase"], readonly string[]>> = {
  progressing: ["progressing", "waiting", "promoting", "finalizing"],
  waiting: ["waiting", "progressing", "promoting", "finalizing"],
  promoting: ["promoting", "finalizing"],
  finalizing: ["finalizing", "succeeded", "failed"],
};

function ofChange(
  spec: RolloutSpec,
  before: RolloutRecord,
  after: RolloutRecord,
): readonly string[] {
  const [old, now] = [before.state, after.state];
  if (isResting(old)) return fromRest(old.assignment, after);
  if (now.phase === "idle") return ["a running rollout was forgotten"];
  if (now.rollout.id !== old.rollout.id) return fromOther(old, after);
  if (!follows[old.phase].includes(now.phase)) return [`${now.phase} after ${old.phase}`];
  const [counted, counts] = [old.rollout, now.rollout];
  return [
    ...when(counts.failedChecks < counted.failedChecks, "failed checks were forgotten"),
    ...when(counts.corrections < counted.corrections, "corrections were forgotten"),
    ...when(counts.heldMs < counted.heldMs, "time held was forgotten"),
    ...(isResting(now)
      ? []
      : [
          ...ofLimits(spec, old, now),
          ...ofStepping(old, now),
          ...ofRemoving(old, now),
          ...when(
            both.every((slot) => now.assignment.slots[slot] !== null) &&
              now.assignment.capacity !== old.assignment.capacity,
            "the capacity changed while both slots are filled",
          ),
          ...when(
            now.phase === "promoting" && old.phase !== "promoting" && !isEarned(old, after),
            "promoted without a confirmed split and a passed check or a person's order",
          ),
        ]),
  ];
}

/** A counter that rises to its limit ends the way forward. */
function ofLimits(spec: RolloutSpec, old: RunningState, now: RunningState): readonly string[] {
  if (now.phase === "finalizing" && now.outcome === "rolledBack") return [];
  const [was, is] = [old.rollout, now.rollout];
  const full = (name: "failedChecks" | "blindChecks" | "corrections", max: number): boolean =>
    is[name] > was[name] && is[name] > max;
  return [
    ...when(full("failedChecks", spec.failedChecksMax - 1), "too many failed checks to go on"),
    ...when(full("blindChecks", spec.limits.blindChecksMax - 1), "too many blind checks to go on"),
    ...when(full("corrections", spec.limits.attemptsMax), "too many corrections to go on"),
  ];
}

function isEarned(old: RunningState, { history }: RolloutRecord): boolean {
  const reason = history.at(-1)?.reason;
  return (
    old.confirmedAt !== null &&
    (reason?.kind === "promoteRequested" ||
      (reason?.kind === "stepPassed" && reason.check?.verdict === "pass"))
  );
}

/** A rollout begins at weight zero, from what the primary was. */
function fromRest(rest: Assignment, after: RolloutRecord): readonly string[] {
  const { state } = after;
  if (isResting(state)) return [];
  const { fromSlot, from } = state.rollout;
  return [
    ...when(
      state.phase !== "progressing" || state.step >= 0,
      `a rollout began in ${state.phase} with weight`,
    ),
    ...when(
      fromSlot !== rest.primary || from.id !== rest.slots[rest.primary]?.id,
      "a rollout began from something else than the primary",
    ),
  ];
}

/** Another rollout takes the place of one under way only before its promotion and without weight. */
function fromOther(old: RunningState, after: RolloutRecord): readonly string[] {
  const { state } = after;
  const { fromSlot } = old.rollout;
  return [
    ...when(
      old.phase !== "progressing" || old.assignment.weights[fromSlot] !== 100,
      `a new revision took the place of a canary in ${old.phase} with weight`,
    ),
    ...when(old.confirmedAt === null, "a canary was replaced before the router let go of it"),
    ...when(
      state.phase !== "progressing" || state.step >= 0 || state.rollout.fromSlot !== fromSlot,
      "a rollout was replaced by one that does not begin at weight zero",
    ),
  ];
}

/** The canary's weight only rises, at confirmed splits, or falls to zero. */
function ofStepping(old: RunningState, now: RunningState): readonly string[] {
  const slot = old.rollout.fromSlot === "blue" ? "green" : "blue";
  const weight = now.assignment.weights[slot];
  const was = old.assignment.weights[slot];
  return [
    ...when(weight < was && weight !== 0, `the canary's weight fell from ${was} to ${weight}`),
    ...when(
      weight > was && old.confirmedAt === null && !(old.phase === "progressing" && old.step < 0),
      `the canary's weight rose from ${was} to ${weight} before the router showed ${was}`,
    ),
    ...when(
      old.phase === "finalizing" && old.outcome === "rolledBack" && weight > 0,
      "a rollback turned around",
    ),
  ];
}

/** A slot is emptied only after the router was seen without it. */
function ofRemoving(old: RunningState, now: RunningState): readonly string[] {
  const emptied = both.filter(
    (slot) => old.assignment.slots[slot] !== null && now.assignment.slots[slot] === null,
  );
  return emptied.flatMap((slot) => [
    ...when(old.assignment.weights[slot] !== 0, `${slot} was removed while it had weight`),
    ...when(old.confirmedAt === null, `${slot} was removed before the router let go of it`),
  ]);
}
