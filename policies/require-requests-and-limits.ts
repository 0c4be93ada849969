import type { ResourceValidationPolicy } from "@pulumi/policy";
import { texts } from "./config-schemas.ts";
import { exemptions, isExempt } from "./exemptions.ts";
import { at } from "./properties.ts";
import { containersOf, podOf } from "./workload-pods.ts";

interface Config {
  readonly required?: readonly string[];
}

const kinds = ["requests", "limits"] as const;
const names = ["cpu", "memory", "ephemeral-storage"] as const;

/** A limit of processor time is left to choice: it slows a container down where nothing is short. */
const required = ["requests.cpu", "requests.memory", "limits.memory"] as const;

/** Whether a container, or its pod as a whole, says an amount. Kubernetes takes a limit for a missing request. */
function isSaid(holders: readonly unknown[], amount: string): boolean {
  const [kind = "", name = ""] = amount.split(".");
  const places = kind === "requests" ? kinds : [kind];
  return holders.some((holder) =>
    places.some((place) => at(holder, "resources", place, name) !== undefined),
  );
}

/** A container says what it needs and what it may take. */
export const requireRequestsAndLimits: ResourceValidationPolicy = {
  name: "require-requests-and-limits",
  description:
    "A container says what it needs and may take: else a canary is judged by what its neighbors leave it.",
  enforcementLevel: "mandatory",
  configSchema: {
    properties: {
      ...exemptions,
      required: {
        ...texts("Amounts that a container must state.", required),
        items: {
          type: "string",
          enum: kinds.flatMap((kind) => names.map((name) => `${kind}.${name}`)),
        },
      },
    },
  },
  validateResource: (args, reportViolation) => {
    const pod = podOf(args.type, args.props);
    if (pod === null || isExempt(args)) return;
    const wanted = args.getConfig<Config>().required ?? required;
    for (const { place, container } of containersOf(pod)) {
      const missing = wanted.filter((amount) => !isSaid([container, pod.spec], amount));
      if (missing.length === 0) continue;
      const list = missing.map((amount) => `resources.${amount}`).join(", ");
      reportViolation(`${place} lacks ${list}: state them`);
    }
  },
};
