import * as pulumi from "@pulumi/pulumi";
import type { KubernetesPlatformSettings } from "../kubernetes-contract.ts";
import type { PrometheusPlace } from "../prometheus-contract.ts";
import type { AwsPlace } from "./charts/aws-place.ts";
import { declareDashboard } from "./dashboard.ts";
import type { DeclareOptions } from "./declare-options.ts";
import type { Part } from "./part.ts";
import { declarePrometheus } from "./prometheus-deployment.ts";
import { declarePodMonitors } from "./prometheus-operator.ts";
import { serviceNamespacesOf } from "./service-namespaces.ts";
import { existingWorkspace, type Workspace } from "./workspace.ts";

/** What of AWS the metrics of a platform of target `eks` go by. */
export type AwsAccess = Pick<AwsPlace, "identity" | "region">;

/** What the checks of rollouts ask, and what brings the series that they ask for. */
export async function declareMetrics(
  prefix: string,
  owner: string,
  settings: KubernetesPlatformSettings,
  options: DeclareOptions,
  aws?: AwsAccess,
): Promise<Part<pulumi.Input<PrometheusPlace>>> {
  const { deploy, operator, dashboard } = settings.prometheus;
  const { router } = settings;
  const namespace = settings.namespace.name;
  const serviceNamespaces = serviceNamespacesOf(settings);
  const common = { owner, namespace, serviceNamespaces, router };
  const workspace = await workspaceOf(prefix, owner, settings, options, aws);
  const deployed =
    deploy === undefined
      ? undefined
      : declarePrometheus(
          prefix,
          { ...common, settings: deploy, workspace: workspace?.at, roleArn: workspace?.roleArn },
          options,
        );
  const monitors =
    operator === undefined
      ? []
      : declarePodMonitors(prefix, { ...common, settings: operator }, options);
  const dashboards =
    dashboard === undefined
      ? []
      : [
          declareDashboard(
            prefix,
            {
              owner,
              router,
              viewed: namespace,
              ...dashboard,
              namespace: dashboard.namespace ?? namespace,
            },
            options,
          ),
        ];
  return {
    place: placeOf(settings, workspace, deployed?.place),
    resources: [
      ...(workspace?.resources ?? []),
      ...(deployed?.resources ?? []),
      ...monitors,
      ...dashboards,
    ],
  };
}

/** A workspace that is there needs nothing of AWS, unless this stack makes the role that it is written with. */
async function workspaceOf(
  prefix: string,
  owner: string,
  { prometheus: { asked, deploy }, namespace }: KubernetesPlatformSettings,
  options: DeclareOptions,
  aws: AwsAccess | undefined,
): Promise<Workspace | undefined> {
  if (typeof asked === "string" || !("amp" in asked)) return undefined;
  const { amp } = asked;
  if (aws !== undefined && deploy !== undefined) {
    // other platforms are spared the packages of AWS
    const { declareWorkspace } = await import("./amp.ts");
    return declareWorkspace(prefix, { owner, amp, namespace: namespace.name, ...aws }, options);
  }
  // the configuration of other targets has been refused one
  if ("create" in amp) throw new Error("a workspace is made on target eks only");
  return existingWorkspace(amp);
}

function placeOf(
  { prometheus: { asked } }: KubernetesPlatformSettings,
  workspace: Workspace | undefined,
  deployed: PrometheusPlace | undefined,
): pulumi.Input<PrometheusPlace> {
  if (workspace !== undefined) return pulumi.output(workspace.at).apply((amp) => ({ amp }));
  if (typeof asked === "object" && !("amp" in asked)) return asked;
  if (deployed !== undefined) return deployed;
  throw new Error("no Prometheus was chosen");
}
