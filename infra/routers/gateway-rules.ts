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

/**
 * The rules of a route. The first one always splits, blue before green: its place and order never change, so that its
 * weights can be kept, and read back, by position. With an A/B match it takes only the requests that match, and a
 * second rule leaves all others with the primary.
 */
export function routeRules(args: KubernetesRouterArgs): readonly object[] {
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

/** What a rule does with its requests. */
function treated(
  { timeouts, retries, sessionAffinity, protocol }: RouteSettings,
  mirror: object | null,
  backendRefs: readonly BackendRef[],
): object {
  const { request, backendRequest } = timeouts;
  const times = {
    ...(request === undefined ? {} : { request: durationText(request) }),
    ...(backendRequest === undefined ? {} : { backendRequest: durationText(backendRequest) }),
  };
  // a GRPCRoute has neither timeouts nor retries
  const isHttp = protocol === "http";
  return {
    ...(isHttp && Object.keys(times).length > 0 ? { timeouts: times } : {}),
    ...(isHttp && retries !== undefined ? { retry: retryOf(retries) } : {}),
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
    ...(codes.length === 0 ? {} : { codes }),
    ...(backoff === undefined ? {} : { backoff: durationText(backoff) }),
  };
}

/** While a canary is rolled out it also gets copies of requests; who has it and nobody asked for copies gets none. */
function mirrorOf({ route, canary, backends, port }: KubernetesRouterArgs): object | null {
  if (canary === null || route.mirrorPercent === undefined) return null;
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
  const places: readonly object[] =
    protocol === "grpc" || paths === undefined
      ? [{}]
      : paths.map((path) => ({ path: pathMatch(path) }));
  const requests: readonly object[] = canaryMatch === null ? [{}] : canaryMatch.map(requestMatch);
  const matches = places.flatMap((place) => requests.map((request) => ({ ...place, ...request })));
  return matches.every((match) => Object.keys(match).length === 0) ? {} : { matches };
}

function pathMatch(path: PathMatch): object {
  if ("prefix" in path) return { type: "PathPrefix", value: path.prefix };
  return "exact" in path
    ? { type: "Exact", value: path.exact }
    : { type: "RegularExpression", value: path.regex };
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

/** Gateway API has no cookies: the header that carries them all, with one of them somewhere in it. */
export function cookieMatch(name: string, match: ValueMatch): ValueMatch {
  const value = "exact" in match ? escaped(match.exact) : match.regex;
  return { regex: `^(.*;\\s*)?${name}=${value}(;.*)?$` };
}

function escaped(text: string): string {
  return text.replaceAll(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`);
}

/** As Gateway API writes a duration. */
function durationText(ms: number): string {
  return ms % 1_000 === 0 ? `${ms / 1_000}s` : `${ms}ms`;
}
