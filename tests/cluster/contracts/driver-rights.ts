import type { Rule } from "./access.ts";

/** All that the store needs in the service's namespace. */
export const driverRights: readonly Rule[] = [
  { apiGroups: [""], resources: ["configmaps"], verbs: ["get", "create", "update"] },
  { apiGroups: ["coordination.k8s.io"], resources: ["leases"], verbs: ["get", "create", "update"] },
];
