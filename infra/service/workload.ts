import * as kubernetes from "@pulumi/kubernetes";
import type * as pulumi from "@pulumi/pulumi";
import type { Assignment, Revision, Slot } from "../contract.ts";
import { replicasMinAnnotation, type KubernetesServiceSettings } from "../kubernetes-contract.ts";
import { ownerAnnotations } from "../owner.ts";
import { renderPod } from "./pod-rendering.ts";
import { serviceLabels, slotLabels, slotName } from "./kubernetes-names.ts";
import { workloadContent } from "./workload-revision.ts";

/** What the workload of one slot is declared from. */
export interface WorkloadArgs {
  readonly settings: KubernetesServiceSettings;
  readonly namespace: string;
  readonly slot: Slot;
  readonly assignment: Assignment;
  /** Replicas when the slot is not idle; the fewest, when an autoscaler decides. */
  readonly replicas: number;
  /** True when Pulumi itself waits until it is ready; otherwise the driver does, who can also give up early. */
  readonly isAwaited: boolean;
}

/**
 * The workload of one slot. An idle slot's Deployment has no replicas and the primary's template, which nothing runs; an
 * idle DaemonSet does not exist.
 */
export function declareWorkload(
  args: WorkloadArgs,
  options: pulumi.CustomResourceOptions,
): pulumi.Resource | null {
  const { settings, namespace, slot, assignment, replicas, isAwaited } = args;
  const isScaled = settings.autoscaling !== undefined;
  const own = assignment.slots[slot];
  const shown = own ?? assignment.slots[assignment.primary];
  // the contract has the primary's slot filled
  if (shown === null) return null;
  const name = slotName(settings.name, slot);
  const metadata = {
    namespace,
    name,
    labels: { ...serviceLabels(settings.name), ...slotLabels(settings.name, slot) },
    annotations: {
      ...ownerAnnotations(),
      // the autoscaler and kubectl write replicas too; the slots are upramp's own objects
      "pulumi.com/patchForce": "true",
      ...(isScaled && own !== null ? { [replicasMinAnnotation]: String(replicas) } : {}),
      ...(isAwaited && own !== null ? {} : { "pulumi.com/skipAwait": "true" }),
    },
  };
  const spec = {
    selector: { matchLabels: slotLabels(settings.name, slot) },
    minReadySeconds: seconds(settings.minReady),
    template: podOf(settings.name, slot, shown),
  };
  if (settings.workload === "DaemonSet") {
    if (own === null) return null;
    return new kubernetes.apps.v1.DaemonSet(name, { metadata, spec }, options);
  }
  return new kubernetes.apps.v1.Deployment(
    name,
    {
      metadata,
      spec: {
        ...spec,
        ...(own === null ? { replicas: 0 } : isScaled ? {} : { replicas }),
        progressDeadlineSeconds: Math.max(1, seconds(settings.progressDeadline)),
      },
    },
    options,
  );
}

function podOf(
  service: string,
  slot: Slot,
  revision: Revision,
): kubernetes.types.input.core.v1.PodTemplateSpec {
  const template = renderPod(service, slot, revision.id, workloadContent(revision));
  // what the schema leaves open the API server judges, by the fields that it knows
  return template as kubernetes.types.input.core.v1.PodTemplateSpec;
}

function seconds(ms: number): number {
  return Math.ceil(ms / 1_000);
}
