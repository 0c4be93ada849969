import {
  primaryRevision,
  slots,
  type Assignment,
  type Revision,
  type Slot,
} from "../core/assignment.ts";
import { nextCheckAt } from "../core/schedule.ts";
import type { RolloutSpec } from "../core/spec.ts";
import { isResting, type RolloutRecord } from "../core/state.ts";
import type { LockHolder, Traffic } from "../ports.ts";
import { plainText } from "./plain-text.ts";
import { positionOf } from "./position.ts";
import { actionText, causeText, reasonText } from "./reason-text.ts";

/** Everything `upramp status` looked at. */
export interface StatusView {
  readonly outputs: {
    readonly assignment: Assignment;
    readonly configured: Revision;
    readonly endpoint: string | undefined;
    readonly logs: readonly string[];
  };
  readonly spec: RolloutSpec;
  /** Null when no rollout was ever driven. */
  readonly record: RolloutRecord | null;
  readonly traffic: Traffic;
  /** Who drives now; null when nobody does. */
  readonly holder: LockHolder | null;
}

/** Where a service stands and what happens next, for people. */
export function statusText(view: StatusView): string {
  const rows: readonly (readonly [string, string])[] = [
    ["state", stateText(view)],
    ...slots.map((slot) => [slot, slotText(view, slot)] as const),
    ...obstacleText(view),
    ...lastText(view),
    ["driver", view.holder === null ? "none" : driverText(view.holder)],
    ["next", nextText(view)],
    ["endpoint", view.outputs.endpoint ?? "not known to the stack"],
    ...view.outputs.logs.map((log, index) => [index === 0 ? "logs" : "", log] as const),
  ];
  const width = Math.max(...rows.map(([name]) => name.length));
  return rows.map(([name, text]) => `${name.padEnd(width)}  ${plainText(text)}`).join("\n");
}

/** Why the router or the workloads cannot be read. */
function obstacleText({ traffic }: StatusView): readonly (readonly [string, string])[] {
  return traffic.obstacle === undefined ? [] : [["router", traffic.obstacle]];
}

function stateText({ record, spec, outputs }: StatusView): string {
  if (record === null)
    return `never rolled out; ${primaryRevision(outputs.assignment).name} serves`;
  const { state } = record;
  if (state.phase === "idle") return `idle; ${primaryRevision(state.assignment).name} serves`;
  const { rollout } = state;
  const names = `${rollout.from.name} → ${rollout.to.name}`;
  if (state.phase === "succeeded") return `${names} promoted at ${when(state.finishedAt)}`;
  if (state.phase === "failed") {
    return `${names} rolled back at ${when(state.finishedAt)}: ${causeText(state.why)}`;
  }
  const { place, weight } = positionOf(spec, state);
  const { failedChecks, blindChecks } = rollout;
  return (
    `${names}: ${place}, ${weight} %, since ${when(rollout.startedAt)}; ` +
    `failed ${failedChecks} of ${spec.failedChecksMax}, blind ${blindChecks} of ${spec.limits.blindChecksMax}`
  );
}

/** What runs in a slot, as the stack says, and what it gets, as the router says. */
function slotText({ outputs, traffic }: StatusView, slot: Slot): string {
  const { assignment } = outputs;
  const revision = assignment.slots[slot];
  if (revision === null) return "empty";
  const role = assignment.primary === slot ? "primary" : "canary";
  const asked = assignment.weights[slot];
  const seen = traffic.weights?.[slot];
  const weight =
    seen === undefined
      ? `${asked} % asked for, the router shows no split`
      : seen === asked
        ? `${seen} %`
        : `${asked} % asked for, the router shows ${seen} %`;
  const ready = traffic.ready?.[slot];
  const readiness =
    ready === undefined ? "readiness unknown" : `${ready.ready} of ${ready.wanted} ready`;
  return `${revision.name} (${role}): ${weight}, ${readiness}`;
}

function lastText({ record }: StatusView): (readonly [string, string])[] {
  const last = record?.history.at(-1);
  if (last === undefined) return [];
  return [["last", `${when(last.at)} ${reasonText(last.reason, when)}`]];
}

function driverText({ who, since }: LockHolder): string {
  return `${who}, since ${when(since)}`;
}

function nextText(view: StatusView): string {
  const { record, outputs, spec, holder } = view;
  const primary = primaryRevision(outputs.assignment);
  const wanted = wantedOf(view);
  if (record === null || (isResting(record.state) && record.pending === null)) {
    if (wanted.id === primary.id) return "nothing to do";
    if (record?.failed?.id === wanted.id) {
      return `${wanted.name} is remembered as failed: change it, or \`upramp run --retry\``;
    }
    return `\`upramp run\` rolls out ${wanted.name}`;
  }
  const { state, pending } = record;
  if (holder === null) {
    const first = pending === null ? "" : `, first ${actionText(pending.action.kind)}`;
    return `nobody drives: \`upramp run\` goes on${first}; \`upramp rollback\` goes back`;
  }
  if (pending !== null)
    return `${actionText(pending.action.kind)}, attempt ${pending.attempts + 1}`;
  if (state.phase === "waiting") return "`upramp promote` goes on, `upramp rollback` goes back";
  const due = nextCheckAt(spec, state);
  return due === null ? "the driver goes on by itself" : `check at ${when(due)}`;
}

/** A configuration that changed since the driver last looked is the wish. */
function wantedOf({ record, outputs }: StatusView): Revision {
  const { configured } = outputs;
  return record === null || record.configured !== configured.id ? configured : record.wanted;
}

/** Local date and time, as people compare it with their watch. */
function when(at: number): string {
  return new Date(at).toLocaleString("sv-SE");
}
