import type { ResourceValidationPolicy } from "@pulumi/policy";
import { texts } from "./config-schemas.ts";
import { exemptions, isExempt } from "./exemptions.ts";
import { at } from "./properties.ts";
import { containersOf, podOf, workloadKinds } from "./workload-pods.ts";

interface Config {
  readonly probes?: readonly string[];
  readonly exemptKinds?: readonly string[];
}

const defaults = { probes: ["readinessProbe"], exemptKinds: ["Pod", "Job", "CronJob"] } as const;

/** A container says when it may get requests. */
export const requireProbes: ResourceValidationPolicy = {
  name: "require-probes",
  description:
    "A container says when it is ready: without a probe a canary counts as ready while it still starts.",
  enforcementLevel: "mandatory",
  configSchema: {
    properties: {
      ...exemptions,
      exemptKinds: {
        ...texts("Kinds that the rule leaves out.", defaults.exemptKinds),
        items: { type: "string", enum: [...workloadKinds] },
      },
      probes: {
        ...texts("Probes that a container must have.", defaults.probes),
        items: { type: "string", enum: ["readinessProbe", "livenessProbe", "startupProbe"] },
      },
    },
  },
  validateResource: (args, reportViolation) => {
    const { probes = defaults.probes, exemptKinds = defaults.exemptKinds } =
      args.getConfig<Config>();
    const pod = podOf(args.type, args.props);
    if (pod === null || exemptKinds.includes(pod.kind) || isExempt(args)) return;
    for (const { place, container } of containersOf(pod)) {
      for (const probe of probes) {
        if (at(container, probe) !== undefined) continue;
        reportViolation(`${place} has no ${probe}: say how it is asked`);
      }
    }
  },
};
