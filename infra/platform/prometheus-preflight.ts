import { z } from "zod";
import type { PrometheusDeployment } from "../prometheus-contract.ts";
import { ownerAnnotation } from "../owner.ts";
import { dashboardName, hasDashboard } from "./dashboard.ts";
import {
  objectSchema,
  takenFaults,
  type ObjectReader,
  type PlatformPreflightArgs,
} from "./preflight-objects.ts";
import { prometheusName } from "./prometheus-deployment.ts";
import { operatorVersion, podMonitorNames } from "./prometheus-operator.ts";

/** What of the metrics of a platform is missing or in the way. */
export async function prometheusFaults(
  reader: ObjectReader,
  args: PlatformPreflightArgs,
): Promise<readonly string[]> {
  const { asked, deploy, operator, dashboard } = args.settings.prometheus;
  const faults = await Promise.all([
    typeof asked === "object" && "service" in asked ? serviceFaults(reader, asked.service) : [],
    deploy === undefined ? [] : deploymentFaults(reader, args, deploy),
    operator === undefined ? [] : operatorFaults(reader, args),
    dashboard === undefined ? [] : dashboardFaults(reader, args, dashboard.namespace),
  ]);
  return faults.flat();
}

/** An object of this name in the platform's namespace that is somebody else's. */
async function takenName(
  reader: ObjectReader,
  { settings, owner }: PlatformPreflightArgs,
  apiVersion: string,
  kind: string,
  name: string,
  namespace = settings.namespace.name,
): Promise<readonly string[]> {
  const found = await reader.lookUp({ apiVersion, kind, namespace, name });
  const use = "a namespace has room for what one platform declares for its metrics";
  return takenFaults(found, owner, `${kind} ${namespace}/${name}`, use);
}

async function deploymentFaults(
  reader: ObjectReader,
  args: PlatformPreflightArgs,
  { volume }: PrometheusDeployment,
): Promise<readonly string[]> {
  const kinds = [
    ["v1", "ServiceAccount"],
    ["v1", "Service"],
    ["apps/v1", "Deployment"],
    ...(volume === undefined ? [] : [["v1", "PersistentVolumeClaim"] as const]),
  ] as const;
  const taken = await Promise.all(
    kinds.map(([apiVersion, kind]) => takenName(reader, args, apiVersion, kind, prometheusName)),
  );
  return [
    ...taken.flat(),
    ...(volume === undefined ? [] : await volumeFaults(reader, args, volume)),
  ];
}

const claimSchema = z.object({
  spec: z.object({
    storageClassName: z.string().optional(),
    resources: z.object({ requests: z.object({ storage: z.string() }) }),
  }),
});

/** A change of a volume that would replace it, and lose what is on it. */
async function volumeFaults(
  reader: ObjectReader,
  { settings, owner }: PlatformPreflightArgs,
  { size, storageClass }: NonNullable<PrometheusDeployment["volume"]>,
): Promise<readonly string[]> {
  const namespace = settings.namespace.name;
  const place = {
    apiVersion: "v1",
    kind: "PersistentVolumeClaim",
    namespace,
    name: prometheusName,
  };
  const found = await reader.lookUp(place);
  if (found.kind !== "found") return [];
  const { metadata } = objectSchema.parse(found.object);
  if (metadata.annotations[ownerAnnotation] !== owner) return [];
  const { spec } = claimSchema.parse(found.object);
  const held = spec.resources.requests.storage;
  const key = "prometheus.deploy.volume";
  return [
    ...(storageClass !== undefined && storageClass !== spec.storageClassName
      ? [
          `${key}.storageClass = "${storageClass}": the volume is of class "${spec.storageClassName ?? ""}", and another ` +
            "one would be empty: set it back; or remove `volume`, update, and give it anew",
        ]
      : []),
    ...(gibibytes(size) < gibibytes(held)
      ? [
          `${key}.size = "${size}": the volume has ${held}, and none can shrink: give ${held} or more`,
        ]
      : []),
  ];
}

function gibibytes(size: string): number {
  return Number.parseInt(size, 10) * (size.endsWith("Ti") ? 1_024 : 1);
}

async function dashboardFaults(
  reader: ObjectReader,
  args: PlatformPreflightArgs,
  namespace: string | undefined,
): Promise<readonly string[]> {
  const { router } = args.settings;
  if (router.kind === "gateway-api" && !hasDashboard(router)) {
    return [
      `prometheus.dashboard: profile "${router.profile}" counts nothing per backend, so there is nothing to show: remove it`,
    ];
  }
  return takenName(reader, args, "v1", "ConfigMap", dashboardName, namespace);
}

async function operatorFaults(
  reader: ObjectReader,
  args: PlatformPreflightArgs,
): Promise<readonly string[]> {
  const { settings } = args;
  const [first = "", ...more] = podMonitorNames(settings.router);
  const namespace = settings.namespace.name;
  const kind = "PodMonitor";
  const found = await reader.lookUp({ apiVersion: operatorVersion, kind, namespace, name: first });
  if (found.kind === "unserved") {
    return [
      "prometheus.operator: the cluster does not know PodMonitors: install the Prometheus Operator with its CRDs, or remove the key",
    ];
  }
  const taken = await Promise.all(
    [first, ...more].map((name) => takenName(reader, args, operatorVersion, kind, name)),
  );
  return taken.flat();
}

const serviceSchema = z.object({
  spec: z.object({ ports: z.array(z.object({ port: z.number() })).default([]) }),
});

async function serviceFaults(
  reader: ObjectReader,
  service: { readonly namespace: string; readonly service: string; readonly port: number },
): Promise<readonly string[]> {
  const { namespace, service: name, port } = service;
  const found = await reader.lookUp({ apiVersion: "v1", kind: "Service", namespace, name });
  if (found.kind !== "found") {
    return [
      `Service ${namespace}/${name} does not exist: correct prometheus.service, or let this stack make one with ` +
        "`prometheus: {deploy: {}}`",
    ];
  }
  const known = serviceSchema.parse(found.object).spec.ports.map((one) => one.port);
  if (known.includes(port)) return [];
  return [
    `prometheus.service.port = ${port}: Service ${namespace}/${name} has only ${known.join(", ")}`,
  ];
}
