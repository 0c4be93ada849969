import type { Slot } from "../contract.ts";
import type { PodTemplate, WorkloadContent } from "../kubernetes-contract.ts";
import { revisionAnnotation, serviceLabels, slotLabels } from "./kubernetes-names.ts";

/**
 * The pod template of a slot as it is applied: as written, with defaults laid under it. A revision names the version of
 * these rules that it was made with. Rules of a version are never changed: that would restart the pods of
 * every primary at the next `pulumi up`, past any rollout.
 */
export function renderPod(
  service: string,
  slot: Slot,
  revisionId: string,
  { rendering, template }: Pick<WorkloadContent, "rendering" | "template">,
): PodTemplate {
  switch (rendering) {
    case 1:
      return version1(service, slot, revisionId, template);
  }
}

/** Time in which the router learns that a pod leaves, while the pod still answers. */
const leaveSeconds = 1;

function version1(
  service: string,
  slot: Slot,
  revisionId: string,
  { metadata, spec, ...more }: PodTemplate,
): PodTemplate {
  const grace = spec["terminationGracePeriodSeconds"];
  // Kubernetes refuses a pod that is to sleep longer than it may take to end
  const hasTime = typeof grace !== "number" || grace >= leaveSeconds;
  return {
    ...more,
    metadata: {
      ...metadata,
      labels: { ...metadata?.labels, ...serviceLabels(service), ...slotLabels(service, slot) },
      annotations: { ...metadata?.annotations, [revisionAnnotation]: revisionId },
    },
    spec: hasTime ? { ...spec, containers: spec.containers.map(withPreStop) } : spec,
  };
}

type Container = PodTemplate["spec"]["containers"][number];

/** A container that says how it wants to stop is left alone. */
function withPreStop(container: Container): Container {
  const written = container["lifecycle"];
  const lifecycle = typeof written === "object" && written !== null ? written : {};
  if ("preStop" in lifecycle && lifecycle.preStop !== null) return container;
  return {
    ...container,
    lifecycle: { ...lifecycle, preStop: { sleep: { seconds: leaveSeconds } } },
  };
}
