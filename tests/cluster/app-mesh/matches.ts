import type { GatewayMatch, RouteMatch } from "./account.ts";
import type { HeaderMatch } from "./objects.ts";
import type { EnvoyObject } from "./envoy-object.ts";

type HttpMatch = Extract<RouteMatch | GatewayMatch, { kind: "http" }>;
type GrpcMatch = Extract<RouteMatch | GatewayMatch, { kind: "grpc" }>;

/** Which requests Envoy gives to a route. */
export function envoyMatch(match: RouteMatch | GatewayMatch): EnvoyObject {
  return match.kind === "http" ? httpMatch(match) : grpcMatch(match);
}

function httpMatch(match: HttpMatch): EnvoyObject {
  const headers = [
    ...pseudoHeader(":method", match.method),
    ...pseudoHeader(":scheme", "scheme" in match ? match.scheme : undefined),
    ...hostHeader("hostname" in match ? match.hostname : undefined),
    ...match.headers.map(headerMatch),
  ];
  const queries = match.queryParameters.map(({ name, match: value }) => ({
    name,
    ...(value?.exact === undefined
      ? { present_match: true }
      : { string_match: { exact: value.exact } }),
  }));
  return {
    ...pathMatch(match),
    ...(headers.length === 0 ? {} : { headers }),
    ...(queries.length === 0 ? {} : { query_parameters: queries }),
  };
}

function grpcMatch(match: GrpcMatch): EnvoyObject {
  const { serviceName, metadata } = match;
  const methodName = "methodName" in match ? match.methodName : undefined;
  const headers = [
    ...hostHeader("hostname" in match ? match.hostname : undefined),
    ...metadata.map(headerMatch),
  ];
  const path =
    serviceName === undefined
      ? { prefix: "/" }
      : methodName === undefined
        ? { prefix: `/${serviceName}/` }
        : { path: `/${serviceName}/${methodName}` };
  return { ...path, grpc: {}, ...(headers.length === 0 ? {} : { headers }) };
}

function pathMatch({ prefix, path }: HttpMatch): EnvoyObject {
  if (path?.exact !== undefined) return { path: path.exact };
  if (path?.regex !== undefined) return { safe_regex: { regex: path.regex } };
  return { prefix: prefix ?? "/" };
}

function pseudoHeader(name: string, value: string | undefined): EnvoyObject[] {
  return value === undefined ? [] : [{ name, string_match: { exact: value } }];
}

/** A host name with or without a port. */
function hostHeader(
  hostname: { exact?: string | undefined; suffix?: string | undefined } | undefined,
): EnvoyObject[] {
  const { exact, suffix } = hostname ?? {};
  const pattern =
    exact !== undefined
      ? escaped(exact)
      : suffix === undefined
        ? undefined
        : `.*${escaped(suffix)}`;
  if (pattern === undefined) return [];
  return [{ name: ":authority", string_match: { safe_regex: { regex: `${pattern}(:[0-9]+)?` } } }];
}

function escaped(text: string): string {
  return text.replaceAll(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`);
}

function headerMatch({ name, invert, match }: HeaderMatch): EnvoyObject {
  return { name, ...headerCondition(match ?? {}), ...(invert ? { invert_match: true } : {}) };
}

function headerCondition(match: NonNullable<HeaderMatch["match"]>): EnvoyObject {
  const { exact, prefix, suffix, regex, range } = match;
  if (exact !== undefined) return { string_match: { exact } };
  if (prefix !== undefined) return { string_match: { prefix } };
  if (suffix !== undefined) return { string_match: { suffix } };
  if (regex !== undefined) return { string_match: { safe_regex: { regex } } };
  if (range !== undefined) return { range_match: range };
  return { present_match: true };
}

/** How exactly a match names the path, for {@link byPrecedence}. */
function pathRank(match: RouteMatch | GatewayMatch): readonly [number, number] {
  if (match.kind === "grpc") {
    const { serviceName = "" } = match;
    const methodName = "methodName" in match ? (match.methodName ?? "") : "";
    return [methodName === "" ? 2 : 0, -serviceName.length];
  }
  if (match.path?.exact !== undefined) return [0, 0];
  if (match.path?.regex !== undefined) return [1, 0];
  return [2, -(match.prefix ?? "/").length];
}

/** What precedence is decided by. */
export interface Ranked {
  readonly name: string;
  readonly priority: number | undefined;
  readonly match: RouteMatch | GatewayMatch;
}

/** Above every priority that can be given (0 to 1000): a route without one comes last. */
const noPriority = 1_001;

/**
 * Order in which routes are tried: priority, 0 first; then the exacter path, of prefixes the longer;
 * then the one with more conditions; then by name.
 */
export function byPrecedence(one: Ranked, other: Ranked): number {
  const [oneKind, oneLength] = pathRank(one.match);
  const [otherKind, otherLength] = pathRank(other.match);
  return (
    (one.priority ?? noPriority) - (other.priority ?? noPriority) ||
    oneKind - otherKind ||
    oneLength - otherLength ||
    conditionCount(other.match) - conditionCount(one.match) ||
    (one.name < other.name ? -1 : 1)
  );
}

function conditionCount(match: RouteMatch | GatewayMatch): number {
  if (match.kind === "grpc") return match.metadata.length;
  const { headers, queryParameters, method } = match;
  return headers.length + queryParameters.length + (method === undefined ? 0 : 1);
}
