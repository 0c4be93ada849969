import type { AcceptedGateway, AcceptedGatewayRoute } from "./account.ts";
import { seconds } from "./durations.ts";
import { hostOf, type EgressRoute, type ServiceUse } from "./egress.ts";
import { byPrecedence, envoyMatch, type Ranked } from "./matches.ts";
import { ingressRouteConfigName, selfRedirectClusterName } from "./names.ts";
import type { GatewayListener, Rewrite } from "./objects.ts";
import type { EnvoyObject } from "./envoy-object.ts";

/** Names the service to the egress listener where the host name must stay as it came. */
export const serviceHeader = "x-app-mesh-virtual-service";

/** A gateway route with the service that it leads to. */
export interface Entrance {
  readonly route: AcceptedGatewayRoute;
  readonly use: ServiceUse;
  readonly routes: readonly EgressRoute[];
}

/** Whether a gateway route leaves the request's host name alone. */
export function keepsHost({ rewrite }: AcceptedGatewayRoute): boolean {
  return rewrite?.hostname?.defaultTargetHostname === "DISABLED";
}

/** The route configuration of one listener of a gateway: every request goes to the egress listener. */
export function ingressRoutes(
  gateway: AcceptedGateway,
  { portMapping }: GatewayListener,
  entrances: readonly Entrance[],
): EnvoyObject {
  const { protocol, port } = portMapping;
  const cluster = selfRedirectClusterName(gateway.mesh, gateway.awsName, protocol);
  const routes = entrances
    .filter(({ route }) => route.match.port === undefined || route.match.port === port)
    .flatMap(spelledOut)
    .toSorted((one, other) => byPrecedence(ranked(one), ranked(other)))
    .map((entrance) => ingressRoute(entrance, cluster));
  return {
    "@type": "type.googleapis.com/envoy.config.route.v3.RouteConfiguration",
    name: ingressRouteConfigName(protocol, port),
    virtual_hosts: [{ name: "self_redirect", domains: ["*"], routes }],
  };
}

function ranked({ route }: Entrance): Ranked {
  return { name: route.awsName, priority: route.priority, match: route.match };
}

/** As App Mesh does, a prefix without a final slash is tried with one first, so that none is left over. */
function spelledOut(entrance: Entrance): Entrance[] {
  const { route } = entrance;
  if (route.match.kind === "grpc" || route.match.path !== undefined) return [entrance];
  const { prefix = "/" } = route.match;
  if (prefix.endsWith("/")) return [entrance];
  const match = { ...route.match, prefix: `${prefix}/` };
  return [{ ...entrance, route: { ...route, match } }, entrance];
}

function ingressRoute({ route, use, routes }: Entrance, cluster: string): EnvoyObject {
  // A gateway waits as long as the service's slowest route may take.
  const waits = routes.map(({ timeoutMs }) => timeoutMs);
  const wait = waits.includes(0) ? 0 : Math.max(...waits);
  const { awsName } = use.service;
  return {
    match: envoyMatch(route.match),
    route: {
      cluster,
      ...pathRewrite(route),
      ...(keepsHost(route) ? {} : { host_rewrite_literal: hostOf(use) }),
      ...(routes.length === 0 ? {} : { timeout: seconds(wait) }),
    },
    ...(keepsHost(route)
      ? { request_headers_to_add: [{ header: { key: serviceHeader, value: awsName } }] }
      : {}),
  };
}

function pathRewrite({ match, rewrite }: AcceptedGatewayRoute): EnvoyObject {
  if (match.kind === "grpc") return {};
  if (match.path === undefined) return prefixRewrite(rewrite);
  const exact = rewrite?.path?.exact;
  if (exact === undefined) return {};
  return { regex_rewrite: { pattern: { regex: "^.*$" }, substitution: exact } };
}

function prefixRewrite(rewrite: Rewrite | undefined): EnvoyObject {
  const { defaultPrefix, value } = rewrite?.prefix ?? {};
  if (value !== undefined) return { prefix_rewrite: value };
  return defaultPrefix === "DISABLED" ? {} : { prefix_rewrite: "/" };
}
