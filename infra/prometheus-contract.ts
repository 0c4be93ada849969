import { z } from "zod";
import { awsRegion } from "./aws-names.ts";
import { clusterAccessSchema } from "./cluster-access.ts";
import { duration } from "./duration.ts";
import { label, objectName, port } from "./object-names.ts";

/** The part of the stack contract that is about the Prometheus of a cluster: what users write, and what outputs say. */

const inCluster = z.strictObject({ namespace: label, service: label, port });

/** A workspace of Amazon Managed Prometheus, as the driver asks it: with signed queries. */
const workspaceAddress = z.strictObject({
  /** Base URL of its HTTP API. */
  endpoint: z.url(),
  region: awsRegion,
});

/**
 * Where Prometheus is: a URL that the driver reaches, a Service reached through the API server, or a workspace of
 * Amazon Managed Prometheus.
 */
export const prometheusPlaceSchema = z.union(
  [
    z.strictObject({ address: z.url() }),
    z.strictObject({ service: inCluster }),
    z.strictObject({ amp: workspaceAddress }),
  ],
  'write {address: "http://…"}; {service: {namespace, service, port}} for one inside the cluster; or {amp: {endpoint, region}}',
);
export type PrometheusPlace = z.infer<typeof prometheusPlaceSchema>;

export const serviceProxySchema = inCluster.extend({ cluster: clusterAccessSchema });
/** A Service reached through the API server, with the rights of whoever drives. */
export type ServiceProxy = z.infer<typeof serviceProxySchema>;

/** What signs queries of a workspace. */
export const querySigningSchema = workspaceAddress.pick({ region: true });

// ---- what users write ----------------------------------------------------------------------------

/** An amount of memory as Kubernetes writes it, whole and with a binary unit. */
const memory = z.string().regex(/^[1-9]\d*[MG]i$/, 'is not a size such as "512Mi" or "2Gi"');

/** An amount of disk, likewise; below 1 Gi is no room for the two hours that Prometheus writes at once. */
const diskSize = z.string().regex(/^[1-9]\d*[GT]i$/, 'is not a size such as "10Gi" or "1Ti"');

const scrapeInterval = duration.refine((ms) => ms >= 100, "is below 100ms").default(5_000);

const deployWritten = z.strictObject({
  image: z
    .string()
    .regex(/@sha256:|:(?!latest$)[^/:]+$/, "names no fixed version: give a tag other than latest")
    .default("prom/prometheus:v3.16.0"),
  scrapeInterval,
  /**
   * Host and port of what exports the router's counters, with a path where it is not Envoy's `/stats/prometheus`. Each
   * must be one process: behind a Service of several, counters of one would be taken for those of another.
   */
  targets: z
    .array(z.string().regex(/^(\[[\da-fA-F:]+\]|[\w.-]+):\d{1,5}(\/.*)?$/, "is not HOST:PORT"))
    .default([]),
  /**
   * Namespaces beside those of services in which pods that ask to be scraped (annotation `prometheus.io/scrape`) are
   * found, such as the one of the gateway's Envoys.
   */
  namespaces: z.array(label).default([]),
  /** What it gets, and no more. */
  memory: memory.default("512Mi"),
  /** How long it keeps what it measured, as long as there is room. */
  retention: duration.refine((ms) => ms >= 3_600_000, "is below 1h").default(6 * 3_600_000),
  /** Keeps what it measured when its pod goes; without, it is in the pod. */
  volume: z
    .strictObject({
      size: diskSize,
      /** A StorageClass of the cluster. Default: the cluster's own; "" for a volume that is there. */
      storageClass: z.union([objectName, z.literal("")]).optional(),
    })
    .optional(),
});
/** A Prometheus that the platform deploys. */
export type PrometheusDeployment = z.infer<typeof deployWritten>;

const operatorWritten = z.strictObject({
  /** Labels of the PodMonitors: those that the Prometheus selects (`podMonitorSelector`). */
  labels: z.record(z.string(), z.string()).default({}),
  /** As of a Prometheus that is deployed. */
  namespaces: z.array(label).default([]),
  scrapeInterval,
});
/** How a Prometheus of the Prometheus Operator, which is there, gets the series of the router. */
export type OperatorSettings = z.infer<typeof operatorWritten>;

const ampWritten = z.strictObject({
  /** One that is there. */
  workspaceId: z
    .string()
    .regex(/^ws-[\da-f-]{36}$/, "is not the ID of a workspace, such as ws-12345678-1234-…")
    .optional(),
  region: awsRegion.optional(),
  /** Make one, in the region of the platform. */
  create: z.boolean().default(false),
  /** Role that the deployed Prometheus writes with. Default: on target `eks` one that this stack makes. */
  roleArn: z
    .string()
    .regex(/^arn:aws[a-z-]*:iam::\d{12}:role\/.+$/, "is not the ARN of a role")
    .optional(),
});

/** A workspace of Amazon Managed Prometheus: one that is there, or one that this stack makes. */
export type AmpSettings = { readonly roleArn?: string } & (
  { readonly workspaceId: string; readonly region: string } | { readonly create: true }
);

const dashboardWritten = z.strictObject({
  /** Default: the platform's. */
  namespace: label.optional(),
  /** By which Grafana's sidecar finds it. */
  labels: z.record(z.string(), z.string()).default({ grafana_dashboard: "1" }),
});

/** What is declared and asked for the metrics of a platform. */
export interface PrometheusSettings {
  /** What the checks of rollouts ask; `deployed`: the one of `deploy`. */
  readonly asked:
    | "deployed"
    | Exclude<PrometheusPlace, { readonly amp: unknown }>
    | { readonly amp: AmpSettings };
  /** One that this stack deploys; with a workspace it is what fills that. */
  readonly deploy?: PrometheusDeployment;
  readonly operator?: OperatorSettings;
  readonly dashboard?: z.infer<typeof dashboardWritten>;
}

const written = z.strictObject({
  address: z.url().optional(),
  service: inCluster.optional(),
  deploy: deployWritten.optional(),
  amp: ampWritten.optional(),
  operator: operatorWritten.optional(),
  dashboard: dashboardWritten.optional(),
});

/** What users write under `prometheus` of a platform: one that is there, or one that this stack deploys. */
export const prometheusWritten = written.transform((given, context) =>
  settingsOf(given, "kubernetes", (path, message) =>
    context.addIssue({ code: "custom", path, message }),
  ),
);

/** The same of a platform of target `eks`, whose stack can make a workspace too. */
export const eksPrometheusWritten = written.transform((given, context) =>
  settingsOf(given, "eks", (path, message) => context.addIssue({ code: "custom", path, message })),
);

function settingsOf(
  { address, service, deploy, amp, operator, dashboard }: z.output<typeof written>,
  target: "kubernetes" | "eks",
  refuse: (path: string[], message: string) => void,
): PrometheusSettings {
  const asked = [
    ...(address === undefined ? [] : [{ address }]),
    ...(service === undefined ? [] : [{ service }]),
    ...(amp === undefined ? [] : [{ amp: ampOf(amp, target, refuse) }]),
  ];
  // beside a workspace it is what fills it
  const isAsked = deploy !== undefined && amp === undefined;
  const [only = "deployed" as const] = asked;
  if (asked.length + (isAsked ? 1 : 0) !== 1) {
    const message =
      "give one of address, service, deploy and amp (`deploy: {}` for all defaults; deploy beside amp fills the workspace)";
    refuse([], message);
  }
  const isFilledHere = deploy !== undefined || amp?.create === true;
  if (operator !== undefined && isFilledHere) {
    const message =
      "is for a Prometheus that is there, and this stack deploys its own: remove one of the two";
    refuse(["operator"], message);
  }
  if (amp?.roleArn !== undefined && !isFilledHere) {
    const message = "is what a deployed Prometheus writes with: give deploy too, or remove it";
    refuse(["amp", "roleArn"], message);
  }
  const deployed = deploy ?? (amp?.create === true ? deployWritten.parse({}) : undefined);
  return {
    asked: only,
    ...(deployed === undefined ? {} : { deploy: deployed }),
    ...(operator === undefined ? {} : { operator }),
    ...(dashboard === undefined ? {} : { dashboard }),
  };
}

function ampOf(
  { workspaceId = "", region: given, create, roleArn }: z.output<typeof ampWritten>,
  target: "kubernetes" | "eks",
  refuse: (path: string[], message: string) => void,
): AmpSettings {
  const role = roleArn === undefined ? {} : { roleArn };
  if (create) {
    if (target !== "eks") {
      const message =
        "needs target eks: make the workspace otherwise, and give its workspaceId and region";
      refuse(["amp", "create"], message);
    }
    if (workspaceId !== "") {
      refuse(["amp", "workspaceId"], "is of a workspace that is there: remove it, or create");
    }
    if (given !== undefined) {
      refuse(["amp", "region"], "is the platform's for a workspace that is created: remove it");
    }
    return { create, ...role };
  }
  if (workspaceId === "") {
    refuse(["amp", "workspaceId"], "is not set: name a workspace that is there, or `create: true`");
  }
  if (given === undefined) {
    refuse(["amp", "region"], "is not set: a workspace is in one region, such as eu-central-1");
  }
  return { workspaceId, region: given ?? "", ...role };
}
