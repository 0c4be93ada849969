import * as pulumi from "@pulumi/pulumi";
import type { PlatformOutputs, Slot } from "../contract.ts";
import { File, Route, XdsEntry } from "../local/resources.ts";
import { clusterName, perSlot, routeConfigName, slots, xdsPaths } from "../names.ts";
import { envoyQueries } from "./envoy-queries.ts";
import type { Routed, Router, RouterArgs } from "./router.ts";

/**
 * Router `envoy`: one Envoy that takes its configuration from files. A service has one listener, one route with
 * weighted clusters, one cluster a slot and one file of endpoints a slot. A change of weights touches the route
 * file only.
 */
export function envoyRouter(platform: PlatformOutputs): Router {
  return { declare: (args, parent) => declareService(platform, args, parent) };
}

function declareService(
  { envoy, logs, stack }: PlatformOutputs,
  args: RouterArgs,
  parent: pulumi.Resource,
): Routed {
  const { service } = args;
  const paths = xdsPaths(envoy.directory, service);
  const clusters = perSlot((slot) => clusterName(service, slot));
  const endpoints = slots.map(
    (slot) =>
      new File(
        `${clusters[slot]}-endpoints`,
        {
          path: paths.endpoints[slot],
          content: pulumi
            .output(args.slotPorts[slot])
            .apply((ports) => fileOf(endpointsOf(clusters[slot], ports))),
        },
        { parent },
      ),
  );
  const route = new Route(
    `${service}-route`,
    {
      path: paths.route,
      template: fileOf(routeTemplate(service, clusters)),
      weights: args.weights,
    },
    // endpoints first: weight goes only where processes are known
    { parent, dependsOn: endpoints, ...(args.keepWeights ? { ignoreChanges: ["weights"] } : {}) },
  );
  const entry = new XdsEntry(
    `${service}-envoy`,
    {
      directory: envoy.directory,
      name: service,
      port: args.port,
      portKey: "upramp:service.port",
      listeners: JSON.stringify([listenerOf(service, paths.route)]),
      clusters: JSON.stringify(
        slots.map((slot) => clusterOf(clusters[slot], paths.endpoints[slot], args.readinessPath)),
      ),
      hint:
        `if it is not running, \`pulumi refresh --stack ${stack}\` and \`pulumi up --stack ${stack}\` ` +
        `start it again; its log is among ${logs.join(", ")}`,
    },
    { parent, dependsOn: [route, ...endpoints] },
  );
  return {
    endpoint: pulumi.interpolate`http://127.0.0.1:${entry.boundPort}`,
    weights: route.weights,
    route,
    traffic: {
      router: "envoy",
      admin: envoy.admin,
      routeConfig: routeConfigName(service),
      clusters,
    },
    queries: envoyQueries(`envoy_cluster_name="{{ cluster }}"`),
    variables: perSlot((slot) => ({ cluster: clusters[slot], target: service })),
  };
}

/** Envoy takes a file that it watches as a list of resources. */
function fileOf(resource: object): string {
  return JSON.stringify({ resources: [resource] });
}

function endpointsOf(cluster: string, ports: readonly number[]): object {
  return {
    "@type": "type.googleapis.com/envoy.config.endpoint.v3.ClusterLoadAssignment",
    cluster_name: cluster,
    endpoints: [{ lb_endpoints: ports.map((port) => ({ endpoint: { address: loopback(port) } })) }],
  };
}

function loopback(port: number | string): object {
  return { socket_address: { address: "127.0.0.1", port_value: port } };
}

function routeTemplate(service: string, clusters: Readonly<Record<Slot, string>>): object {
  return {
    "@type": "type.googleapis.com/envoy.config.route.v3.RouteConfiguration",
    name: routeConfigName(service),
    virtual_hosts: [
      {
        name: service,
        domains: ["*"],
        routes: [
          {
            match: { prefix: "/" },
            route: {
              weighted_clusters: {
                clusters: slots.map((slot) => ({
                  name: clusters[slot],
                  weight: `{{ ${slot} }}`,
                })),
              },
              // only what never reached the service is tried again, so that no error of a canary is hidden
              retry_policy: { retry_on: "connect-failure,reset-before-request", num_retries: 1 },
            },
          },
        ],
      },
    ],
  };
}

function listenerOf(service: string, routeFile: string): object {
  return {
    "@type": "type.googleapis.com/envoy.config.listener.v3.Listener",
    name: service,
    address: loopback("{{ port }}"),
    filter_chains: [
      {
        filters: [
          {
            name: "envoy.filters.network.http_connection_manager",
            typed_config: {
              "@type":
                "type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager",
              stat_prefix: service,
              rds: {
                route_config_name: routeConfigName(service),
                config_source: fileSource(routeFile),
              },
              http_filters: [
                {
                  name: "envoy.filters.http.router",
                  typed_config: {
                    "@type": "type.googleapis.com/envoy.extensions.filters.http.router.v3.Router",
                  },
                },
              ],
            },
          },
        ],
      },
    ],
  };
}

function clusterOf(cluster: string, endpointsFile: string, readinessPath: string): object {
  return {
    "@type": "type.googleapis.com/envoy.config.cluster.v3.Cluster",
    name: cluster,
    type: "EDS",
    connect_timeout: "1s",
    eds_cluster_config: { service_name: cluster, eds_config: fileSource(endpointsFile) },
    // how the driver reads back which processes are ready
    health_checks: [
      {
        timeout: "1s",
        interval: "1s",
        no_traffic_interval: "1s",
        healthy_threshold: 1,
        unhealthy_threshold: 2,
        http_health_check: {
          path: readinessPath,
          expected_statuses: [{ start: 200, end: 400 }],
        },
      },
    ],
    // a drained process is left out at once, not when its health check fails
    ignore_health_on_host_removal: true,
    typed_extension_protocol_options: {
      "envoy.extensions.upstreams.http.v3.HttpProtocolOptions": {
        "@type": "type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions",
        explicit_http_config: { http_protocol_options: {} },
        // below the 5 s after which Node closes an idle connection: the side that sends closes first
        common_http_protocol_options: { idle_timeout: "4s" },
      },
    },
  };
}

function fileSource(path: string): object {
  return { resource_api_version: "V3", path_config_source: { path } };
}
