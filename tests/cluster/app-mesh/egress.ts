import {
  entryKey,
  listenerOf,
  type AcceptedNode,
  type AcceptedRoute,
  type AcceptedService,
  type Account,
} from "./account.ts";
import { clusterOfTarget } from "./clusters.ts";
import {
  defaultRequestTimeoutMs,
  listenerTimeoutMs,
  seconds,
  stricter,
  toMs,
} from "./durations.ts";
import { byPrecedence, envoyMatch } from "./matches.ts";
import type { NodeListener } from "./objects.ts";
import type { EnvoyObject } from "./envoy-object.ts";
import { defaultRetryPolicy, retryPolicy } from "./retries.ts";

/** A virtual service as one gateway reaches it. */
export interface ServiceUse {
  readonly service: AcceptedService;
  /** Of the service's listeners, where a gateway route names one. */
  readonly port: number | undefined;
}

/** A node's listener that some route sends to. */
export interface NodeUse {
  readonly node: AcceptedNode;
  readonly listener: NodeListener;
}

/** One route of a service, before a host is put to it. */
export interface EgressRoute {
  readonly match: EnvoyObject;
  readonly action: EnvoyObject;
  /** Bound on a request in ms; 0 means none. */
  readonly timeoutMs: number;
}

/** Host name by which the egress listener knows a service. */
export function hostOf({ service, port }: ServiceUse): string {
  return port === undefined ? service.awsName : `${service.awsName}:${port}`;
}

/** The routes of a service, first match first. */
export function routesOf(account: Account, { service, port }: ServiceUse): EgressRoute[] {
  const { mesh, provider } = service;
  if (provider === undefined) return [];
  if (provider.kind === "node") return nodeRoutes(account, mesh, provider.awsName, port);
  const router = account.VirtualRouter.get(entryKey(mesh, provider.awsName));
  const usedPort = port ?? router?.listeners[0]?.portMapping.port;
  return (router?.routes ?? [])
    .filter(({ match }) => match.port === undefined || match.port === usedPort)
    .toSorted(byPrecedence)
    .map((route) => routerRoute(account, mesh, route));
}

/** Where a route sends requests to, weight 0 included: its clusters must be there before it changes. */
export function nodesOf(account: Account, { service, port }: ServiceUse): NodeUse[] {
  const { mesh, provider } = service;
  if (provider === undefined) return [];
  const targets =
    provider.kind === "node"
      ? [{ node: provider.awsName, port }]
      : (account.VirtualRouter.get(entryKey(mesh, provider.awsName))?.routes ?? []).flatMap(
          (route) => route.targets,
        );
  return targets.flatMap((target) => {
    const node = account.VirtualNode.get(entryKey(mesh, target.node));
    const listener = node && listenerOf(node, target.port);
    return node === undefined || listener === undefined ? [] : [{ node, listener }];
  });
}

function routerRoute(account: Account, mesh: string, route: AcceptedRoute): EgressRoute {
  const targets = route.targets.map(({ node, port, weight }) => {
    const accepted = account.VirtualNode.get(entryKey(mesh, node));
    return { weight, ...(accepted && clusterOfTarget(accepted, port)) };
  });
  const { perRequest, idle } = route.timeout ?? {};
  // Each target's own Envoy would end a request at its listener's bound. There is none here, so the
  // route has the strictest.
  const timeoutMs = targets
    .map(({ listener }) => (listener === undefined ? 0 : listenerTimeoutMs(listener)))
    .reduce(stricter, perRequest === undefined ? defaultRequestTimeoutMs : toMs(perRequest));
  return {
    match: envoyMatch(route.match),
    timeoutMs,
    action: {
      weighted_clusters: {
        clusters: targets.map(({ name, weight }) => ({ name: name ?? unknownCluster, weight })),
      },
      timeout: seconds(timeoutMs),
      ...(idle === undefined ? {} : { idle_timeout: seconds(toMs(idle)) }),
      retry_policy: retryPolicy(route.retryPolicy),
    },
  };
}

/** Envoy answers 503 for a cluster that it does not know: what a node that has lost its listener gives. */
const unknownCluster = "cds_egress_none";

/** A service without a router: its node takes everything, and no policy can be given. */
function nodeRoutes(
  account: Account,
  mesh: string,
  nodeName: string,
  port: number | undefined,
): EgressRoute[] {
  const node = account.VirtualNode.get(entryKey(mesh, nodeName));
  const target = node && clusterOfTarget(node, port);
  if (target === undefined) return [];
  const timeoutMs = listenerTimeoutMs(target.listener);
  return [
    {
      match: { prefix: "/" },
      timeoutMs,
      action: {
        cluster: target.name,
        timeout: seconds(timeoutMs),
        retry_policy: defaultRetryPolicy,
      },
    },
  ];
}
