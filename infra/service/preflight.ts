import { ContractError } from "../contract.ts";
import type { KubernetesServiceSettings, RouterSettings } from "../kubernetes-contract.ts";
import { slots } from "../names.ts";
import type { ClusterReader, ObjectName } from "./cluster-reader.ts";
import { slotName } from "./kubernetes-names.ts";

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
  reader: ClusterReader,
  args: PreflightArgs,
): Promise<readonly string[]> {
  const { namespace, router, isFirst, settings } = args;
  const found = await reader.lookUp({ apiVersion: "v1", kind: "Namespace", name: namespace });
  if (found.kind !== "found") {
    return [
      `namespace "${namespace}" does not exist: create it with \`kubectl create namespace ${namespace}\`, or correct the namespace`,
    ];
  }
  const faults = await (router.kind === "gateway-api"
    ? gatewayFaults(reader, router)
    : meshFaults(reader, router));
  if (faults.length > 0 || !isFirst || settings.adopt) return faults;
  return takenNames(reader, args);
}

async function gatewayFaults(
  reader: ClusterReader,
  { gateway }: RouterSettings & { readonly kind: "gateway-api" },
): Promise<readonly string[]> {
  const apiVersion = "gateway.networking.k8s.io/v1";
  const { namespace, name } = gateway;
  const found = await reader.lookUp({ apiVersion, kind: "Gateway", namespace, name });
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
  reader: ClusterReader,
  { mesh }: RouterSettings & { readonly kind: "app-mesh" },
): Promise<readonly string[]> {
  const found = await reader.lookUp({
    apiVersion: "appmesh.k8s.aws/v1beta2",
    kind: "Mesh",
    name: mesh,
  });
  switch (found.kind) {
    case "found":
      return [];
    case "none":
      return [`Mesh ${mesh} does not exist: create it, or correct router.mesh`];
    case "unserved":
      return ["the cluster does not know App Mesh: install the CRDs of group appmesh.k8s.aws"];
  }
}

/** Objects of the names that are to be declared, which are somebody else's. */
async function takenNames(
  reader: ClusterReader,
  { settings, namespace, router }: PreflightArgs,
): Promise<readonly string[]> {
  const service = settings.name;
  const of = (apiVersion: string, kind: string, name: string): ObjectName => ({
    apiVersion,
    kind,
    namespace,
    name,
  });
  const names: readonly ObjectName[] = [
    of("v1", "Service", service),
    ...slots.flatMap((slot) => [
      of("v1", "Service", slotName(service, slot)),
      of("apps/v1", settings.workload, slotName(service, slot)),
    ]),
    router.kind === "gateway-api"
      ? of(
          "gateway.networking.k8s.io/v1",
          settings.route.protocol === "grpc" ? "GRPCRoute" : "HTTPRoute",
          service,
        )
      : of("appmesh.k8s.aws/v1beta2", "VirtualRouter", service),
  ];
  const lookups = await Promise.all(
    names.map(async (name) => ({ name, found: await reader.lookUp(name) })),
  );
  return lookups
    .filter(({ found }) => found.kind === "found")
    .map(
      ({ name: { kind, name } }) =>
        `${kind} ${namespace}/${name} is there already and this stack did not make it: ` +
        "delete or rename it, name the service otherwise, or take it over with `adopt: true`",
    );
}

/** Throws one ContractError with every fault. */
export function refuse(faults: readonly string[]): void {
  if (faults.length > 0) throw new ContractError(faults.join("\n"));
}
