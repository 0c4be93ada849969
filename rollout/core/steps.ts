import { split } from "./assignment.ts";
import { act, type Decision, type Situation } from "./decision.ts";
import { promote } from "./promotion.ts";
import type { Reason } from "./reason.ts";
import type { RolloutSpec, Step } from "./spec.ts";
import { newSlot, rolloutWeight, stepping, type Progressing, type Waiting } from "./state.ts";

/**
 * The step that the canary's weight belongs to. Found by weight and not by index: the list may have been
 * edited in the middle of a rollout, and then the nearest lower step counts.
 */
export function currentStep(spec: RolloutSpec, state: Progressing | Waiting): Step {
  const weight = rolloutWeight(state);
  const step = spec.steps.findLast((candidate) => candidate.weight <= weight) ?? spec.steps[0];
  if (step === undefined) throw new Error("invariant: a rollout without steps");
  return step;
}

/** The step is done: the next higher weight, or after the last one promotion. The first may have weight zero. */
export function onward(at: Situation, state: Progressing | Waiting, reason: Reason): Decision {
  const weight = rolloutWeight(state);
  const isNew = state.phase === "progressing" && state.step < 0;
  const index = isNew ? 0 : at.spec.steps.findIndex((candidate) => candidate.weight > weight);
  const step = at.spec.steps[index];
  if (step === undefined) return promote(at, state, reason);
  const { rollout } = state;
  const assignment = { ...state.assignment, weights: split(newSlot(rollout), step.weight) };
  const next = stepping(rollout, assignment, at.seen.now, index);
  return act(at, next, { kind: "shiftTraffic", assignment, forward: true }, reason);
}

/** True when nothing but promotion comes after this step. */
export function isLastStep(spec: RolloutSpec, state: Progressing | Waiting): boolean {
  const weight = rolloutWeight(state);
  return !spec.steps.some((candidate) => candidate.weight > weight);
}
