import type { KubernetesPlatformSettings } from "../kubernetes-contract.ts";
import type { RouterSettings } from "../router-contract.ts";
import type { DeclareOptions } from "./declare-options.ts";
import { declareGateway } from "./gateway.ts";
import { declareMesh, declareVirtualGateway } from "./mesh.ts";
import type { Part } from "./part.ts";
import { serviceNamespacesOf } from "./service-namespaces.ts";

/** What the routes of services attach to. */
export function declareRouter(
  prefix: string,
  owner: string,
  settings: KubernetesPlatformSettings,
  options: DeclareOptions,
): Part<RouterSettings> {
  const namespace = settings.namespace.name;
  const serviceNamespaces = serviceNamespacesOf(settings);
  const { router } = settings;
  if (router.kind === "gateway-api") {
    const { kind, profile, gateway } = router;
    if (!("className" in gateway)) {
      return { place: { kind, profile, gateway }, resources: [] };
    }
    const args = { owner, namespace, gateway, serviceNamespaces };
    const resources = [declareGateway(prefix, args, options)];
    return { place: { kind, profile, gateway: { namespace, name: gateway.name } }, resources };
  }
  const { kind, mesh, createMesh, allowDiscontinuedAppMesh, virtualGateway } = router;
  const args = { owner, serviceNamespaces };
  const meshes = createMesh ? [declareMesh(prefix, mesh, args, options)] : [];
  const place = { kind, mesh, allowDiscontinuedAppMesh };
  if (virtualGateway === undefined) return { place, resources: meshes };
  if ("namespace" in virtualGateway) {
    return { place: { ...place, virtualGateway }, resources: meshes };
  }
  const inMesh = { ...options, dependsOn: [...options.dependsOn, ...meshes] };
  const gateway = declareVirtualGateway(prefix, namespace, virtualGateway, args, inMesh);
  return {
    place: { ...place, virtualGateway: { namespace, name: virtualGateway.name } },
    resources: [...meshes, gateway],
  };
}
