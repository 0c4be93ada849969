import type { Condition, Kind, MeshObject } from "./objects.ts";
import type { Verdict } from "./verdict.ts";

const arnFields = {
  Mesh: "meshARN",
  VirtualGateway: "virtualGatewayARN",
  VirtualNode: "virtualNodeARN",
  VirtualRouter: "virtualRouterARN",
  VirtualService: "virtualServiceARN",
  GatewayRoute: "gatewayRouteARN",
} as const satisfies Record<Kind, string>;

const ours = "finalizers.appmesh.k8s.aws";
const resources = `${ours}/aws-appmesh-resources`;
const finalizersByKind: Readonly<Record<Kind, readonly string[]>> = {
  Mesh: [`${ours}/mesh-members`, resources],
  VirtualGateway: [`${ours}/virtualgateway-members`, resources],
  VirtualNode: [resources],
  VirtualRouter: [resources],
  VirtualService: [resources],
  GatewayRoute: [resources],
};

/** A status as it should be. */
export type DesiredStatus = Readonly<Record<string, unknown>> & {
  readonly conditions: readonly Condition[];
};

/**
 * The status that an object should have.
 *
 * As the controller's: `<Kind>Active` is True with `observedGeneration` equal to the object's when App Mesh
 * has taken it as it is. While it has not, the controller left the status as it was and said why in its log
 * only; here the condition keeps what it said, and reason and message tell why.
 *
 * @param now for a condition that changes, as RFC 3339
 */
export function desiredStatus(
  { object, arn, routeArns, refusal }: Verdict,
  now: string,
): DesiredStatus {
  const { kind, metadata, status } = object;
  const isAccepted = refusal === undefined;
  const type = `${kind}Active`;
  const before = status.conditions.find((condition) => condition.type === type);
  const is = arn === undefined ? "False" : "True";
  const observed = isAccepted ? metadata.generation : status.observedGeneration;
  return {
    ...(arn === undefined ? {} : { [arnFields[kind]]: arn }),
    ...(routeArns === undefined ? {} : { routeARNs: routeArns }),
    ...(observed === undefined ? {} : { observedGeneration: observed }),
    conditions: [
      {
        type,
        status: is,
        lastTransitionTime: (before?.status === is ? before.lastTransitionTime : undefined) ?? now,
        ...(isAccepted ? {} : { reason: "ReconcileError", message: refusal }),
      },
    ],
  };
}

/** Whether an object's status already says so; nothing is written then. */
export function isStatus({ status }: MeshObject, desired: DesiredStatus): boolean {
  return Object.entries(desired).every(
    ([field, value]) => canonical(status[field]) === canonical(value),
  );
}

/** JSON with sorted keys: the API server returns fields in its own order. */
function canonical(value: unknown): string {
  return JSON.stringify(value, (_, inner: unknown) =>
    typeof inner === "object" && inner !== null && !Array.isArray(inner)
      ? Object.fromEntries(
          Object.entries(inner).toSorted(([one], [other]) => (one < other ? -1 : 1)),
        )
      : inner,
  );
}

/** The finalizers that an object should have: App Mesh's objects wait until it has let go of them. */
export function desiredFinalizers({ object, isReleased }: Verdict): readonly string[] {
  const { kind, metadata } = object;
  const own = finalizersByKind[kind];
  const others = metadata.finalizers.filter((finalizer) => !own.includes(finalizer));
  if (metadata.deletionTimestamp === undefined)
    return [...new Set([...metadata.finalizers, ...own])];
  return isReleased ? others : metadata.finalizers;
}
