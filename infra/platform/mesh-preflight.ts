import { z } from "zod";
import type { KubernetesPlatformSettings } from "../kubernetes-contract.ts";
import { selectsLabels } from "./label-selector.ts";
import { appMeshVersion, injectorLabel } from "./mesh.ts";
import {
  objectSchema,
  takenFaults,
  type ObjectReader,
  type PlatformPreflightArgs,
  type Router,
} from "./preflight-objects.ts";
import { namespaceNameLabel, serviceNamespacesOf } from "./service-namespaces.ts";

/** What of router `app-mesh` is missing or in the way. */
export async function meshFaults(
  reader: ObjectReader,
  args: PlatformPreflightArgs,
  { mesh, createMesh, virtualGateway, install }: Router<"app-mesh">,
): Promise<readonly string[]> {
  const found = await reader.lookUp({ apiVersion: appMeshVersion, kind: "Mesh", name: mesh });
  if (found.kind === "unserved") {
    // the chart of the controller brings them
    if (install !== undefined) return [];
    return ["the cluster does not know App Mesh: install the CRDs of group appmesh.k8s.aws"];
  }
  const gateway =
    virtualGateway === undefined ? [] : await virtualGatewayFaults(reader, args, virtualGateway);
  if (createMesh) {
    const use = "use it as it is with `router.createMesh: false`";
    return [...takenFaults(found, args.owner, `Mesh ${mesh}`, use), ...gateway];
  }
  if (found.kind !== "found") {
    const fix = "create it, correct router.mesh, or remove `router.createMesh: false`";
    return [`Mesh ${mesh} does not exist: ${fix}`, ...gateway];
  }
  return [...(await membershipFaults(reader, args.settings, mesh, found.object)), ...gateway];
}

async function virtualGatewayFaults(
  reader: ObjectReader,
  { settings, owner }: PlatformPreflightArgs,
  gateway: NonNullable<Router<"app-mesh">["virtualGateway"]>,
): Promise<readonly string[]> {
  const isOwn = !("namespace" in gateway);
  const namespace = isOwn ? settings.namespace.name : gateway.namespace;
  const { name } = gateway;
  const kind = "VirtualGateway";
  const found = await reader.lookUp({ apiVersion: appMeshVersion, kind, namespace, name });
  if (isOwn) {
    const use = `use it as it is with virtualGateway: {namespace: ${namespace}, name: ${name}}`;
    return takenFaults(found, owner, `${kind} ${namespace}/${name}`, use);
  }
  if (found.kind === "found") return [];
  return [
    `${kind} ${namespace}/${name} does not exist: create it, correct router.virtualGateway, or remove its namespace, so ` +
      "that this stack makes one",
  ];
}

const meshSchema = z.object({
  spec: z.object({ namespaceSelector: z.unknown() }).default({ namespaceSelector: undefined }),
});

/** Namespaces of services that are outside a Mesh that was there before. */
async function membershipFaults(
  reader: ObjectReader,
  settings: KubernetesPlatformSettings,
  mesh: string,
  object: unknown,
): Promise<readonly string[]> {
  const { namespace } = settings;
  const selector = meshSchema.parse(object).spec.namespaceSelector;
  const services = serviceNamespacesOf(settings);
  const names = services === "all" ? [namespace.name] : services;
  const faults = await Promise.all(
    names.map(async (name) => {
      const found = await reader.lookUp({ apiVersion: "v1", kind: "Namespace", name });
      const isMade = namespace.create && name === namespace.name;
      // one that is missing and that nobody makes has a fault of its own
      if (found.kind !== "found" && !isMade) return [];
      const labels = {
        ...(found.kind === "found" ? objectSchema.parse(found.object).metadata.labels : {}),
        ...(isMade ? { ...injectorLabel, ...namespace.labels, [namespaceNameLabel]: name } : {}),
      };
      if (selectsLabels(selector, labels)) return [];
      const where = isMade ? "add such labels to namespace.labels" : "label the namespace so";
      return [
        `namespace "${name}" is not in Mesh ${mesh}, whose namespaceSelector is ${JSON.stringify(selector)}: ${where}, or ` +
          "name another mesh",
      ];
    }),
  );
  return faults.flat();
}
