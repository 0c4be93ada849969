import type { Assignment, RolloutSpec, ServiceOutputs, Slot } from "../contract.ts";
import type { KubernetesServiceSettings } from "../kubernetes-contract.ts";
import { canarySlot } from "./canary-slot.ts";

/**
 * Replicas of a slot that is not idle; with an autoscaler the fewest, below which it does not go. Only a canary is ever
 * smaller than the primary: what was primary before stays whole until it is drained, as going back gives it all requests
 * at once. Whole is what is asked for, or with an autoscaler what the primary had under all requests when the rollout
 * began. A canary sized by weight has enough for the weight it gets next, so that capacity is there before the
 * requests are: the next step's, and all of it once no step is left, as promotion follows. An update that takes
 * weight away leaves the replicas that the weight before needed: traffic goes first, capacity after. Where nobody says
 * what was before, the slot counts as no canary.
 */
export function replicasOf(
  settings: KubernetesServiceSettings,
  spec: Pick<RolloutSpec, "steps">,
  assignment: Assignment,
  slot: Slot,
  previous: ServiceOutputs | null = null,
): number {
  const whole = wholeOf(settings, assignment);
  if (settings.canarySize === "same" || slot !== canarySlot(assignment, previous)) return whole;
  const weight = Math.max(assignment.weights[slot], previous?.assignment.weights[slot] ?? 0);
  const next = spec.steps.find((step) => step.weight > weight)?.weight ?? 100;
  return Math.max(settings.autoscaling?.min ?? 1, Math.ceil((whole * next) / 100));
}

/** Replicas that can take all requests. */
function wholeOf(
  { replicas, autoscaling }: KubernetesServiceSettings,
  { capacity = 0 }: Assignment,
): number {
  if (autoscaling === undefined) return replicas;
  const { min, max } = autoscaling;
  return Math.min(max, Math.max(min, capacity));
}
