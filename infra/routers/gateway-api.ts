import * as kubernetes from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
import type { Slot } from "../contract.ts";
import type { GatewayApiRouterSettings } from "../router-contract.ts";
import { perSlot, slots } from "../names.ts";
import { ownerAnnotations } from "../owner.ts";
import { serviceLabels } from "../service/kubernetes-names.ts";
import { gatewayProfiles, routeQueries } from "./gateway-profiles.ts";
import { checkCapabilities } from "./gateway-capabilities.ts";
import { isMirrored, routeRules, type BackendRef } from "./gateway-rules.ts";
import type { KubernetesRouterArgs, Routed, Router } from "./router.ts";

const apiVersion = "gateway.networking.k8s.io/v1";

/**
 * Router `gateway-api`: one HTTPRoute or GRPCRoute a service, whose first rule splits by the weights of its two
 * backends, always in the order blue, green. A change of weights touches that object only. Throws
 * ContractError for what the implementation of Gateway API cannot do.
 */
export function gatewayApiRouter(settings: GatewayApiRouterSettings): Router<KubernetesRouterArgs> {
  return {
    declare(args, parent) {
      checkCapabilities(settings.profile, args.route);
      return declareService(settings, args, parent);
    },
  };
}

function declareService(
  { profile: name, gateway }: GatewayApiRouterSettings,
  args: KubernetesRouterArgs,
  component: pulumi.Resource,
): Routed {
  const { service, namespace, weights, keepWeights, backends, port } = args;
  const profile = gatewayProfiles[name];
  const hostnames = [...args.route.hostnames];
  const kind = args.route.protocol === "grpc" ? "GRPCRoute" : "HTTPRoute";
  const parent =
    profile.parent === "Gateway" ? gateway : { namespace, name: service, listener: undefined };
  const parentRef = {
    group: profile.parent === "Gateway" ? "gateway.networking.k8s.io" : "",
    kind: profile.parent,
    namespace: parent.namespace,
    name: parent.name,
    ...(parent.listener === undefined ? {} : { sectionName: parent.listener }),
    ...(profile.parent === "Gateway" ? {} : { port }),
  };
  const declare = (
    suffix: string,
    rules: readonly object[],
    options: pulumi.CustomResourceOptions,
  ): kubernetes.apiextensions.CustomResource =>
    new kubernetes.apiextensions.CustomResource(
      `${service}-${suffix}`,
      {
        apiVersion,
        kind,
        metadata: {
          namespace,
          name: suffix === "route" ? service : `${service}-${suffix}`,
          labels: serviceLabels(service),
          annotations: ownerAnnotations(),
        },
        spec: {
          parentRefs: [parentRef],
          ...(hostnames.length === 0 ? {} : { hostnames }),
          rules: [...rules],
        },
      },
      { parent: component, ...options },
    );
  // before the route: it holds both backends from the first moment on
  const keeper = profile.needsKeeper
    ? [declare("keeper", [keeperRule(args)], { dependsOn: args.dependsOn })]
    : [];
  const route = declare("route", routeRules(args), {
    dependsOn: [...args.dependsOn, ...keeper],
    ...(keepWeights ? { ignoreChanges: ["spec.rules[0].backendRefs[*].weight"] } : {}),
  });
  return {
    endpoint: pulumi.output(endpointOf(args)),
    // what the driver asks for it gets; otherwise the weights are those that the route has
    weights: keepWeights ? weightsOf(route, backends, weights) : pulumi.output(weights),
    route,
    traffic: {
      router: "gateway-api",
      cluster: args.cluster,
      namespace,
      kind,
      route: service,
      gateway: { namespace: parent.namespace, name: parent.name },
      backends,
      workloads: args.workloads,
    },
    queries: routeQueries(profile, args.route),
    variables: perSlot((slot) =>
      profile.variables({
        namespace,
        name: backends[slot],
        port,
        ...(slot === args.canary && isMirrored(args) ? { mirror: { kind, route: service } } : {}),
      }),
    ),
  };
}

/** Holds both backends, at the same names as the route itself, for requests that nobody sends. */
function keeperRule({ backends, port, route }: KubernetesRouterArgs): object {
  const headers = [{ type: "Exact", name: "x-upramp-keeper", value: "never-sent" }];
  const place =
    route.protocol === "grpc"
      ? { method: { type: "Exact", service: "upramp.Keeper", method: "NeverCalled" } }
      : { path: { type: "Exact", value: "/.upramp/keeper" } };
  return {
    matches: [{ ...place, headers }],
    backendRefs: slots.map((slot): BackendRef => ({
      kind: "Service",
      name: backends[slot],
      port,
      weight: 1,
    })),
  };
}

function endpointOf({ route, endpoint }: KubernetesRouterArgs): string | undefined {
  if (endpoint !== undefined) return endpoint;
  const host = route.hostnames.find((name) => !name.startsWith("*"));
  return host === undefined ? undefined : `http://${host}`;
}

/** The weights as the route has them after this update, which are the live ones when they were kept. */
function weightsOf(
  route: kubernetes.apiextensions.CustomResource,
  backends: Readonly<Record<Slot, string>>,
  asked: Readonly<Record<Slot, number>>,
): pulumi.Output<Record<Slot, number>> {
  // the class names no field of a custom kind, but makes an output of every argument
  const spec = Reflect.get(route, "spec") as pulumi.Output<unknown>;
  return spec.apply((found) => {
    const refs = backendRefsOf(found);
    const of = (slot: Slot): number => {
      const weight: unknown = Reflect.get(
        Object(refs.find((ref) => Reflect.get(Object(ref), "name") === backends[slot])),
        "weight",
      );
      return typeof weight === "number" ? weight : asked[slot];
    };
    return perSlot(of);
  });
}

function backendRefsOf(spec: unknown): readonly unknown[] {
  const rules: unknown = Reflect.get(Object(spec), "rules");
  const first: unknown = Array.isArray(rules) ? rules[0] : undefined;
  const refs: unknown = Reflect.get(Object(first), "backendRefs");
  return Array.isArray(refs) ? refs : [];
}
