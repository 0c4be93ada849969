import * as kubernetes from "@pulumi/kubernetes";
import type * as pulumi from "@pulumi/pulumi";
import type { Slot } from "../contract.ts";
import type { AutoscalingSettings, KubernetesServiceSettings } from "../kubernetes-contract.ts";
import { ownerAnnotations } from "../owner.ts";
import { serviceLabels, slotLabels, slotName } from "./kubernetes-names.ts";

/**
 * The autoscaler of one slot. Each slot has its own, so that the canary grows with its own share of the load; `fewest` is
 * what it may not go below, as during a rollout a slot holds more than its load of the moment needs.
 */
export function declareAutoscaler(
  service: string,
  namespace: string,
  slot: Slot,
  settings: AutoscalingSettings,
  fewest: number,
  options: pulumi.CustomResourceOptions,
): void {
  const { max, cpuPercent, memoryPercent, metrics, behavior } = settings;
  const name = slotName(service, slot);
  const resource = (of: string, percent: number | undefined): object[] =>
    percent === undefined
      ? []
      : [
          {
            type: "Resource",
            resource: { name: of, target: { type: "Utilization", averageUtilization: percent } },
          },
        ];
  const all = [...resource("cpu", cpuPercent), ...resource("memory", memoryPercent), ...metrics];
  new kubernetes.autoscaling.v2.HorizontalPodAutoscaler(
    `${name}-autoscaler`,
    {
      metadata: {
        namespace,
        name,
        labels: { ...serviceLabels(service), ...slotLabels(service, slot) },
        // a canary without load has no measurements yet, and that is no reason to wait
        annotations: { ...ownerAnnotations(), "pulumi.com/skipAwait": "true" },
      },
      spec: {
        scaleTargetRef: { apiVersion: "apps/v1", kind: "Deployment", name },
        minReplicas: fewest,
        maxReplicas: max,
        // further metrics are as users wrote them; the API server judges them
        metrics: all as kubernetes.types.input.autoscaling.v2.MetricSpec[],
        ...(behavior === undefined ? {} : { behavior }),
      },
    },
    options,
  );
}

/** How many pods of one slot may be away at once for a reason that can wait, such as a node that is drained. */
export function declareDisruptionBudget(
  service: string,
  namespace: string,
  slot: Slot,
  settings: NonNullable<KubernetesServiceSettings["disruption"]>,
  options: pulumi.CustomResourceOptions,
): void {
  const name = slotName(service, slot);
  new kubernetes.policy.v1.PodDisruptionBudget(
    `${name}-disruption`,
    {
      metadata: {
        namespace,
        name,
        labels: { ...serviceLabels(service), ...slotLabels(service, slot) },
        annotations: ownerAnnotations(),
      },
      spec: { selector: { matchLabels: slotLabels(service, slot) }, ...settings },
    },
    options,
  );
}
