import { readFileSync } from "node:fs";
import * as kubernetes from "@pulumi/kubernetes";
import type { Slot } from "../contract.ts";
import type { RouterWritten } from "../router-contract.ts";
import { egressCluster } from "../routers/app-mesh-objects.ts";
import { envoyQueries } from "../routers/envoy-queries.ts";
import { gatewayProfiles } from "../routers/gateway-profiles.ts";
import { slotName } from "../service/kubernetes-names.ts";
import type { DeclareOptions } from "./declare-options.ts";
import { ownedMetadata } from "./owned-object.ts";

/** Name of the ConfigMap with the dashboard. */
export const dashboardName = "upramp-rollout-dashboard";

/** Grafana's variables, which stand for the service that is looked at. */
const shown = { namespace: "${namespace}", service: "${service}", port: "${port}" } as const;

/** Grafana's own choice of a window that holds enough scrapes. */
const window = "$__rate_interval";

/** What the dashboard is declared from. */
export interface DashboardArgs {
  /** Full name of the stack. */
  readonly owner: string;
  /** Where the ConfigMap is. */
  readonly namespace: string;
  /** The namespace of services that is looked at first. */
  readonly viewed: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly router: RouterWritten;
}

/** A ConfigMap with the dashboard of rollouts, which a Grafana's sidecar finds by its labels. */
export function declareDashboard(
  prefix: string,
  { owner, namespace, viewed, labels, router }: DashboardArgs,
  options: DeclareOptions,
): kubernetes.core.v1.ConfigMap {
  return new kubernetes.core.v1.ConfigMap(
    `${prefix}-dashboard`,
    {
      metadata: ownedMetadata({ owner, namespace, name: dashboardName }, labels),
      data: { "upramp-rollout.json": rolloutDashboard(router, viewed) },
    },
    options,
  );
}

/** Whether there are series of this router to show. */
export function hasDashboard(router: RouterWritten): boolean {
  return "request-rate" in slotQueries(router, "blue");
}

/** The dashboard as Grafana imports it, with the queries of this router. */
export function rolloutDashboard(router: RouterWritten, namespace: string): string {
  const frame = readFileSync(new URL("rollout-dashboard.json", import.meta.url), "utf8");
  const asJson = (text: string): string => JSON.stringify(text).slice(1, -1);
  return frame
    .replaceAll("{{ namespace }}", asJson(namespace))
    .replaceAll(/\{\{ (\S+) of (blue|green) \}\}/g, (_, metric: string, slot: Slot) =>
      asJson(expression(router, metric, slot)),
    );
}

function expression(router: RouterWritten, metric: string, slot: Slot): string {
  const query = (name: string, of: Slot): string => {
    const found = slotQueries(router, of)[name];
    if (found === undefined) throw new Error(`no query of the router is called ${name}`);
    return found;
  };
  if (metric !== "share") return query(metric, slot);
  const rates = (["blue", "green"] as const).map(
    (one) => `(${query("request-rate", one)} or vector(0))`,
  );
  // a slot without any series has no requests
  return `100 * (${query("request-rate", slot)} or vector(0)) / ((${rates.join(" + ")}) > 0)`;
}

/** The router's queries about one slot of the service that is looked at. */
function slotQueries(router: RouterWritten, slot: Slot): Readonly<Record<string, string>> {
  const name = slotName(shown.service, slot);
  const { namespace, port } = shown;
  const [queries, variables] =
    router.kind === "app-mesh"
      ? [
          envoyQueries(`envoy_cluster_name="{{ cluster }}"`),
          {
            cluster: egressCluster({
              mesh: router.mesh,
              node: name,
              namespace,
              protocol: "http",
              port,
            }),
          },
        ]
      : [
          gatewayProfiles[router.profile].queries,
          gatewayProfiles[router.profile].variables({ namespace, name, port }),
        ];
  const known: Readonly<Record<string, string>> = { ...variables, window };
  return Object.fromEntries(
    Object.entries(queries).map(([key, template]) => [
      key,
      template.replaceAll(
        /\{\{ (\S+) \}\}/g,
        (whole, variable: string) => known[variable] ?? whole,
      ),
    ]),
  );
}
