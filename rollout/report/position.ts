import type { Reason } from "../core/reason.ts";
import type { RolloutSpec } from "../core/spec.ts";
import { rolloutWeight, type HistoryEntry, type RolloutState } from "../core/state.ts";

/** Where a rollout is, in one or two words, and the weight of the new revision there in percent. */
export interface Position {
  readonly place: string;
  readonly weight: number;
}

/** Where the state is now. */
export function positionOf(spec: RolloutSpec, state: RolloutState): Position {
  return { place: placeOf(spec, state), weight: rolloutWeight(state) };
}

/**
 * Where a decision was taken. The state after a passed step is the next one already; its check belongs to the
 * step that passed.
 */
export function decidedAt(spec: RolloutSpec, state: RolloutState, reason: Reason): Position {
  const passed = passedStep(spec, reason);
  return passed ?? positionOf(spec, state);
}

/** Where a remembered decision was taken. */
export function entryPosition(spec: RolloutSpec, entry: HistoryEntry): Position {
  const { phase, step, weight, reason } = entry;
  const passed = passedStep(spec, reason);
  if (passed !== null) return passed;
  if (step !== null) return { place: stepPlace(spec, phase, step), weight };
  if (phase === "finalizing") return { place: weight === 0 ? "going back" : "baking", weight };
  return { place: phase, weight };
}

function passedStep(spec: RolloutSpec, reason: Reason): Position | null {
  if (reason.kind !== "stepPassed") return null;
  const weight = spec.steps[reason.step]?.weight;
  return weight === undefined
    ? null
    : { place: stepPlace(spec, "progressing", reason.step), weight };
}

function placeOf(spec: RolloutSpec, state: RolloutState): string {
  switch (state.phase) {
    case "idle":
    case "promoting":
    case "succeeded":
    case "failed":
      return state.phase;
    case "progressing":
    case "waiting":
      return stepPlace(spec, state.phase, state.step);
    case "finalizing":
      return finalizingPlace(state.outcome, state.stage);
  }
}

function stepPlace(spec: RolloutSpec, phase: HistoryEntry["phase"], step: number): string {
  if (step < 0) return "deploying";
  return `${phase === "waiting" ? "hold" : "step"} ${step + 1}/${spec.steps.length}`;
}

function finalizingPlace(
  outcome: "promoted" | "rolledBack",
  stage: "baking" | "removing" | "shifting",
): string {
  if (stage === "removing") return "removing";
  return outcome === "promoted" ? "baking" : "going back";
}
