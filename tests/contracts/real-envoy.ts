import { createServer, type Server } from "node:http";
import { once } from "node:events";
import { readFile, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { EnvoyTraffic } from "../../rollout/adapters/envoy-traffic.ts";
import { slots, type Weights } from "../../rollout/core/assignment.ts";
import { waitUntil } from "../cluster/wait-until.ts";
import { RealServer } from "./real-server.ts";
import type { RouterUnderTest } from "./traffic.contract.ts";

const clusters = { blue: "podinfo-blue", green: "podinfo-green" } as const;

/** A real Envoy with two workloads in slot blue, none in green, and a route that starts with all to blue. */
export async function realEnvoy(): Promise<RouterUnderTest> {
  const workloads = await Promise.all([workload(), workload()]);
  const server = await RealServer.start("envoy", async (directory) => {
    await writeFile(join(directory, "route.json"), routeFile({ blue: 100, green: 0 }));
    const ports = workloads.map(({ port }) => port);
    await writeFile(join(directory, "envoy.json"), bootstrap(directory, ports));
    const admin = ["--admin-address-path", join(directory, "admin")];
    return [
      "-c",
      join(directory, "envoy.json"),
      ...admin,
      "--disable-hot-restart",
      "--concurrency",
      "1",
    ];
  });
  const stop = async (): Promise<void> => {
    await server.close();
    for (const { server: one } of workloads) one.close();
  };
  try {
    const address = await waitUntil("Envoy says where its admin interface is", 20_000, async () => {
      await server.log();
      // there, and still empty, for a moment
      return (await readFile(join(server.directory, "admin"), "utf8")).trim() || false;
    });
    const admin = `http://${address}`;
    return {
      reader: new EnvoyTraffic({ admin, routeConfig: "podinfo", clusters }),
      async split(weights) {
        const aside = join(server.directory, "route.json.new");
        await writeFile(aside, routeFile(weights));
        await rename(aside, join(server.directory, "route.json"));
      },
      async ready(count) {
        await Promise.resolve();
        workloads.forEach((one, index) => one.setReady(index < count));
      },
      unreachable: () => server.kill(),
      close: stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

interface Workload {
  readonly server: Server;
  readonly port: number;
  setReady(ready: boolean): void;
}

async function workload(): Promise<Workload> {
  let ready = true;
  const server = createServer((_request, response) => {
    response.writeHead(ready ? 200 : 503).end();
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("no port");
  return { server, port: address.port, setReady: (value) => (ready = value) };
}

function routeFile(weights: Weights): string {
  const route = {
    "@type": "type.googleapis.com/envoy.config.route.v3.RouteConfiguration",
    name: "podinfo",
    virtual_hosts: [
      {
        name: "podinfo",
        domains: ["*"],
        routes: [
          {
            match: { prefix: "/" },
            route: {
              weighted_clusters: {
                clusters: slots.map((slot) => ({ name: clusters[slot], weight: weights[slot] })),
              },
            },
          },
        ],
      },
    ],
  };
  return JSON.stringify({ resources: [route] });
}

function bootstrap(directory: string, bluePorts: readonly number[]): string {
  const manager = {
    "@type":
      "type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager",
    stat_prefix: "podinfo",
    rds: {
      route_config_name: "podinfo",
      config_source: {
        resource_api_version: "V3",
        path_config_source: { path: join(directory, "route.json") },
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
  };
  return JSON.stringify({
    node: { id: "test", cluster: "test" },
    admin: { address: loopback(0) },
    static_resources: {
      listeners: [
        {
          name: "podinfo",
          address: loopback(0),
          filter_chains: [
            {
              filters: [
                {
                  name: "envoy.filters.network.http_connection_manager",
                  typed_config: manager,
                },
              ],
            },
          ],
        },
      ],
      clusters: [cluster(clusters.blue, bluePorts), cluster(clusters.green, [])],
    },
  });
}

function cluster(name: string, ports: readonly number[]): object {
  return {
    name,
    type: "STATIC",
    load_assignment: {
      cluster_name: name,
      endpoints: [
        { lb_endpoints: ports.map((port) => ({ endpoint: { address: loopback(port) } })) },
      ],
    },
    health_checks: [
      {
        timeout: "1s",
        interval: "0.2s",
        no_traffic_interval: "0.2s",
        healthy_threshold: 1,
        unhealthy_threshold: 1,
        http_health_check: { path: "/readyz" },
      },
    ],
  };
}

function loopback(port: number): object {
  return { socket_address: { address: "127.0.0.1", port_value: port } };
}
