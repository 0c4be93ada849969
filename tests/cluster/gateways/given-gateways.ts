import { z } from "zod";
import { UserError } from "../../../rollout/errors.ts";
import { gatewayNames, type GatewayName, type RoutedGateway } from "./gateway.ts";

const variable = "UPRAMP_CLUSTER_GATEWAYS";

const givenSchema = z.array(
  z.object({
    name: z.enum(gatewayNames),
    gateway: z.object({ namespace: z.string(), name: z.string() }),
    url: z.string(),
  }),
);

/**
 * Reads `--gateway` options of a run on a real cluster, `contour=NAMESPACE/NAME=URL`.
 *
 * @throws UserError for one that is not of that form
 */
export function parseGivenGateways(options: readonly string[]): RoutedGateway[] {
  return options.map((option) => {
    const match = /^([^=]+)=([^/=]+)\/([^/=]+)=(https?:\/\/.+)$/.exec(option);
    const [, name, namespace = "", gatewayName = "", url = ""] = match ?? [];
    const known = gatewayNames.find((candidate) => candidate === name);
    if (known === undefined) {
      throw new UserError(
        `--gateway ${option}: must be NAME=NAMESPACE/GATEWAY=URL with NAME one of ` +
          `${gatewayNames.join(", ")}, such as contour=projectcontour/contour=http://127.0.0.1:8080`,
      );
    }
    return { name: known, gateway: { namespace, name: gatewayName }, url: url.replace(/\/$/, "") };
  });
}

/** The variable that hands the gateways to the suites. */
export function givenGatewaysVariable(gateways: readonly RoutedGateway[]): Record<string, string> {
  return { [variable]: JSON.stringify(gateways) };
}

/** A gateway of the real cluster that this run was given; undefined when it was not given. */
export function givenGateway(name: GatewayName): RoutedGateway | undefined {
  const given = givenSchema.parse(JSON.parse(process.env[variable] ?? "[]"));
  return given.find((gateway) => gateway.name === name);
}
