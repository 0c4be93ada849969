import { listenerOf, type AcceptedNode, type AcceptedRoute } from "./account.ts";
import type { HeaderMatch, VirtualGateway, VirtualNode } from "./objects.ts";

/**
 * What App Mesh's API refused beyond the schemas of the objects, and what this stand-in cannot do.
 * Each rule answers with the words of its refusal, or with undefined.
 */

/** @param nodeByName the node of a target, by its name in App Mesh */
export function routeFault(
  route: AcceptedRoute,
  nodeByName: (awsName: string) => AcceptedNode | undefined,
): string | undefined {
  return (
    weightFault(route) ??
    matchFault(route) ??
    route.targets
      .map(({ node, port }) => targetFault(nodeByName(node), node, port))
      .find((fault) => fault !== undefined)
  );
}

/** Weights are relative; their sum may be below 100, but Envoy takes no sum of 0. */
function weightFault({ name, targets }: AcceptedRoute): string | undefined {
  const sum = targets.reduce((total, { weight }) => total + weight, 0);
  if (sum > 100) {
    return `BadRequestException: route ${name}: the weights of a route may add up to 100 at most, not ${sum}`;
  }
  if (sum === 0) return `BadRequestException: route ${name}: one weight at least must be above 0`;
  return undefined;
}

function targetFault(
  node: AcceptedNode | undefined,
  awsName: string,
  port: number | undefined,
): string | undefined {
  if (node === undefined) return `NotFoundException: virtual node ${awsName} does not exist`;
  if (listenerOf(node, port) !== undefined) return undefined;
  const ports = node.listeners.map(({ portMapping }) => portMapping.port).join(", ") || "none";
  return `BadRequestException: virtual node ${awsName} has no listener for port ${port ?? "(not given)"}; it has: ${ports}`;
}

function matchFault({ name, match }: AcceptedRoute): string | undefined {
  const headers = match.kind === "http" ? match.headers : match.metadata;
  const regex = match.kind === "http" ? match.path?.regex : undefined;
  return (
    headers.map((header) => headerFault(name, header)).find((fault) => fault !== undefined) ??
    regexFault(name, regex)
  );
}

/** A header has one matcher at most; the webhook does not look at a router's headers. */
export function headerFault(route: string, { name, match = {} }: HeaderMatch): string | undefined {
  const given = Object.entries(match).filter(([, value]) => value !== undefined);
  if (given.length > 1) {
    return `BadRequestException: route ${route}: header ${name} may have one matcher, not ${given.map(([key]) => key).join(" and ")}`;
  }
  if (match.range !== undefined && match.range.start >= match.range.end) {
    return `BadRequestException: route ${route}: header ${name}: range.start must be below range.end`;
  }
  return regexFault(route, match.regex);
}

/** Envoy's syntax is RE2, which has no look-around and no back-references. */
const notInRe2 = /\(\?[=!<]|\\[1-9]/;

function regexFault(route: string, regex: string | undefined): string | undefined {
  if (regex === undefined) return undefined;
  try {
    new RegExp(regex);
  } catch {
    return `BadRequestException: route ${route}: ${regex} is not a regular expression`;
  }
  if (!notInRe2.test(regex)) return undefined;
  return `BadRequestException: route ${route}: ${regex} has look-around or a back-reference, which Envoy does not know`;
}

/** The sidecars would end TLS, and there are none here; plain text instead would be a lie. */
export function tlsFault({ kind, spec }: VirtualNode | VirtualGateway): string | undefined {
  const hasListenerTls = spec.listeners.some(
    ({ tls }) => tls !== undefined && tls.mode !== "DISABLED",
  );
  const hasClientTls = spec.backendDefaults?.clientPolicy?.tls !== undefined;
  if (!hasListenerTls && !hasClientTls) return undefined;
  return `this stand-in for App Mesh has no TLS; take it from the ${kind}`;
}

/** Cloud Map is modelled by the node's pods; anything else needs a DNS name. */
export function discoveryFault({ spec }: VirtualNode): string | undefined {
  const { dns, awsCloudMap } = spec.serviceDiscovery ?? {};
  if (spec.listeners.length === 0 || dns !== undefined || awsCloudMap !== undefined) {
    return undefined;
  }
  return "BadRequestException: serviceDiscovery must be dns or awsCloudMap";
}
