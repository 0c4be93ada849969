import type { Cluster } from "../cluster.ts";
import { startContour } from "./contour.ts";
import { startEnvoyGateway } from "./envoy-gateway.ts";
import type { GatewayName, TestGateway } from "./gateway.ts";

const starters: Readonly<Record<GatewayName, (cluster: Cluster) => Promise<TestGateway>>> = {
  contour: startContour,
  "envoy-gateway": startEnvoyGateway,
};

const started = new WeakMap<Cluster, Map<GatewayName, Promise<TestGateway>>>();

/** A released gateway on a cluster; started on first use, 3 to 6 s later ready to route. */
export function startGateway(name: GatewayName, cluster: Cluster): Promise<TestGateway> {
  const running = started.get(cluster) ?? new Map<GatewayName, Promise<TestGateway>>();
  started.set(cluster, running);
  const gateway = running.get(name) ?? starters[name](cluster);
  running.set(name, gateway);
  return gateway;
}
