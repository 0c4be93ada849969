import { z } from "zod";
import { ContractError } from "../contract.ts";
import type { KubernetesServiceSettings } from "../kubernetes-contract.ts";
import type { RouterSettings } from "../router-contract.ts";
import { slots } from "../names.ts";
import { ownerAnnotation, ownerAnnotations } from "../owner.ts";
import type { ObjectReader } from "../platform/preflight-objects.ts";
import { canaryName } from "../routers/app-mesh-objects.ts";
import { gatewayProfiles } from "../routers/gateway-profiles.ts";
import type { ObjectName } from "./cluster-reader.ts";
import { slotName } from "./kubernetes-names.ts";

const gatewayVersion = "gateway.networking.k8s.io/v1";
const appMeshVersion = "appmesh.k8s.aws/v1beta2";

/** What is looked at before a service is declared for the first time. */
export interface PreflightArgs {
  readonly settings: KubernetesServiceSettings;
  readonly namespace: string;
  readonly router: RouterSettings;
  /** False once the stack holds the objects itself. */
  readonly isFirst: boolean;
}

/** Everything that is missing or in the way, each with what to do about it; empty when all is well. */
export async function preflightFaults(
  reader: ObjectReader,
  args: PreflightArgs,
): Promise<readonly string[]> {
  const { namespace, router, isFirst, settings } = args;
  const found = await reader.lookUp({ apiVersion: "v1", kind: "Namespace", name: namespace });
  if (found.kind !== "found") {
    return [
      `namespace "${namespace}" does not exist: create it with \`kubectl create namespace ${namespace}\`, or correct the namespace`,
    ];
  }
  const all = await Promise.all([
    router.kind === "gateway-api" ? gatewayFaults(reader, router) : meshFaults(reader, router),
    autoscalingFaults(reader, args),
  ]);
  const faults = all.flat();
  if (faults.length > 0 || !isFirst || settings.adopt) return faults;
  return takenNames(reader, args);
}

async function gatewayFaults(
  reader: ObjectReader,
  { gateway }: RouterSettings & { readonly kind: "gateway-api" },
): Promise<readonly string[]> {
  const { namespace, name } = gateway;
  const found = await reader.lookUp({
    apiVersion: gatewayVersion,
    kind: "Gateway",
    namespace,
    name,
  });
  switch (found.kind) {
    case "found":
      return [];
    case "none":
      return [`Gateway ${namespace}/${name} does not exist: create it, or correct router.gateway`];
    case "unserved":
      return [
        "the cluster does not know Gateway API: install its CRDs (https://gateway-api.sigs.k8s.io/guides/), and an implementation",
      ];
  }
}

async function meshFaults(
  reader: ObjectReader,
  { mesh, virtualGateway }: RouterSettings & { readonly kind: "app-mesh" },
): Promise<readonly string[]> {
  const found = await reader.lookUp({ apiVersion: appMeshVersion, kind: "Mesh", name: mesh });
  if (found.kind === "unserved") {
    return ["the cluster does not know App Mesh: install the CRDs of group appmesh.k8s.aws"];
  }
  const faults =
    found.kind === "found"
      ? []
      : [`Mesh ${mesh} does not exist: create it, or correct router.mesh`];
  if (virtualGateway === undefined) return faults;
  const { namespace, name } = virtualGateway;
  const gateway = { apiVersion: appMeshVersion, kind: "VirtualGateway", namespace, name };
  if ((await reader.lookUp(gateway)).kind === "found") return faults;
  return [
    ...faults,
    `VirtualGateway ${namespace}/${name} does not exist: create it, or correct router.virtualGateway`,
  ];
}

/** An autoscaler by CPU or memory in a cluster that measures neither would never scale, and say so to nobody. */
async function autoscalingFaults(
  reader: ObjectReader,
  { settings: { autoscaling, name }, namespace }: PreflightArgs,
): Promise<readonly string[]> {
  const measured = (["cpuPercent", "memoryPercent"] as const).filter(
    (key) => autoscaling?.[key] !== undefined,
  );
  if (measured.length === 0) return [];
  const api = { apiVersion: "metrics.k8s.io/v1beta1", kind: "PodMetrics", namespace, name };
  // who may not look there, or finds it away for a moment, has learned nothing
  const found = await reader.lookUp(api).catch(() => undefined);
  if (found?.kind !== "unserved") return [];
  return [
    `autoscaling.${measured.join(" and ")}: the cluster measures neither CPU nor memory (no API metrics.k8s.io): ` +
      "install metrics-server (`metricsServer: true` in the platform does), or remove it",
  ];
}

/** Objects of the names that are to be declared, which are somebody else's. */
async function takenNames(reader: ObjectReader, args: PreflightArgs): Promise<readonly string[]> {
  const lookups = await Promise.all(
    declaredNames(args).map(async (name) => ({ name, found: await reader.lookUp(name) })),
  );
  return lookups
    .filter(({ found }) => found.kind === "found" && !isOwn(found.object))
    .map(
      ({ name: { kind, namespace, name } }) =>
        `${kind} ${namespace}/${name} is there already and this stack did not make it: ` +
        "delete or rename it, name the service otherwise, or take it over with `adopt: true`",
    );
}

const annotated = z.object({
  metadata: z.object({ annotations: z.record(z.string(), z.string()).default({}) }),
});

/** Left by a first update of this stack that failed half-way. */
function isOwn(object: unknown): boolean {
  const { annotations } = annotated.parse(object).metadata;
  return annotations[ownerAnnotation] === ownerAnnotations()[ownerAnnotation];
}

/** What a service has in its namespace. */
function declaredNames({ settings, namespace, router }: PreflightArgs): readonly ObjectName[] {
  const { name: service, workload, autoscaling, disruption } = settings;
  const of =
    (apiVersion: string, kind: string) =>
    (name: string): ObjectName => ({ apiVersion, kind, namespace, name });
  const bySlot = slots.map((slot) => slotName(service, slot));
  return [
    ...[service, ...bySlot].map(of("v1", "Service")),
    ...bySlot.map(of("apps/v1", workload)),
    ...(autoscaling === undefined
      ? []
      : bySlot.map(of("autoscaling/v2", "HorizontalPodAutoscaler"))),
    ...(disruption === undefined ? [] : bySlot.map(of("policy/v1", "PodDisruptionBudget"))),
    ...routeNames(settings, router).map(({ apiVersion, kind, name }) => of(apiVersion, kind)(name)),
  ];
}

function routeNames(
  { name: service, route }: KubernetesServiceSettings,
  router: RouterSettings,
): readonly ObjectName[] {
  switch (router.kind) {
    case "gateway-api": {
      const kind = route.protocol === "grpc" ? "GRPCRoute" : "HTTPRoute";
      const { needsKeeper } = gatewayProfiles[router.profile];
      const names = needsKeeper ? [service, `${service}-keeper`] : [service];
      return names.map((name) => ({ apiVersion: gatewayVersion, kind, name }));
    }
    case "app-mesh": {
      const of = (kind: string, name: string): ObjectName => ({
        apiVersion: appMeshVersion,
        kind,
        name,
      });
      const canary = canaryName(service);
      return [
        ...slots.map((slot) => of("VirtualNode", slotName(service, slot))),
        ...["VirtualRouter", "VirtualService"].flatMap((kind) => [
          of(kind, service),
          of(kind, canary),
        ]),
        { apiVersion: "v1", kind: "Service", name: canary },
        ...(router.virtualGateway === undefined ? [] : [of("GatewayRoute", service)]),
      ];
    }
  }
}

/** Throws one ContractError with every fault. */
export function refuse(faults: readonly string[]): void {
  if (faults.length > 0) throw new ContractError(faults.join("\n"));
}
