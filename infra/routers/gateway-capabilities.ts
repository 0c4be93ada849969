import { ContractError } from "../contract.ts";
import { profileNames, type ProfileName, type RouteSettings } from "../kubernetes-contract.ts";
import { gatewayProfiles, type Capability } from "./gateway-profiles.ts";

/** A capability that the settings of a route ask for, and by which field. */
interface Need {
  readonly capability: Capability;
  readonly field: string;
}

/** What the settings need of an implementation. */
export function neededCapabilities(route: RouteSettings): readonly Need[] {
  const { paths = [], canaryMatch = [], mirrorPercent, timeouts, retries, sessionAffinity } = route;
  const needs: (Need | null)[] = [
    route.protocol === "grpc" ? { capability: "grpc", field: "protocol" } : null,
    paths.some((path) => "regex" in path) ? { capability: "regexPath", field: "paths" } : null,
    mirrorPercent === undefined ? null : { capability: "mirror", field: "mirrorPercent" },
    mirrorPercent === undefined || mirrorPercent === 100
      ? null
      : { capability: "mirrorPercent", field: "mirrorPercent" },
    timeouts.request === undefined && timeouts.backendRequest === undefined
      ? null
      : { capability: "timeouts", field: "timeouts" },
    retries === undefined ? null : { capability: "retries", field: "retries" },
    sessionAffinity === undefined
      ? null
      : { capability: "sessionAffinity", field: "sessionAffinity" },
    ...canaryMatch.flatMap(({ headers, cookies, query }, index) => {
      const field = `canaryMatch[${index}]`;
      const regex = [...Object.values(headers), ...Object.values(query)].some(
        (match) => "regex" in match,
      );
      return [
        regex || Object.keys(cookies).length > 0
          ? { capability: "regexMatch" as const, field }
          : null,
        Object.keys(query).length > 0 ? { capability: "queryMatch" as const, field } : null,
      ];
    }),
  ];
  return needs.filter((need) => need !== null);
}

/** Throws a ContractError that names each field whose capability the profile lacks, and the profiles that have it. */
export function checkCapabilities(name: ProfileName, route: RouteSettings): void {
  const { can, title } = gatewayProfiles[name];
  const faults = neededCapabilities(route)
    .filter(({ capability }) => !can.has(capability))
    .map(({ capability, field }) => {
      const others = profileNames.filter((other) => gatewayProfiles[other].can.has(capability));
      const hint =
        capability === "mirrorPercent" && can.has("mirror")
          ? "set it to 100, or remove it"
          : "remove it";
      return (
        `route.${field}: ${title} (profile ${name}) has no ${capability}; ${hint}, ` +
        `or use one of ${others.join(", ")}`
      );
    });
  if (faults.length > 0) throw new ContractError(faults.join("\n"));
}
