import type { PathMatch, RequestMatch, RouteSettings, ValueMatch } from "../kubernetes-contract.ts";
import { slots } from "../names.ts";
import type { KubernetesRouterArgs } from "./router.ts";

/** A Service that a rule sends requests to. */
export interface BackendRef {
  readonly kind: "Service";
  readonly name: string;
  readonly port: number;
  readonly weight: number;
}

/** What the rules of a route depend on. */
export type RuleArgs = Pick<
  KubernetesRouterArgs,
  "route" | "backends" | "port" | "weights" | "primary" | "canary"
>;

/**
 * The rules of a route. The first one always splits, blue before green: its place and order never change, so that its
 * weights can be kept, and read back, by position. With an A/B match it takes only the requests that match, and a
 * second rule leaves all others with the primary: Gateway API lets the rule win that asks for more headers.
 */
export function routeRules(args: RuleArgs): readonly object[] {
  const { route, backends, port, weights, primary } = args;
  const refs = slots.map(
    (slot) => ({ kind: "Service", name: backends[slot], port, weight: weights[slot] }) as const,
  );
  const all = treated(route, null, [
    { kind: "Service", name: backends[primary], port, weight: 100 },
  ]);
  const split = treated(route, mirrorOf(args), refs);
  const plain = matchesOf(route, null);
  if (route.canaryMatch === undefined) return [{ ...plain, ...split }];
  return [
    { ...matchesOf(route, route.canaryMatch), ...split },
    { ...plain, ...all },
  ];
}

/** What a rule does with its requests. A GRPCRoute has neither timeouts nor retries; see `routeFaults`. */
function treated(
  { timeouts, retries, sessionAffinity }: RouteSettings,
  mirror: object | null,
  backendRefs: readonly BackendRef[],
): object {
  const { request } = timeouts;
  // the time of one try, whichever way it is written
  const backendRequest = timeouts.backendRequest ?? retries?.timeout;
  const times = {
    ...(request === undefined ? {} : { request: durationText(request) }),
    ...(backendRequest === undefined ? {} : { backendRequest: durationText(backendRequest) }),
  };
  return {
    ...(Object.keys(times).length === 0 ? {} : { timeouts: times }),
    ...(retries === undefined ? {} : { retry: retryOf(retries) }),
    ...(sessionAffinity === undefined
      ? {}
      : { sessionPersistence: { type: "Cookie", sessionName: sessionAffinity.cookie } }),
    ...(mirror === null ? {} : { filters: [mirror] }),
    backendRefs: [...backendRefs],
  };
}

function retryOf({ attempts, codes, backoff }: NonNullable<RouteSettings["retries"]>): object {
  return {
    attempts,
    // a set in Gateway API
    ...(codes.length === 0 ? {} : { codes: [...new Set(codes)] }),
    ...(backoff === undefined ? {} : { backoff: durationText(backoff) }),
  };
}

/** Copies are for a canary that gets no requests of its own yet: the rollout's first step. */
export function isMirrored({ route, canary, weights }: RuleArgs): boolean {
  return route.mirrorPercent !== undefined && canary !== null && weights[canary] === 0;
}

function mirrorOf(args: RuleArgs): object | null {
  const { route, canary, backends, port } = args;
  if (canary === null || !isMirrored(args)) return null;
  const percent = route.mirrorPercent === 100 ? {} : { percent: route.mirrorPercent };
  return {
    type: "RequestMirror",
    requestMirror: { backendRef: { kind: "Service", name: backends[canary], port }, ...percent },
  };
}

/** Every path with every A/B match; a match of nothing in particular is left to its default. */
function matchesOf(
  { paths, protocol }: RouteSettings,
  canaryMatch: readonly RequestMatch[] | null,
): { readonly matches?: readonly object[] } {
  const places: readonly object[] = (paths ?? [{ prefix: "/" }]).map(
    protocol === "grpc" ? methodMatch : paths === undefined ? () => ({}) : pathMatch,
  );
  const requests: readonly object[] = canaryMatch === null ? [{}] : canaryMatch.map(requestMatch);
  const matches = places.flatMap((place) => requests.map((request) => ({ ...place, ...request })));
  return matches.every((match) => Object.keys(match).length === 0) ? {} : { matches };
}

function pathMatch(path: PathMatch): object {
  if ("prefix" in path) return { path: { type: "PathPrefix", value: path.prefix } };
  return "exact" in path
    ? { path: { type: "Exact", value: path.exact } }
    : { path: { type: "RegularExpression", value: path.regex } };
}

/** A gRPC call, as far as a path says which one. */
export interface GrpcCall {
  readonly service?: string;
  readonly method?: string;
}

/**
 * The gRPC calls that a path stands for, as gRPC calls `/service/method`: an exact path names one, a prefix all methods
 * of a service, and the prefix `/` leaves both open. Null for what Gateway API cannot say of gRPC.
 */
export function grpcCall(path: PathMatch): GrpcCall | null {
  if ("regex" in path) return null;
  if ("prefix" in path && path.prefix === "/") return {};
  const [, service, method = ""] =
    /^\/(\.?[a-z_]\w*(?:\.[a-z_]\w*)*)(?:\/([a-z_]\w*)?)?$/i.exec(
      "exact" in path ? path.exact : path.prefix,
    ) ?? [];
  if (service === undefined) return null;
  if (method !== "") return { service, method };
  return "exact" in path ? null : { service };
}

function methodMatch(path: PathMatch): object {
  const call = grpcCall(path) ?? {};
  return Object.keys(call).length === 0 ? {} : { method: { type: "Exact", ...call } };
}

function requestMatch({ headers, cookies, query }: RequestMatch): object {
  const headerMatches = [
    ...Object.entries(headers).map(([name, match]) => valueMatch(name, match)),
    ...Object.entries(cookies).map(([name, match]) =>
      valueMatch("cookie", cookieMatch(name, match)),
    ),
  ];
  const queryMatches = Object.entries(query).map(([name, match]) => valueMatch(name, match));
  return {
    ...(headerMatches.length === 0 ? {} : { headers: headerMatches }),
    ...(queryMatches.length === 0 ? {} : { queryParams: queryMatches }),
  };
}

function valueMatch(name: string, match: ValueMatch): object {
  return "exact" in match
    ? { type: "Exact", name, value: match.exact }
    : { type: "RegularExpression", name, value: match.regex };
}

/** Gateway API has no cookies: the header that carries them all, with this one somewhere in it. */
export function cookieMatch(name: string, match: ValueMatch): { readonly regex: string } {
  const value = "exact" in match ? escaped(match.exact) : `(?:${match.regex})`;
  return { regex: `^(?:.*;\\s*)?${name}=${value}(?:;.*)?$` };
}

function escaped(literal: string): string {
  return literal.replaceAll(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`);
}

/** As Gateway API writes a duration: up to four numbers of up to five digits. */
export function durationText(ms: number): string {
  const seconds = Math.floor(ms / 1_000);
  const rest = ms % 1_000 === 0 ? "" : `${ms % 1_000}ms`;
  if (seconds === 0) return rest === "" ? "0s" : rest;
  if (seconds <= 99_999) return `${seconds}s${rest}`;
  return `${Math.floor(seconds / 3_600)}h${seconds % 3_600}s${rest}`;
}
