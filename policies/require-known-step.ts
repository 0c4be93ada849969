import type { StackValidationPolicy } from "@pulumi/policy";
import { movesWeights, serviceRollouts, slots, type ServiceRollout } from "./service-rollout.ts";

interface Config {
  readonly otherWeights?: readonly number[];
}

/** Why the weight that an update gives the canary is none of its steps; null when it is one. */
export function stepFault(rollout: ServiceRollout, otherWeights: readonly number[]): string | null {
  // weights that stay are those of a step that was known when they were given
  if (!movesWeights(rollout)) return null;
  const { after, steps } = rollout;
  const canary = slots.find((slot) => slot !== after.primary);
  if (canary === undefined) return null;
  const { weight } = after.slots[canary];
  // 0 is the way back, and after a promotion the old slot's
  if ([0, ...steps, ...otherWeights].includes(weight)) return null;
  return `the canary in ${canary} gets weight ${weight}, and the steps are ${steps.join(", ")}: add it to upramp:rollout.steps, or let \`upramp run\` move the weights`;
}

/** A canary gets the weight of one of its steps. */
export const requireKnownStep: StackValidationPolicy = {
  name: "require-known-step",
  description: "A canary gets the weight of one of its steps, and no other.",
  enforcementLevel: "mandatory",
  configSchema: {
    properties: {
      otherWeights: {
        type: "array",
        items: { type: "integer", minimum: 1, maximum: 100 },
        default: [],
        description: "Weights that are right although no step has them.",
      },
    },
  },
  validateStack: (args, reportViolation) => {
    const { otherWeights = [] } = args.getConfig<Config>();
    for (const rollout of serviceRollouts(args.resources)) {
      const fault = stepFault(rollout, otherWeights);
      if (fault !== null) reportViolation(fault, rollout.urn);
    }
  },
};
