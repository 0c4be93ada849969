import type { ResourceValidationPolicy } from "@pulumi/policy";
import { weightedLists } from "./weighted-lists.ts";

const total = 100;

/** Why a list of weights is wrong; null when it is right. */
export function faultOf(weights: readonly unknown[]): string | null {
  const shown = weights.map((weight) => JSON.stringify(weight)).join(", ");
  const whole = weights.filter(
    (weight): weight is number =>
      typeof weight === "number" && Number.isInteger(weight) && weight >= 0 && weight <= total,
  );
  if (whole.length < weights.length)
    return `${shown}: each must be a whole number from 0 to ${total}`;
  const sum = whole.reduce((before, weight) => before + weight, 0);
  return sum === total ? null : `${shown}: they add up to ${sum}, not ${total}`;
}

/** Weights are whole numbers from 0 to 100 that add up to 100. */
export const requireWholeWeights: ResourceValidationPolicy = {
  name: "require-whole-weights",
  description: "Weights of a route are whole numbers from 0 to 100 that add up to 100.",
  enforcementLevel: "mandatory",
  validateResource: ({ type, props }, reportViolation) => {
    for (const { place, weights } of weightedLists(type, props)) {
      const fault = faultOf(weights);
      if (fault !== null) reportViolation(`${place} = ${fault}`);
    }
  },
};
