import * as kubernetes from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
import type { Slot } from "../contract.ts";
import type { AppMeshRouterSettings } from "../router-contract.ts";
import { perSlot, slots } from "../names.ts";
import { ownerAnnotations } from "../owner.ts";
import { serviceLabels, slotLabels } from "../service/kubernetes-names.ts";
import { checkAppMesh } from "./app-mesh-limits.ts";
import {
  canaryName,
  egressCluster,
  gatewayRoutes,
  virtualNode,
  virtualRouter,
  virtualService,
  type MeshObject,
} from "./app-mesh-objects.ts";
import { canaryOf, routeField } from "./app-mesh-routes.ts";
import { envoyQueries } from "./envoy-queries.ts";
import type { KubernetesRouterArgs, Routed, Router } from "./router.ts";

/**
 * Router `app-mesh`: a VirtualNode a slot, a VirtualRouter whose first route splits by the weights of the nodes, always
 * in the order blue, green, and a VirtualService for it; the same for the canary alone (`SERVICE-canary`), past the
 * weights; and a way in through the VirtualGateway where there is one. A change of weights touches the
 * VirtualRouter only. Throws ContractError for what App Mesh cannot do, and where it may not be used at all.
 *
 * The namespace has to be a member of the mesh, and the VirtualGateway has to select it: both by labels, which are the
 * platform's.
 */
export function appMeshRouter(settings: AppMeshRouterSettings): Router<KubernetesRouterArgs> {
  return {
    declare(args, parent) {
      checkAppMesh(settings, args);
      return declareService(settings, args, parent);
    },
  };
}

function declareService(
  settings: AppMeshRouterSettings,
  args: KubernetesRouterArgs,
  parent: pulumi.Resource,
): Routed {
  const { service, namespace, backends } = args;
  const declare = (
    suffix: string,
    object: MeshObject,
    options: pulumi.CustomResourceOptions,
  ): kubernetes.apiextensions.CustomResource =>
    new kubernetes.apiextensions.CustomResource(`${service}-${suffix}`, toInput(object), {
      parent,
      ...options,
    });
  // none waits for another to be active: services that call each other would wait for ever
  const nodes = slots.map((slot) =>
    declare(`${slot}-node`, virtualNode(args, slot), { dependsOn: args.dependsOn }),
  );
  const route = declare("route", virtualRouter(args, "split"), {
    dependsOn: nodes,
    ...(args.keepWeights ? { ignoreChanges: [weightsPath(args)] } : {}),
  });
  const canaryRoute = declare("canary-route", virtualRouter(args, "canary"), { dependsOn: nodes });
  const entrance = declare("virtual-service", virtualService(args, service), { dependsOn: route });
  declare("canary-virtual-service", virtualService(args, canaryName(service)), {
    dependsOn: [canaryRoute, declareCanaryService(args, parent)],
  });
  if (settings.virtualGateway !== undefined) {
    for (const [index, object] of gatewayRoutes(args).entries()) {
      const suffix = index === 0 ? "gateway-route" : `gateway-route-${index}`;
      declare(suffix, object, { dependsOn: entrance });
    }
  }
  return {
    endpoint: pulumi.output(endpointOf(args)),
    weights: weightsOf(route, args),
    route,
    traffic: {
      router: "app-mesh",
      cluster: args.cluster,
      namespace,
      virtualRouter: service,
      virtualNodes: backends,
      workloads: args.workloads,
    },
    // counted by whoever calls, the gateway's Envoy above all: connections that fail are in it, and calls that the pods make are not
    queries: envoyQueries(`envoy_cluster_name="{{ cluster }}"`),
    variables: perSlot((slot) => ({ namespace, cluster: clusterOf(settings, args, slot) })),
  };
}

/** Plain data, which the class of any kind takes. */
function toInput(object: MeshObject): kubernetes.apiextensions.CustomResourceArgs {
  return {
    ...object,
    metadata: {
      ...object.metadata,
      labels: { ...object.metadata.labels },
      annotations: ownerAnnotations(),
    },
  };
}

/**
 * The name under which the canary is called has to be one that DNS knows, with any address: the caller's Envoy goes by
 * the name. Who has no Envoy reaches the canary's pods by it too.
 */
function declareCanaryService(
  args: KubernetesRouterArgs,
  parent: pulumi.Resource,
): kubernetes.core.v1.Service {
  const { service, namespace, port, route } = args;
  return new kubernetes.core.v1.Service(
    `${service}-canary-service`,
    {
      metadata: {
        namespace,
        name: canaryName(service),
        labels: serviceLabels(service),
        // at rest there is no canary, and so no pod
        annotations: { ...ownerAnnotations(), "pulumi.com/skipAwait": "true" },
      },
      spec: {
        selector: slotLabels(service, canaryOf(args)),
        ports: [{ name: route.protocol, port, targetPort: port }],
      },
    },
    { parent },
  );
}

function weightsPath({ route }: KubernetesRouterArgs): string {
  return `spec.routes[0].${routeField(route)}.action.weightedTargets[*].weight`;
}

/** Inside the mesh a service is called by its VirtualService's name: by any other name requests go past the router. */
function endpointOf({ route, endpoint, service, namespace, port }: KubernetesRouterArgs): string {
  if (endpoint !== undefined) return endpoint;
  const [host] = route.hostnames;
  return host === undefined || host.startsWith("*")
    ? `http://${service}.${namespace}:${port}`
    : `http://${host}`;
}

/** What callers' Envoys call a node, as long as mesh and node have the names in App Mesh that they get by default. */
function clusterOf(
  { mesh }: AppMeshRouterSettings,
  { backends, namespace, route, port }: KubernetesRouterArgs,
  slot: Slot,
): string {
  return egressCluster({ mesh, node: backends[slot], namespace, protocol: route.protocol, port });
}

/** The weights as the router has them after this update, which are the live ones when they were kept. */
function weightsOf(
  router: kubernetes.apiextensions.CustomResource,
  { backends, weights, route }: KubernetesRouterArgs,
): pulumi.Output<Record<Slot, number>> {
  // the class names no field of a custom kind, but makes an output of every argument
  const spec = Reflect.get(router, "spec") as pulumi.Output<unknown>;
  return spec.apply((found) => {
    const targets = targetsOf(found, routeField(route));
    return perSlot((slot) => {
      const own = targets.find(
        (target) => member(member(target, "virtualNodeRef"), "name") === backends[slot],
      );
      const weight = member(own, "weight");
      return typeof weight === "number" ? weight : weights[slot];
    });
  });
}

function targetsOf(spec: unknown, field: string): readonly unknown[] {
  const routes = member(spec, "routes");
  const first: unknown = Array.isArray(routes) ? routes[0] : undefined;
  const targets = member(member(member(first, field), "action"), "weightedTargets");
  return Array.isArray(targets) ? targets : [];
}

function member(value: unknown, name: string): unknown {
  return Reflect.get(Object(value) as object, name);
}
