import type { Slot } from "../contract.ts";
import type { PathMatch, RequestMatch, RouteSettings, ValueMatch } from "../kubernetes-contract.ts";
import { slots } from "../names.ts";
import { cookieMatch, grpcCall } from "./gateway-rules.ts";
import type { KubernetesRouterArgs } from "./router.ts";

/** App Mesh ends a request after this time when nobody says otherwise. */
export const defaultRequestMs = 15_000;

/** A condition on one header, or on one entry of gRPC metadata. */
export interface HeaderMatch {
  readonly name: string;
  readonly match: ValueMatch;
}

/** How App Mesh names a path: one of three ways. */
export type MeshPath =
  | { readonly prefix: string }
  | { readonly path: { readonly exact: string } | { readonly regex: string } };

/** A time as App Mesh writes it. */
interface MeshDuration {
  readonly unit: "ms";
  readonly value: number;
}

/** Field of a route, and of a timeout, that holds the settings of its protocol. */
export function routeField({ protocol }: RouteSettings): "httpRoute" | "grpcRoute" {
  return protocol === "grpc" ? "grpcRoute" : "httpRoute";
}

/**
 * The routes of a service's VirtualRouter. The first one always splits, blue before green: its place, name and order
 * never change, so that its weights can be kept, and read back, by position. With an A/B match it takes only the
 * requests that match, and a second route leaves all others with the primary.
 */
export function splitRoutes(args: KubernetesRouterArgs): readonly object[] {
  const { route, backends, weights, primary } = args;
  const [match] = route.canaryMatch ?? [];
  const split = slots.map((slot) => target(backends[slot], weights[slot]));
  const first = meshRoute(route, "split", 10, match, split);
  if (match === undefined) return [first];
  return [first, meshRoute(route, "rest", 20, undefined, [target(backends[primary], 100)])];
}

/** The only route of the canary's own VirtualRouter, past the weights. */
export function canaryRoutes(args: KubernetesRouterArgs): readonly object[] {
  const { route, backends } = args;
  return [meshRoute(route, "canary", 10, undefined, [target(backends[canaryOf(args)], 100)])];
}

/** The slot for new revisions, which is idle at rest. */
export function canaryOf({ primary }: Pick<KubernetesRouterArgs, "primary">): Slot {
  return primary === "blue" ? "green" : "blue";
}

function target(name: string, weight: number): object {
  return { virtualNodeRef: { name }, weight };
}

function meshRoute(
  route: RouteSettings,
  name: string,
  priority: number,
  match: RequestMatch | undefined,
  weightedTargets: readonly object[],
): object {
  const { request } = route.timeouts;
  return {
    name,
    // 0 is the first; far enough apart for routes that somebody puts between them
    priority,
    [routeField(route)]: {
      match: { ...placeOf(route), ...conditionsOf(route, match) },
      action: { weightedTargets: [...weightedTargets] },
      ...(request === undefined ? {} : { timeout: { perRequest: meshDuration(request) } }),
      retryPolicy: retryPolicy(route),
    },
  };
}

/** Which requests a service takes: its paths, or for gRPC its calls, of which a route may name one. */
function placeOf({ protocol, paths }: RouteSettings): object {
  if (protocol === "http") return paths === undefined ? { prefix: "/" } : meshPath(paths);
  const [path] = paths ?? [];
  const { service, method } = (path === undefined ? null : grpcCall(path)) ?? {};
  return {
    ...(service === undefined ? {} : { serviceName: service }),
    ...(method === undefined ? {} : { methodName: method }),
  };
}

/** As a route of a VirtualGateway says it, which knows the services of gRPC and leaves the methods to the router. */
export function gatewayPlaceOf(route: RouteSettings): object {
  const { methodName: _routers, ...place } = { methodName: undefined, ...placeOf(route) };
  return place;
}

/**
 * Several paths as the one that a route may name. App Mesh compares a prefix letter by letter, so that "/api" would
 * take "/apis" too: all but "/" become expressions, which have to match the whole path.
 */
export function meshPath(paths: readonly PathMatch[]): MeshPath {
  if (paths.some((path) => "prefix" in path && /^\/+$/.test(path.prefix))) return { prefix: "/" };
  const [first, ...others] = paths;
  if (others.length === 0 && first !== undefined && "exact" in first) return { path: first };
  const expressions = paths.map(pathExpression);
  const [only = ""] = expressions;
  return { path: { regex: others.length === 0 ? only : `(${expressions.join("|")})` } };
}

function pathExpression(path: PathMatch): string {
  if ("exact" in path) return escaped(path.exact);
  return "regex" in path ? path.regex : `${escaped(path.prefix.replace(/\/+$/, ""))}(/.*)?`;
}

function escaped(text: string): string {
  return text.replaceAll(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`);
}

function conditionsOf({ protocol }: RouteSettings, match: RequestMatch | undefined): object {
  if (match === undefined) return {};
  const headers = headerMatches(match);
  const queryParameters = Object.entries(match.query).map(([name, value]) => ({
    name,
    match: value,
  }));
  if (protocol === "grpc") return { metadata: headers };
  return {
    ...(headers.length === 0 ? {} : { headers }),
    ...(queryParameters.length === 0 ? {} : { queryParameters }),
  };
}

/** App Mesh has no cookies: the header that carries them all is matched instead. */
export function headerMatches({ headers, cookies }: RequestMatch): readonly HeaderMatch[] {
  return [
    ...Object.entries(headers).map(([name, match]) => ({ name, match })),
    ...Object.entries(cookies).map(([name, match]) => ({
      name: "cookie",
      match: cookieMatch(name, match),
    })),
  ];
}

/**
 * Every route has a policy: App Mesh gave one without an unseen one that tried each 503 twice more, and so hid a
 * canary's errors. Without settings only a connection that was never made is tried again, which no error of a canary is.
 */
function retryPolicy(route: RouteSettings): object {
  const { retries } = route;
  const events = retries === undefined ? [] : (httpRetryEvents(retries.codes) ?? []);
  return {
    maxRetries: retries?.attempts ?? 1,
    perRetryTimeout: meshDuration(tryMs(route)),
    tcpRetryEvents: ["connection-error"],
    ...(events.length === 0 ? {} : { httpRetryEvents: events }),
  };
}

/** Bound on one try, in ms; it has to be given, so it is that of the request where nobody gives one. */
export function tryMs({ timeouts, retries }: RouteSettings): number {
  return retries?.timeout ?? timeouts.backendRequest ?? timeouts.request ?? defaultRequestMs;
}

/** Statuses that App Mesh tries again together, by the name of the event. */
export const retryEvents = {
  "server-error": [500, 501, 502, 503, 504, 505, 506, 507, 508, 510, 511],
  "gateway-error": [502, 503, 504],
  "client-error": [409],
} as const;

/** Events that stand for exactly these statuses; null when no choice of events does. */
export function httpRetryEvents(codes: readonly number[]): readonly string[] | null {
  const wanted = new Set(codes);
  const covered = new Set<number>();
  // the widest comes first: one inside another adds nothing
  const events = Object.entries(retryEvents).filter(([, statuses]) => {
    const fits = statuses.every((status) => wanted.has(status));
    const isNew = statuses.some((status) => !covered.has(status));
    if (fits) for (const status of statuses) covered.add(status);
    return fits && isNew;
  });
  return covered.size === wanted.size ? events.map(([name]) => name) : null;
}

/** Milliseconds as App Mesh writes them. */
export function meshDuration(ms: number): MeshDuration {
  return { unit: "ms", value: ms };
}
