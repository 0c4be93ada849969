import type { StackValidationPolicy } from "@pulumi/policy";
import { serviceRollouts } from "./service-rollout.ts";

/** A canary is never what the primary runs already. */
export const forbidRevisionInBothSlots: StackValidationPolicy = {
  name: "forbid-revision-in-both-slots",
  description:
    "Primary and canary never run the same revision: comparing them would prove nothing.",
  enforcementLevel: "mandatory",
  validateStack: ({ resources }, reportViolation) => {
    for (const { after, urn } of serviceRollouts(resources)) {
      const { blue, green } = after.slots;
      if (blue.revision === null || blue.revision !== green.revision) continue;
      reportViolation(`blue and green both run ${blue.name}: leave one empty`, urn);
    }
  },
};
