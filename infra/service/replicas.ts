import type { Assignment, RolloutSpec, ServiceOutputs, Slot } from "../contract.ts";
import type { KubernetesServiceSettings } from "../kubernetes-contract.ts";
import { canarySlot } from "./canary-slot.ts";

/**
 * Replicas of a slot that is not idle; undefined when its autoscaler decides. Only a canary is ever smaller than
 * the primary: what was primary before stays whole until it is drained, as going back gives it all requests at
 * once. A canary sized by weight has enough for the weight it gets next, so that capacity is there before the
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
): number | undefined {
  if (settings.autoscaling !== undefined) return undefined;
  if (settings.canarySize === "same" || slot !== canarySlot(assignment, previous)) {
    return settings.replicas;
  }
  const weight = Math.max(assignment.weights[slot], previous?.assignment.weights[slot] ?? 0);
  const next = spec.steps.find((step) => step.weight > weight)?.weight ?? 100;
  return Math.max(1, Math.ceil((settings.replicas * next) / 100));
}
