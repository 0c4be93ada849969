import { violations } from "../../rollout/core/invariants.ts";
import type { RollbackReason } from "../../rollout/core/reason.ts";
import { isResting, type RolloutRecord } from "../../rollout/core/state.ts";
import { bad, exiting, neverReady, slow } from "../support/world.ts";
import { behaviorOf, type Scenario, type Trouble } from "./scenario.ts";

/** Everything that is wrong with a scenario that has been simulated, one sentence each. */
export function faults(scenario: Scenario): readonly string[] {
  const { saved } = scenario;
  const last = saved.at(-1);
  if (last === undefined) return ["nothing was ever saved"];
  return [
    ...scenario.world.wrong,
    ...chain(scenario),
    ...atTheEnd(scenario, last),
    ...promotions(scenario),
    ...rollbacks(scenario),
    ...interruptions(scenario),
    ...meddling(scenario),
  ];
}

/** The invariants hold from each record on disk to the next, whoever wrote it. */
function chain({ world, troubles, saved }: Scenario): readonly string[] {
  const { spec } = world;
  // which edition of an edited spec a process had seen is not known here; the driver checks with its own
  const limits = { ...spec.limits, blindChecksMax: Infinity, attemptsMax: Infinity };
  const known = troubles.has("specEdited") ? { ...spec, failedChecksMax: Infinity, limits } : spec;
  return saved.flatMap((record, index) => violations(known, saved[index - 1] ?? null, record));
}

/** Liveness and the last word: at rest, and the world is as the record says. */
function atTheEnd({ world }: Scenario, last: RolloutRecord): readonly string[] {
  const { state, wanted, failed } = last;
  if (!isResting(state)) return [`did not come to rest: ${state.phase}`];
  const { primary, slots, weights } = state.assignment;
  const other = primary === "blue" ? "green" : "blue";
  const shown = world.shown();
  const served = slots[primary];
  const isDone = wanted.id === served?.id || wanted.id === failed?.id;
  return [
    ...(isDone ? [] : [`${wanted.name} is wanted and was neither promoted nor given up`]),
    ...(weights[primary] === 100 ? [] : ["at rest with a split"]),
    ...(shown[primary] === 100 ? [] : [`at rest and the router sends ${shown[other]} % elsewhere`]),
    ...(slots[other] === null ? [] : ["at rest and the other slot is filled"]),
    ...(JSON.stringify(world.assignment) === JSON.stringify(state.assignment)
      ? []
      : ["at rest and the stack shows something else than the record"]),
  ];
}

/** A version that measures badly is never promoted, but by a person's order. */
function promotions({ commands, saved }: Scenario): readonly string[] {
  const byOrder = commands.includes("promoteFull");
  const neverRan = [neverReady, exiting];
  const measuresBadly = [bad, slow];
  return saved.flatMap(({ state }) => {
    if (state.phase !== "promoting") return [];
    const { to } = state.rollout;
    const behavior = behaviorOf(to);
    if (neverRan.includes(behavior)) return [`${to.name} was promoted and never ran`];
    if (measuresBadly.includes(behavior) && !byOrder) return [`${to.name} was promoted`];
    return [];
  });
}

/** What can send a good version back, by the trouble it takes. */
const needs: Readonly<Record<RollbackReason["kind"], readonly (Trouble | "command" | "wish")[]>> = {
  failedChecks: ["canaryDies"],
  blindChecks: ["metricsFault", "meddling", "routerSilent"],
  canaryFailedToStart: [],
  canaryNotReady: ["canaryDies", "canaryWeak", "routerUnreachable", "applyFaults", "clockSet"],
  canaryLost: ["canaryDies", "primaryDies", "applyFaults"],
  routerSilent: ["routerSilent", "routerUnreachable", "meddling", "clockSet", "crashes"],
  splitContested: ["meddling"],
  rolloutTooLong: [
    "applyFaults",
    "metricsFault",
    "routerSilent",
    "routerUnreachable",
    "meddling",
    "canaryWeak",
    "primaryDies",
    "clockSet",
    "specEdited",
    "crashes",
    "interrupted",
    "lockStolen",
  ],
  policyViolation: ["policy"],
  applyFailed: ["applyFaults"],
  rollbackRequested: ["command"],
  wantedIsPrimary: ["wish"],
};

/** A good version goes back only for a reason that this world gives. */
function rollbacks({ troubles, commands, wishes, saved }: Scenario): readonly string[] {
  return saved.flatMap(({ state }) => {
    if (state.phase !== "failed" || behaviorOf(state.rollout.to).successRate < 99) return [];
    const { why, rollout } = state;
    if (behaviorOf(rollout.to).latencyMs > 500 || behaviorOf(rollout.to).startMs === null)
      return [];
    const given = needs[why.kind].some((need) => {
      if (need === "command") return commands.includes("rollback");
      if (need === "wish") return wishes.length > 2;
      return troubles.has(need);
    });
    return given
      ? []
      : [`${rollout.to.name} went back for ${why.kind}, which nothing here explains`];
  });
}

/** What was cut short by an interruption is not judged. */
function interruptions({ saved }: Scenario): readonly string[] {
  const checks = saved.flatMap(({ history }) => {
    const reason = history.at(-1)?.reason;
    return reason !== undefined && "check" in reason && reason.check !== null ? [reason.check] : [];
  });
  const cut = checks.filter(({ results }) => results.some(({ detail }) => detail === "aborted"));
  return cut.length > 0 ? ["a check that was interrupted was judged"] : [];
}

/** A look, the limit on reading back (which a rollback waits for), and one `up`. */
const meddledMaxMs = 2_000 + 10_000 + 6_000;

/** Where nothing else is wrong, weights that somebody moved are put back soon. */
function meddling({ world, troubles, saved }: Scenario): readonly string[] {
  const others = [...troubles].some((trouble) => trouble !== "meddling");
  const stopped = saved.some(({ history }) => history.at(-1)?.reason.kind === "gaveUp");
  if (others || stopped || world.meddledMs() <= meddledMaxMs) return [];
  return [`weights stayed moved for ${world.meddledMs()} ms`];
}
