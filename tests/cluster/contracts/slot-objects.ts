import type { WorkloadNames } from "../../../infra/contract.ts";
import type { Slot, Weights } from "../../../rollout/core/assignment.ts";
import { apiRequest } from "../api-request.ts";
import type { AnyObject } from "../apply.ts";
import { podinfoPod, podinfoPort } from "../podinfo-template.ts";
import type { TestNamespace } from "../test-namespace.ts";

/** The objects of one service, podinfo, as upramp's own stacks name and shape them. */

export const service = "podinfo";

/** Names of the workload and the Service of each slot. */
export const slotNames: Readonly<Record<Slot, string>> = {
  blue: `${service}-blue`,
  green: `${service}-green`,
};

export const workloads: WorkloadNames = { kind: "Deployment", names: slotNames };

/** The version that answers from each slot. */
export const versions: Readonly<Record<Slot, string>> = { blue: "1.0.0", green: "2.0.0" };

/** Port of the slots' Services. */
export const servicePort = podinfoPort;

/** Runs a slot with this many pods. */
export async function applyWorkload(
  space: TestNamespace,
  slot: Slot,
  replicas: number,
): Promise<void> {
  // a probe that fails once is enough: these tests wait for it
  const readinessProbe = {
    httpGet: { path: "/readyz", port: "http" },
    periodSeconds: 1,
    failureThreshold: 1,
  };
  const pod = podinfoPod(space.cluster, versions[slot], {}, { readinessProbe });
  await space.applyDeployment(slotNames[slot], replicas, pod);
}

/** The Service of a slot, which is there whether or not anything runs in it. */
export function slotService(slot: Slot): AnyObject {
  return {
    apiVersion: "v1",
    kind: "Service",
    metadata: { name: slotNames[slot] },
    spec: {
      selector: { app: slotNames[slot] },
      ports: [{ name: "http", port: servicePort, targetPort: "http", appProtocol: "http" }],
    },
  };
}

/** Has so many of a slot's pods say that they are ready, and the others that they are not. */
export async function setReady(space: TestNamespace, slot: Slot, count: number): Promise<void> {
  const pods = await space.pods(slotNames[slot]);
  await Promise.all(
    pods.map(async ({ metadata }, index) => {
      const place = `/api/v1/namespaces/${space.name}/pods/${metadata?.name}:${podinfoPort}/proxy`;
      const path = `${place}/readyz/${index < count ? "enable" : "disable"}`;
      await apiRequest(space.cluster.config, "POST", path);
    }),
  );
}

/** The references of a rule that splits, blue before green. */
export function backendRefs(weights: Weights): object[] {
  return (["blue", "green"] as const).map((slot) => ({
    group: "",
    kind: "Service",
    name: slotNames[slot],
    port: servicePort,
    weight: weights[slot],
  }));
}
