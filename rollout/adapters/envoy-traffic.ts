import { z } from "zod";
import { slots, type Slot, type Weights } from "../core/assignment.ts";
import type { Readiness } from "../core/decide.ts";
import type { Traffic, TrafficReader } from "../ports.ts";
import { boundedFetch } from "./bounded-fetch.ts";

export interface EnvoyTrafficOptions {
  /** Base URL of Envoy's admin interface. */
  readonly admin: string;
  /** Name of the route configuration that splits the service's requests. */
  readonly routeConfig: string;
  readonly clusters: Readonly<Record<Slot, string>>;
}

/** The admin interface answers from memory; a second is long. It is asked up to twice a second. */
const bounds = { timeoutMs: 2_000, bytesMax: 32 * 1024 * 1024 };

const weightedCluster = z.object({ name: z.string(), weight: z.number().default(0) });

const routeAction = z.object({
  cluster: z.string().optional(),
  weighted_clusters: z.object({ clusters: z.array(weightedCluster) }).optional(),
});
type RouteAction = z.infer<typeof routeAction>;

const routeConfig = z.object({
  name: z.string(),
  virtual_hosts: z
    .array(z.object({ routes: z.array(z.object({ route: routeAction.optional() })).default([]) }))
    .default([]),
});
type RouteConfig = z.infer<typeof routeConfig>;

const configDump = z.object({
  // a refused update stands beside the last good one, at times without any route_config
  configs: z.array(z.object({ route_config: z.unknown().optional() })).default([]),
});

const hostHealth = z.object({
  eds_health_status: z.string().optional(),
  failed_active_health_check: z.boolean().default(false),
  failed_outlier_check: z.boolean().default(false),
  pending_active_hc: z.boolean().default(false),
  pending_dynamic_removal: z.boolean().default(false),
});
type HostHealth = z.infer<typeof hostHealth>;

/** Nothing is said of the host, so nothing against it. */
const unknownHealth = hostHealth.parse({});

const clusterDump = z.object({
  // no default here: what does not list clusters is not Envoy's, and must not read as a dead canary
  cluster_statuses: z.array(
    z.object({
      name: z.string(),
      host_statuses: z.array(z.object({ health_status: hostHealth.optional() })).default([]),
    }),
  ),
});

/** What one Envoy acknowledges on its admin interface: the split it routes by and the health of its hosts. */
export class EnvoyTraffic implements TrafficReader {
  readonly #options: EnvoyTrafficOptions;
  readonly #admin: string;

  constructor(options: EnvoyTrafficOptions) {
    this.#options = options;
    this.#admin = options.admin.replace(/\/+$/, "");
  }

  async read(signal: AbortSignal): Promise<Traffic> {
    const [routes, clusters] = await Promise.all([
      this.#ask("/config_dump?resource=dynamic_route_configs", configDump, signal),
      this.#ask("/clusters?format=json", clusterDump, signal),
    ]);
    return {
      weights: routes === null ? null : this.#weights(routes),
      ready: clusters === null ? null : this.#ready(clusters),
    };
  }

  /** The one split that every route to the service shows; null when they differ or there is none. */
  #weights(dump: z.infer<typeof configDump>): Weights | null {
    const { clusters, routeConfig: name } = this.#options;
    const found = dump.configs
      .map((config) => routeConfig.safeParse(config.route_config))
      .find((parsed) => parsed.success && parsed.data.name === name);
    if (found?.data === undefined) return null;
    const [first, ...others] = splits(found.data, clusters);
    if (first === undefined) return null;
    const agreed = others.every((other) => slots.every((slot) => other[slot] === first[slot]));
    return agreed && first.blue + first.green === 100 ? first : null;
  }

  #ready(dump: z.infer<typeof clusterDump>): Record<Slot, Readiness> {
    const of = (slot: Slot): Readiness => {
      const status = dump.cluster_statuses.find(
        ({ name }) => name === this.#options.clusters[slot],
      );
      const hosts = (status?.host_statuses ?? [])
        .map(({ health_status: health }) => health ?? unknownHealth)
        // left the cluster, and is kept only until its last requests are answered
        .filter((health) => !health.pending_dynamic_removal);
      return { ready: hosts.filter(isHealthy).length, wanted: hosts.length };
    };
    return { blue: of("blue"), green: of("green") };
  }

  async #ask<T extends z.ZodType>(
    path: string,
    schema: T,
    signal: AbortSignal,
  ): Promise<z.output<T> | null> {
    try {
      const answer = await boundedFetch(new URL(this.#admin + path), {}, bounds, signal);
      if (answer.status !== 200) return null;
      const json: unknown = JSON.parse(answer.body);
      return schema.parse(json);
    } catch {
      // the port's word: what cannot be read is null, and the driver's bounds deal with it
      return null;
    }
  }
}

/** Weights per slot of every route that leads to one of them; a slot that a route does not name has 0. */
function splits(config: RouteConfig, clusters: Readonly<Record<Slot, string>>): Weights[] {
  return config.virtual_hosts
    .flatMap((host) => host.routes)
    .flatMap(({ route }) => (route === undefined ? [] : [targets(route)]))
    .filter((named) => slots.some((slot) => named.some(({ name }) => name === clusters[slot])))
    .map((named) => {
      const of = (slot: Slot): number =>
        named.find(({ name }) => name === clusters[slot])?.weight ?? 0;
      return { blue: of("blue"), green: of("green") };
    });
}

function targets(route: RouteAction): z.infer<typeof weightedCluster>[] {
  if (route.weighted_clusters !== undefined) return route.weighted_clusters.clusters;
  return route.cluster === undefined ? [] : [{ name: route.cluster, weight: 100 }];
}

/** As Envoy's load balancer sees it; a host whose first health check is still open gets no requests. */
function isHealthy(health: HostHealth): boolean {
  const announced = health.eds_health_status ?? "UNKNOWN";
  return (
    !health.failed_active_health_check &&
    !health.failed_outlier_check &&
    !health.pending_active_hc &&
    // a degraded host still gets requests, when there is nothing better
    ["UNKNOWN", "HEALTHY", "DEGRADED"].includes(announced)
  );
}
