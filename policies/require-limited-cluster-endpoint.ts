import type { ResourceValidationPolicy } from "@pulumi/policy";
import { contains, parseRange, type AddressRange } from "./address-ranges.ts";
import { flag, texts, whole } from "./config-schemas.ts";
import { at, elements, notKnownYet, textOf } from "./properties.ts";

interface Config {
  readonly privateOnly?: boolean;
  readonly allowedCidrs?: readonly string[];
  readonly shortestIpv4Prefix?: number;
  readonly shortestIpv6Prefix?: number;
}

/** As many addresses as a large company has; what is wider may as well be open to all. */
const shortest = { ipv4: 16, ipv6: 32 } as const;

const clusterType = "aws:eks/cluster:Cluster";

/** Why a cluster's endpoint is too open; null when it is not. */
export function endpointFault(vpcConfig: unknown, config: Config): string | null {
  const isPublic = at(vpcConfig, "endpointPublicAccess");
  // EKS opens it when nobody says otherwise
  if (isPublic === false || isPublic === notKnownYet) return null;
  if (config.privateOnly === true) {
    return "vpcConfig.endpointPublicAccess is not false: set it to false and endpointPrivateAccess to true";
  }
  const written = at(vpcConfig, "publicAccessCidrs");
  if (written === notKnownYet) return null;
  const cidrs = elements(written);
  if (cidrs.length === 0) {
    return "vpcConfig.publicAccessCidrs is not set, which lets in every address: list who may come in";
  }
  const faults = cidrs
    .map((cidr) => cidrFault(textOf(cidr), config))
    .filter((fault) => fault !== null);
  return faults.length === 0 ? null : `vpcConfig.publicAccessCidrs: ${faults.join("; ")}`;
}

function cidrFault(cidr: string | undefined, config: Config): string | null {
  // what is not known yet is asked again in the update
  if (cidr === undefined) return null;
  const range = parseRange(cidr);
  if (range === null) return `"${cidr}" is no range of addresses`;
  const prefix =
    range.family === "ipv4"
      ? (config.shortestIpv4Prefix ?? shortest.ipv4)
      : (config.shortestIpv6Prefix ?? shortest.ipv6);
  if (range.prefix < prefix) return `"${cidr}" is wider than /${prefix}`;
  const allowed = (config.allowedCidrs ?? []).map(parseRange).filter(isRange);
  if (allowed.length === 0 || allowed.some((outer) => contains(outer, range))) return null;
  return `"${cidr}" is outside of ${allowed.map(({ text }) => text).join(", ")}`;
}

const isRange = (range: AddressRange | null): range is AddressRange => range !== null;

/** A cluster's API server is private, or open to named addresses only. */
export const requireLimitedClusterEndpoint: ResourceValidationPolicy = {
  name: "require-limited-cluster-endpoint",
  description: "The API server of a cluster is private, or open to named addresses only.",
  enforcementLevel: "mandatory",
  configSchema: {
    properties: {
      privateOnly: flag("Refuses a public endpoint altogether."),
      allowedCidrs: {
        ...texts("Ranges that the endpoint may be open to; empty: any that is not too wide."),
        items: { type: "string", pattern: String.raw`^[0-9a-fA-F.:]+/\d{1,3}$` },
      },
      shortestIpv4Prefix: whole(
        "Shortest prefix of an IPv4 range that still counts as limited.",
        { minimum: 1, maximum: 32 },
        shortest.ipv4,
      ),
      shortestIpv6Prefix: whole(
        "Shortest prefix of an IPv6 range that still counts as limited.",
        { minimum: 1, maximum: 128 },
        shortest.ipv6,
      ),
    },
  },
  validateResource: (args, reportViolation) => {
    if (args.type !== clusterType) return;
    const fault = endpointFault(at(args.props, "vpcConfig"), args.getConfig<Config>());
    if (fault !== null) reportViolation(fault);
  },
};
