import type { Reason } from "../core/reason.ts";
import { nextCheckAt } from "../core/schedule.ts";
import type { RolloutSpec } from "../core/spec.ts";
import { isResting, type RolloutRecord } from "../core/state.ts";
import { durationText } from "./duration-text.ts";
import { positionOf } from "./position.ts";
import { reasonText } from "./reason-text.ts";

const barCells = 20;

/** What a live line is drawn from. */
export interface LiveView {
  readonly reason: Reason;
  readonly record: RolloutRecord;
}

/** Bar of the weight, place, counters, what is awaited and for how long still: one line, uncolored. */
export function liveText(spec: RolloutSpec, view: LiveView, now: number): string {
  const { state } = view.record;
  const { place, weight } = positionOf(spec, state);
  const filled = Math.round((weight / 100) * barCells);
  const bar = `${"█".repeat(filled)}${"░".repeat(barCells - filled)}`;
  return [
    `${bar} ${`${weight} %`.padStart(5)}`,
    place.padEnd(10),
    ...counters(spec, view.record),
    awaited(spec, view, now),
  ].join("  ");
}

function counters(spec: RolloutSpec, { state }: RolloutRecord): string[] {
  if (isResting(state)) return [];
  const { failedChecks, blindChecks } = state.rollout;
  const passed =
    state.phase === "progressing" && state.step >= 0
      ? [`passed ${state.passed}/${spec.steps[state.step]?.checks ?? 0}`]
      : [];
  return [
    ...passed,
    `failed ${failedChecks}/${spec.failedChecksMax}`,
    `blind ${blindChecks}/${spec.limits.blindChecksMax}`,
  ];
}

function awaited(spec: RolloutSpec, { reason, record }: LiveView, now: number): string {
  const { pending, state } = record;
  if (pending !== null) {
    const waitMs = pending.notBefore - now;
    return waitMs > 0 ? `trying again in ${secondsText(waitMs)}` : "updating the stack";
  }
  if (reason.kind === "baking") return `kept for ${secondsText(reason.until - now)}`;
  if (isWait(reason)) return reasonText(reason, () => "");
  const due = nextCheckAt(spec, state);
  return due === null ? "" : `next check in ${secondsText(due - now)}`;
}

/** Waits with words of their own; what else is awaited is the next check. */
function isWait(reason: Reason): boolean {
  return (
    reason.kind === "waitingForReady" ||
    reason.kind === "waitingForRouter" ||
    reason.kind === "waitingForPromote" ||
    reason.kind === "draining"
  );
}

function secondsText(ms: number): string {
  return durationText(Math.max(0, Math.ceil(ms / 1_000)) * 1_000);
}
