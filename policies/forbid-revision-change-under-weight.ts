import type { StackValidationPolicy } from "@pulumi/policy";
import { serviceRollouts, slots, type ServiceRollout, type Slot } from "./service-rollout.ts";

/** Slots whose revision an update changes although they have requests before it or after it. */
export function replacedUnderWeight({ before, after }: ServiceRollout): readonly Slot[] {
  if (before === null) return [];
  return slots.filter((slot) => {
    const [was, is] = [before.slots[slot], after.slots[slot]];
    return was.revision !== is.revision && (was.weight > 0 || is.weight > 0);
  });
}

/**
 * What runs in a slot changes only while nobody is sent there: the primary's revision never, the canary's before its
 * first weight. So no update both moves requests and changes what answers them.
 */
export const forbidRevisionChangeUnderWeight: StackValidationPolicy = {
  name: "forbid-revision-change-under-weight",
  description:
    "No update changes what a slot runs together with its weight, or while it gets requests.",
  enforcementLevel: "mandatory",
  validateStack: ({ resources }, reportViolation) => {
    for (const rollout of serviceRollouts(resources)) {
      const { before, after, urn } = rollout;
      for (const slot of replacedUnderWeight(rollout)) {
        const [was, is] = [before?.slots[slot], after.slots[slot]];
        reportViolation(
          `${slot} changes from ${was?.name} to ${is.name} while its weight goes from ${was?.weight} to ${is.weight}: ` +
            "change what it runs at weight 0, in an update of its own",
          urn,
        );
      }
    }
  },
};
