import type { Slot } from "../contract.ts";

/** Names, labels and annotations of the Kubernetes objects of a service, in one place. */

export const managedBy = { "app.kubernetes.io/managed-by": "upramp" } as const;

const serviceLabel = "upramp.dev/service";
const slotLabel = "upramp.dev/slot";

/** Says which revision a pod runs, for people and for queries. */
export const revisionAnnotation = "upramp.dev/revision";

/** Name of the workload, the Service and the autoscaler of one slot. */
export function slotName(service: string, slot: Slot): string {
  return `${service}-${slot}`;
}

/** Begins the names of the record's ConfigMaps and of the Lease. */
export function storeName(service: string): string {
  return `upramp-${service}`;
}

/** Labels of every object of a service. */
export function serviceLabels(service: string): Record<string, string> {
  return { ...managedBy, "app.kubernetes.io/name": service, [serviceLabel]: service };
}

/** What selects the pods of one slot, and nothing else. */
export function slotLabels(service: string, slot: Slot): Record<string, string> {
  return { [serviceLabel]: service, [slotLabel]: slot };
}
