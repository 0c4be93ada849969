import { ContractError } from "../contract.ts";
import type { RouteSettings } from "../kubernetes-contract.ts";
import { profileNames, type ProfileName } from "../router-contract.ts";
import { routeFaults } from "./gateway-limits.ts";
import { gatewayProfiles, type Capability, type GatewayProfile } from "./gateway-profiles.ts";
import { grpcCall } from "./gateway-rules.ts";

/** A capability that the settings of a route ask for, and by which field. */
interface Need {
  readonly capability: Capability;
  readonly field: string;
}

/** What the settings need of an implementation. */
export function neededCapabilities(route: RouteSettings): readonly Need[] {
  const { paths = [], canaryMatch = [], mirrorPercent, timeouts, retries } = route;
  const isGrpc = route.protocol === "grpc";
  const calls = isGrpc ? paths.map((path) => grpcCall(path)) : [];
  const leavesMethodOpen =
    paths.length === 0 || calls.some((call) => call !== null && call.service === undefined);
  const asked: readonly (readonly [boolean, Capability, string])[] = [
    [isGrpc, "grpc", "protocol"],
    [
      calls.some((call) => call?.service !== undefined && call.method === undefined),
      "grpcService",
      "paths",
    ],
    [isGrpc && canaryMatch.length > 0 && leavesMethodOpen, "grpcHeadersAlone", "canaryMatch"],
    [!isGrpc && paths.some((path) => "regex" in path), "regexPath", "paths"],
    [mirrorPercent !== undefined, "mirror", "mirrorPercent"],
    [mirrorPercent !== undefined && mirrorPercent < 100, "mirrorPercent", "mirrorPercent"],
    [
      timeouts.request !== undefined || timeouts.backendRequest !== undefined,
      "timeouts",
      "timeouts",
    ],
    [retries !== undefined, "retries", "retries"],
    [retries?.timeout !== undefined, "timeouts", "retries.timeout"],
    [route.sessionAffinity !== undefined, "sessionAffinity", "sessionAffinity"],
    ...canaryMatch.flatMap(({ headers, cookies, query }, index) => {
      const values = [...Object.values(headers), ...Object.values(query)];
      const hasCookie = Object.keys(cookies).length > 0;
      const field = `canaryMatch[${index}]`;
      return [
        [hasCookie || values.some((value) => "regex" in value), "regexMatch", field] as const,
        [Object.keys(query).length > 0, "queryMatch", field] as const,
      ];
    }),
  ];
  return asked
    .filter(([isAsked]) => isAsked)
    .map(([, capability, field]) => ({ capability, field }));
}

/**
 * Throws one ContractError with everything that cannot be done of a route: what Gateway API cannot say, what the
 * profile lacks, with the profiles that have it, and where the profile takes less than Gateway API allows.
 */
export function checkCapabilities(name: ProfileName, route: RouteSettings): void {
  const profile = gatewayProfiles[name];
  const faults = [
    ...routeFaults(route),
    ...neededCapabilities(route)
      .filter(({ capability }) => !profile.can.has(capability))
      .map((need) => lackText(name, profile, need)),
    ...limitFaults(name, profile, route),
  ];
  if (faults.length > 0) throw new ContractError(faults.join("\n"));
}

/** How a message names what is lacking. */
const capabilityTexts: Readonly<Record<Capability, string>> = {
  regexMatch: "match by regular expression, which a cookie needs too",
  queryMatch: "match of query parameters",
  regexPath: "path by regular expression",
  mirror: "mirroring",
  mirrorPercent: "mirroring of a share of the requests",
  timeouts: "timeouts in a route",
  retries: "retries in a route",
  sessionAffinity: "session affinity in a route",
  grpc: "GRPCRoute",
  grpcService: "match of a gRPC service without a method",
  grpcHeadersAlone: "match of gRPC calls by headers alone",
};

function lackText(
  name: ProfileName,
  { can, title }: GatewayProfile,
  { capability, field }: Need,
): string {
  const others = profileNames.filter((other) => gatewayProfiles[other].can.has(capability));
  const mend =
    capability === "mirrorPercent" && can.has("mirror")
      ? "set it to 100, or remove it"
      : capability === "grpc"
        ? "use http"
        : capability === "grpcService" || capability === "grpcHeadersAlone"
          ? 'name the calls with paths: [{exact: "/package.Service/Method"}]'
          : "remove it";
  const elsewhere = others.length === 0 ? "" : `, or use profile ${others.join(", ")}`;
  return `route.${field}: ${title} (profile ${name}) has no ${capabilityTexts[capability]}; ${mend}${elsewhere}`;
}

function limitFaults(
  name: ProfileName,
  { limits, title }: GatewayProfile,
  { hostnames, paths = [], canaryMatch = [] }: RouteSettings,
): readonly string[] {
  const takes = `${title} (profile ${name}) takes at most`;
  const matches = Math.max(1, paths.length) * Math.max(1, canaryMatch.length);
  return [
    ...(hostnames.length > limits.hostnames
      ? [
          `route.hostnames: has ${hostnames.length} names, and ${takes} ${limits.hostnames}; remove some`,
        ]
      : []),
    ...(matches > limits.matchesPerRule
      ? [
          `route.paths and route.canaryMatch: make ${matches} matches, every path with every match of canaryMatch, ` +
            `and ${takes} ${limits.matchesPerRule}; write fewer`,
        ]
      : []),
    ...canaryMatch.flatMap(({ headers, cookies }, index) => {
      const count = Object.keys(headers).length + Object.keys(cookies).length;
      return count > limits.headersPerMatch
        ? [
            `route.canaryMatch[${index}]: has ${count} headers and cookies, and ${takes} ${limits.headersPerMatch}; write fewer`,
          ]
        : [];
    }),
  ];
}
