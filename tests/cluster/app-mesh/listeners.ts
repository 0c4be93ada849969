import type { AcceptedGateway } from "./account.ts";
import { socketAddress } from "./clusters.ts";
import { egressPort, egressRouteConfigName, ingressRouteConfigName } from "./names.ts";
import type { GatewayListener } from "./objects.ts";
import type { GatewayPlace } from "./place.ts";
import type { EnvoyObject } from "./envoy-object.ts";

/** The listener that the world sends to. */
export function ingressListener(
  gateway: AcceptedGateway,
  { portMapping }: GatewayListener,
  place: GatewayPlace,
): EnvoyObject {
  const { protocol, port } = portMapping;
  const routeConfig = ingressRouteConfigName(protocol, port);
  return {
    "@type": "type.googleapis.com/envoy.config.listener.v3.Listener",
    name: `lds_ingress_0.0.0.0_${port}`,
    address: socketAddress(place.address, port),
    traffic_direction: "INBOUND",
    filter_chains: [filterChain("ingress", routeConfig, gateway, place)],
  };
}

/** The listener that the gateway sends to: here virtual services are told apart and weights apply. */
export function egressListener(gateway: AcceptedGateway, place: GatewayPlace): EnvoyObject {
  const { address, port } = place.egress;
  return {
    "@type": "type.googleapis.com/envoy.config.listener.v3.Listener",
    name: `lds_egress_0.0.0.0_${egressPort}`,
    address: socketAddress(address, port),
    traffic_direction: "OUTBOUND",
    filter_chains: [filterChain("egress", egressRouteConfigName, gateway, place)],
  };
}

function filterChain(
  statPrefix: "ingress" | "egress",
  routeConfig: string,
  { accessLogPath }: AcceptedGateway,
  place: GatewayPlace,
): EnvoyObject {
  return {
    filters: [
      {
        name: "envoy.filters.network.http_connection_manager",
        typed_config: {
          "@type":
            "type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager",
          stat_prefix: statPrefix,
          rds: {
            route_config_name: routeConfig,
            config_source: {
              resource_api_version: "V3",
              path_config_source: { path: place.rdsPath(routeConfig) },
            },
          },
          http_filters: [
            {
              name: "envoy.filters.http.router",
              typed_config: {
                "@type": "type.googleapis.com/envoy.extensions.filters.http.router.v3.Router",
              },
            },
          ],
          upgrade_configs: [{ upgrade_type: "websocket", enabled: true }],
          normalize_path: true,
          merge_slashes: true,
          path_with_escaped_slashes_action: "KEEP_UNCHANGED",
          ...(accessLogPath === undefined ? {} : { access_log: [fileAccessLog(accessLogPath)] }),
        },
      },
    ],
  };
}

function fileAccessLog(path: string): EnvoyObject {
  return {
    name: "envoy.access_loggers.file",
    typed_config: {
      "@type": "type.googleapis.com/envoy.extensions.access_loggers.file.v3.FileAccessLog",
      path,
    },
  };
}
