import { entryKey, type AcceptedGateway, type Account } from "./account.ts";
import { nodeCluster, selfRedirectCluster, type NodeCluster } from "./clusters.ts";
import { hostOf, nodesOf, routesOf } from "./egress.ts";
import type { Network } from "./endpoints.ts";
import { ingressRoutes, keepsHost, serviceHeader, type Entrance } from "./ingress.ts";
import { egressListener, ingressListener } from "./listeners.ts";
import { egressRouteConfigName, ingressRouteConfigName, egressPort } from "./names.ts";
import type { GatewayPlace } from "./place.ts";
import type { EnvoyObject } from "./envoy-object.ts";

/** Everything that one gateway's Envoy is told, each resource by its name. */
export interface GatewayResources {
  readonly listeners: readonly EnvoyObject[];
  readonly clusters: readonly EnvoyObject[];
  readonly assignments: Readonly<Record<string, EnvoyObject>>;
  readonly routes: Readonly<Record<string, EnvoyObject>>;
}

/**
 * What App Mesh told the Envoy of a virtual gateway: a listener that rewrites each request by the gateway
 * routes and sends it to the Envoy itself, and a second one where each virtual service is a virtual host,
 * with one route for each route of its router and weighted clusters of its nodes. Only services that a
 * gateway route names are there.
 */
export function translate(
  account: Account,
  gateway: AcceptedGateway,
  network: Network,
  place: GatewayPlace,
): GatewayResources {
  const entrances = entrancesOf(account, gateway);
  const clusters = nodeClusters(account, entrances, network, place);
  const ingress = gateway.listeners.map((listener) => ({
    name: ingressRouteConfigName(listener.portMapping.protocol, listener.portMapping.port),
    routes: ingressRoutes(gateway, listener, entrances),
    listener: ingressListener(gateway, listener, place),
    cluster: selfRedirectCluster(
      gateway,
      listener.portMapping.protocol,
      listener.connectionPool,
      place.egress,
    ),
  }));
  return {
    listeners: [...ingress.map(({ listener }) => listener), egressListener(gateway, place)],
    clusters: [
      ...uniqueByName(ingress.map(({ cluster }) => cluster)),
      ...clusters.map(({ cluster }) => cluster),
    ],
    assignments: Object.fromEntries(clusters.map(({ name, assignment }) => [name, assignment])),
    routes: {
      ...Object.fromEntries(ingress.map(({ name, routes }) => [name, routes])),
      [egressRouteConfigName]: egressRoutes(entrances),
    },
  };
}

function entrancesOf(account: Account, gateway: AcceptedGateway): Entrance[] {
  return [...account.GatewayRoute.values()]
    .filter((route) => route.mesh === gateway.mesh && route.gateway === gateway.awsName)
    .flatMap((route) => {
      const service = account.VirtualService.get(entryKey(route.mesh, route.service));
      if (service === undefined) return [];
      const use = { service, port: route.servicePort };
      return [{ route, use, routes: routesOf(account, use) }];
    })
    .toSorted((one, other) => (one.route.awsName < other.route.awsName ? -1 : 1));
}

function nodeClusters(
  account: Account,
  entrances: readonly Entrance[],
  network: Network,
  place: GatewayPlace,
): NodeCluster[] {
  const clusters = entrances
    .flatMap(({ use }) => nodesOf(account, use))
    .map(({ node, listener }) => nodeCluster(node, listener, network, place.edsPath));
  return [...new Map(clusters.map((cluster) => [cluster.name, cluster])).values()].toSorted(
    (one, other) => (one.name < other.name ? -1 : 1),
  );
}

function uniqueByName(clusters: readonly EnvoyObject[]): EnvoyObject[] {
  return [...new Map(clusters.map((cluster) => [cluster["name"], cluster])).values()];
}

function egressRoutes(entrances: readonly Entrance[]): EnvoyObject {
  const byHost = new Map(entrances.map((entrance) => [hostOf(entrance.use), entrance]));
  const hosts = [...byHost].map(([host, { use, routes }]) => ({
    name: host,
    domains: use.port === undefined ? [host, `${host}:${egressPort}`] : [host],
    routes: routes.map(({ match, action }) => ({ match, route: action })),
  }));
  const others = entrances.filter(({ route }) => keepsHost(route));
  return {
    "@type": "type.googleapis.com/envoy.config.route.v3.RouteConfiguration",
    name: egressRouteConfigName,
    virtual_hosts: others.length === 0 ? hosts : [...hosts, defaultBackend(others)],
  };
}

/** The virtual host of requests that kept their own host name: a header names their service. */
function defaultBackend(entrances: readonly Entrance[]): EnvoyObject {
  const byService = new Map(
    entrances.map((entrance) => [entrance.use.service.awsName, entrance.routes]),
  );
  const routes = [...byService].flatMap(([service, own]) =>
    own.map(({ match, action }) => ({ match: withServiceHeader(match, service), route: action })),
  );
  return { name: "default_backend", domains: ["*"], routes };
}

function withServiceHeader(match: EnvoyObject, service: string): EnvoyObject {
  const { headers } = match;
  return {
    ...match,
    headers: [
      { name: serviceHeader, string_match: { exact: service } },
      ...(Array.isArray(headers) ? (headers as readonly unknown[]) : []),
    ],
  };
}
