import { listenerOf, type AcceptedGateway, type AcceptedNode } from "./account.ts";
import { seconds, toMs } from "./durations.ts";
import { endpointsOf, type Endpoint, type Network } from "./endpoints.ts";
import { nodeClusterName, selfRedirectClusterName } from "./names.ts";
import type { ConnectionPool, HealthCheck, NodeListener, Protocol } from "./objects.ts";
import type { EnvoyObject } from "./envoy-object.ts";

/** App Mesh opened Envoy's circuit breakers as far as they go. */
const unlimited = 2_147_483_647;

const openBreakers = {
  max_connections: unlimited,
  max_pending_requests: unlimited,
  max_requests: unlimited,
  max_retries: unlimited,
};

/** A node's cluster and the endpoints behind it. */
export interface NodeCluster {
  readonly name: string;
  readonly cluster: EnvoyObject;
  readonly assignment: EnvoyObject;
}

/** Name of the cluster of one listener of a node; undefined when the node has no such listener. */
export function clusterOfTarget(
  node: AcceptedNode,
  port: number | undefined,
): { readonly name: string; readonly listener: NodeListener } | undefined {
  const listener = listenerOf(node, port);
  if (listener === undefined) return undefined;
  const { protocol, port: ownPort } = listener.portMapping;
  return { name: nodeClusterName(node.mesh, node.awsName, protocol, ownPort), listener };
}

/** @param edsPath file that will hold the cluster's endpoints */
export function nodeCluster(
  node: AcceptedNode,
  listener: NodeListener,
  network: Network,
  edsPath: (cluster: string) => string,
): NodeCluster {
  const { protocol, port } = listener.portMapping;
  const name = nodeClusterName(node.mesh, node.awsName, protocol, port);
  return {
    name,
    cluster: {
      "@type": "type.googleapis.com/envoy.config.cluster.v3.Cluster",
      name,
      type: "EDS",
      eds_cluster_config: {
        service_name: name,
        eds_config: {
          resource_api_version: "V3",
          path_config_source: { path: edsPath(name) },
          // A cluster without its file must not hold up the others.
          initial_fetch_timeout: "5s",
        },
      },
      connect_timeout: "1s",
      circuit_breakers: { thresholds: [openBreakers] },
      ...protocolOptions(protocol),
      ...healthChecks(listener),
      ...outlierDetection(listener),
    },
    assignment: assignmentOf(name, endpointsOf(node, listener, network), listener.healthCheck),
  };
}

function assignmentOf(
  name: string,
  endpoints: readonly Endpoint[],
  healthCheck: HealthCheck | undefined,
): EnvoyObject {
  const checked =
    healthCheck?.port === undefined
      ? {}
      : { health_check_config: { port_value: healthCheck.port } };
  return {
    "@type": "type.googleapis.com/envoy.config.endpoint.v3.ClusterLoadAssignment",
    cluster_name: name,
    endpoints: [
      {
        lb_endpoints: endpoints.map(({ address, port }) => ({
          endpoint: { address: socketAddress(address, port), ...checked },
        })),
      },
    ],
  };
}

/** An address as Envoy has it. */
export function socketAddress(address: string, port: number): EnvoyObject {
  return { socket_address: { address, port_value: port } };
}

function protocolOptions(protocol: Protocol): EnvoyObject {
  if (protocol !== "http2" && protocol !== "grpc") return {};
  return {
    typed_extension_protocol_options: {
      "envoy.extensions.upstreams.http.v3.HttpProtocolOptions": {
        "@type": "type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions",
        explicit_http_config: { http2_protocol_options: {} },
      },
    },
  };
}

function healthChecks({ healthCheck }: NodeListener): EnvoyObject {
  if (healthCheck === undefined) return {};
  const { healthyThreshold, unhealthyThreshold, intervalMillis, timeoutMillis } = healthCheck;
  return {
    health_checks: [
      {
        interval: seconds(intervalMillis),
        // Envoy would wait 60 s while a node has no traffic, and a canary begins without.
        no_traffic_interval: seconds(intervalMillis),
        timeout: seconds(timeoutMillis),
        healthy_threshold: healthyThreshold,
        unhealthy_threshold: unhealthyThreshold,
        ...healthChecker(healthCheck),
      },
    ],
    // Endpoints come from Kubernetes: one that is gone there takes no more requests, checked or not.
    ignore_health_on_host_removal: true,
  };
}

function healthChecker({ protocol, path = "/" }: HealthCheck): EnvoyObject {
  switch (protocol) {
    case "http":
      return { http_health_check: { path } };
    case "http2":
      return { http_health_check: { path, codec_client_type: "HTTP2" } };
    case "grpc":
      return { grpc_health_check: {} };
    case "tcp":
      return { tcp_health_check: {} };
  }
}

function outlierDetection({ outlierDetection: detection }: NodeListener): EnvoyObject {
  if (detection === undefined) return {};
  return {
    outlier_detection: {
      consecutive_5xx: detection.maxServerErrors,
      interval: seconds(toMs(detection.interval)),
      base_ejection_time: seconds(toMs(detection.baseEjectionDuration)),
      max_ejection_percent: detection.maxEjectionPercent,
      enforcing_success_rate: 0,
      enforcing_failure_percentage: 0,
    },
  };
}

/** The cluster by which a gateway hands requests to its own egress listener. */
export function selfRedirectCluster(
  gateway: AcceptedGateway,
  protocol: Protocol,
  pool: ConnectionPool | undefined,
  egress: Endpoint,
): EnvoyObject {
  const name = selfRedirectClusterName(gateway.mesh, gateway.awsName, protocol);
  return {
    "@type": "type.googleapis.com/envoy.config.cluster.v3.Cluster",
    name,
    type: "STATIC",
    connect_timeout: "0.25s",
    circuit_breakers: { thresholds: [{ ...openBreakers, ...poolBreakers(pool) }] },
    ...protocolOptions(protocol),
    load_assignment: {
      cluster_name: name,
      endpoints: [
        { lb_endpoints: [{ endpoint: { address: socketAddress(egress.address, egress.port) } }] },
      ],
    },
  };
}

function poolBreakers(pool: ConnectionPool | undefined): EnvoyObject {
  const { http, http2, grpc } = pool ?? {};
  const requests = http2?.maxRequests ?? grpc?.maxRequests;
  return {
    ...(http === undefined ? {} : { max_connections: http.maxConnections }),
    ...(http?.maxPendingRequests === undefined
      ? {}
      : { max_pending_requests: http.maxPendingRequests }),
    ...(requests === undefined ? {} : { max_requests: requests }),
  };
}
