import { gatewayFaults } from "./gateway-preflight.ts";
import { meshFaults } from "./mesh-preflight.ts";
import { metricsServerFaults } from "./metrics-server.ts";
import { furtherNamespaceFaults, namespaceFaults } from "./namespace-preflight.ts";
import type { ObjectReader, PlatformPreflightArgs } from "./preflight-objects.ts";
import { prometheusFaults } from "./prometheus-preflight.ts";

/**
 * Everything that is missing or in the way of a platform, each with what to do about it; empty when all is well. It is
 * asked at every update: what a platform uses can go away later too.
 */
export async function platformFaults(
  reader: ObjectReader,
  args: PlatformPreflightArgs,
): Promise<readonly string[]> {
  const { settings, previous } = args;
  const { name } = settings.namespace;
  if (previous !== undefined && previous.namespace !== name) {
    return [
      `namespace.name = "${name}": this platform is in namespace "${previous.namespace}" with the services on it, and ` +
        "cannot move: set that one again, or destroy the services and the platform first",
    ];
  }
  const faults = await Promise.all([
    namespaceFaults(reader, args),
    furtherNamespaceFaults(reader, settings),
    settings.router.kind === "gateway-api"
      ? gatewayFaults(reader, args, settings.router)
      : meshFaults(reader, args, settings.router),
    prometheusFaults(reader, args),
    metricsServerFaults(reader, args),
  ]);
  return faults.flat();
}
