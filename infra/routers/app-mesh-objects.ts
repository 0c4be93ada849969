import type { Slot } from "../contract.ts";
import { serviceLabels, slotLabels } from "../service/kubernetes-names.ts";
import {
  canaryRoutes,
  gatewayPlaceOf,
  meshDuration,
  routeField,
  splitRoutes,
} from "./app-mesh-routes.ts";
import type { KubernetesRouterArgs } from "./router.ts";

/** An object of App Mesh. It names no mesh and no gateway: their own selectors decide, and refuse to be told. */
export interface MeshObject {
  readonly apiVersion: "appmesh.k8s.aws/v1beta2";
  readonly kind: "VirtualNode" | "VirtualRouter" | "VirtualService" | "GatewayRoute";
  readonly metadata: {
    readonly namespace: string;
    readonly name: string;
    readonly labels: Readonly<Record<string, string>>;
  };
  readonly spec: object;
}

/** Name of the canary's own VirtualService, router and Service. */
export function canaryName(service: string): string {
  return `${service}-canary`;
}

/**
 * Finds dead connections only; whether the service is well is what readiness probes find out, and the Service leaves
 * out who is not. It is the same for every revision on purpose: App Mesh could cut a node's callers off for half an
 * hour after its check was changed.
 */
const healthCheck = {
  protocol: "tcp",
  healthyThreshold: 2,
  unhealthyThreshold: 3,
  intervalMillis: 5_000,
  timeoutMillis: 2_000,
} as const;

/**
 * The VirtualNode of one slot, which is there while the slot is empty too, as its Service is.
 *
 * Its port has three readers: the Envoy beside the pods takes in what arrives for this port, so it is the pods' own;
 * a caller's Envoy sends to this port of the host name, so the Service must have it too, and pass it on unchanged.
 */
export function virtualNode(args: KubernetesRouterArgs, slot: Slot): MeshObject {
  const { service, namespace, backends, route } = args;
  const { request } = route.timeouts;
  const backendRefs = backendsOf(args);
  return objectOf(args, "VirtualNode", backends[slot], {
    podSelector: { matchLabels: slotLabels(service, slot) },
    listeners: [
      {
        ...listenerOf(args),
        healthCheck,
        // else the Envoy beside the pods ends after 15 s what a route lets go on longer
        ...(request === undefined
          ? {}
          : { timeout: { [route.protocol]: { perRequest: meshDuration(request) } } }),
      },
    ],
    // the final dot spares a look-up in each search domain
    serviceDiscovery: {
      dns: { hostname: `${backends[slot]}.${namespace}.svc.cluster.local.` },
    },
    ...(backendRefs.length === 0
      ? {}
      : { backends: backendRefs.map((ref) => ({ virtualService: { virtualServiceRef: ref } })) }),
  });
}

/** VirtualServices that the pods call; App Mesh refuses to be told one twice. */
function backendsOf({ appMeshBackends, namespace }: KubernetesRouterArgs): readonly object[] {
  const names = appMeshBackends.map((backend) =>
    backend.includes("/") ? backend : `${namespace}/${backend}`,
  );
  return [...new Set(names)].map((name) => {
    const [place, own] = name.split("/");
    return { namespace: place, name: own };
  });
}

/** The router whose first route splits, and that of the canary alone. */
export function virtualRouter(args: KubernetesRouterArgs, role: "split" | "canary"): MeshObject {
  const { service } = args;
  const [name, routes] =
    role === "split"
      ? ([service, splitRoutes(args)] as const)
      : ([canaryName(service), canaryRoutes(args)] as const);
  return objectOf(args, "VirtualRouter", name, {
    listeners: [listenerOf(args)],
    routes: [...routes],
  });
}

/** What callers inside the mesh name, as `NAME.NAMESPACE`; the router of its name answers for it. */
export function virtualService(args: KubernetesRouterArgs, name: string): MeshObject {
  return objectOf(args, "VirtualService", name, {
    provider: { virtualRouter: { virtualRouterRef: { name } } },
  });
}

/** The ways in through the VirtualGateway: one for each host name, as a GatewayRoute has one at most. */
export function gatewayRoutes(args: KubernetesRouterArgs): readonly MeshObject[] {
  const { service, route } = args;
  const hostnames = route.hostnames.length === 0 ? [undefined] : route.hostnames;
  const target = { virtualService: { virtualServiceRef: { name: service } } };
  return hostnames.map((hostname, index) =>
    objectOf(args, "GatewayRoute", index === 0 ? service : `${service}-host-${index}`, {
      [routeField(route)]: {
        match: { ...gatewayPlaceOf(route), ...hostnameMatch(hostname) },
        action: { target },
      },
    }),
  );
}

function hostnameMatch(hostname: string | undefined): object {
  if (hostname === undefined || hostname === "*") return {};
  return hostname.startsWith("*")
    ? { hostname: { suffix: hostname.slice(1) } }
    : { hostname: { exact: hostname } };
}

function listenerOf({ port, route }: KubernetesRouterArgs): object {
  return { portMapping: { port, protocol: route.protocol } };
}

function objectOf(
  { service, namespace }: KubernetesRouterArgs,
  kind: MeshObject["kind"],
  name: string,
  spec: object,
): MeshObject {
  return {
    apiVersion: "appmesh.k8s.aws/v1beta2",
    kind,
    metadata: { namespace, name, labels: serviceLabels(service) },
    spec,
  };
}

/** What an egress cluster is told by. */
export interface EgressTarget {
  readonly mesh: string;
  /** Name of the VirtualNode. */
  readonly node: string;
  readonly namespace: string;
  readonly protocol: string;
  /** A number, or what stands for one. */
  readonly port: number | string;
}

/** What a caller's Envoy calls a VirtualNode, as App Mesh's control plane names it. */
export function egressCluster({ mesh, node, namespace, protocol, port }: EgressTarget): string {
  return `cds_egress_${mesh}_${node}_${namespace}_${protocol}_${port}`;
}
