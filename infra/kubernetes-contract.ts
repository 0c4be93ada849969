import { z } from "zod";
import { clusterAccessSchema } from "./cluster-access.ts";
import { duration } from "./duration.ts";
import { label, objectName, objectReference, port } from "./object-names.ts";
import { prometheusPlaceSchema, prometheusWritten } from "./prometheus-contract.ts";
import { routerSettingsSchema, routerWrittenFor } from "./router-contract.ts";

/** The parts of the stack contract that only target `kubernetes` has. */

// ---- what users write about the platform ---------------------------------------------------------

/** What users write under `upramp:platform` of a platform stack of target `kubernetes`. */
export const kubernetesPlatformWritten = z.strictObject({
  target: z.literal("kubernetes"),
  cluster: clusterAccessSchema.prefault({}),
  /** Namespace of the services, and of what the platform declares. */
  namespace: z
    .strictObject({
      name: label,
      /** Declare it, rather than use one that is there. */
      create: z.boolean().default(true),
      /** Labels and annotations of one that is declared, such as those by which a mesh knows it. */
      labels: z.record(z.string(), z.string()).default({}),
      annotations: z.record(z.string(), z.string()).default({}),
      /** Refuse a `pulumi destroy`, which would take all services in it along. */
      protect: z.boolean().default(false),
    })
    .superRefine(({ create, labels, annotations }, context) => {
      for (const [key, values] of Object.entries({ labels, annotations })) {
        if (create || Object.keys(values).length === 0) continue;
        const message = "are set only on a namespace that this stack creates";
        context.addIssue({ code: "custom", path: [key], message });
      }
    }),
  /**
   * Further namespaces of services, which are there already: their routes may attach to a Gateway of this stack, and
   * their pods are found by a Prometheus of this stack. Or `all` of the cluster.
   */
  serviceNamespaces: z
    .union([z.literal("all"), z.array(label)], {
      error: 'is neither a list of namespaces nor "all"',
    })
    .default([]),
  router: routerWrittenFor("kubernetes"),
  /** Where users send requests, when it does not follow from the host names of a service. */
  endpoint: z.url().optional(),
  prometheus: prometheusWritten,
  /** Install metrics-server, by which autoscalers go, in a cluster that has none. */
  metricsServer: z.boolean().default(false),
});
/** The settings of a platform of target `kubernetes`, complete. */
export type KubernetesPlatformSettings = z.infer<typeof kubernetesPlatformWritten>;

// ---- what users write about a service ------------------------------------------------------------

/** A value of a header, cookie or query parameter. */
const valueMatch = z.union(
  [z.strictObject({ exact: z.string().min(1) }), z.strictObject({ regex: z.string().min(1) })],
  'write {exact: "value"} or {regex: "v.*"}',
);
export type ValueMatch = z.infer<typeof valueMatch>;

const requestMatch = z
  .strictObject({
    headers: z.record(z.string(), valueMatch).default({}),
    cookies: z.record(z.string().regex(/^[\w-]+$/, "is not a cookie name"), valueMatch).default({}),
    query: z.record(z.string(), valueMatch).default({}),
  })
  .refine(
    (match) => Object.values(match).some((part) => Object.keys(part).length > 0),
    "names no header, cookie or query parameter",
  );
export type RequestMatch = z.infer<typeof requestMatch>;

const pathMatch = z.union(
  [
    z.strictObject({ prefix: z.string().startsWith("/") }),
    z.strictObject({ exact: z.string().startsWith("/") }),
    z.strictObject({ regex: z.string().min(1) }),
  ],
  'write {prefix: "/path"}, {exact: "/path"} or {regex: "/pa.*"}',
);
export type PathMatch = z.infer<typeof pathMatch>;

/** Which requests reach the service and how they are treated on the way. */
export const routeWritten = z.strictObject({
  protocol: z.enum(["http", "grpc"]).default("http"),
  hostnames: z.array(z.string().min(1)).max(16).default([]),
  paths: z.array(pathMatch).min(1).max(8).optional(),
  /** A/B: only requests that match one of these go to the canary; all others stay with the primary. */
  canaryMatch: z.array(requestMatch).min(1).max(8).optional(),
  /** Percent of requests that the canary gets a copy of while it is rolled out; their answers are dropped. */
  mirrorPercent: z.int().min(1).max(100).optional(),
  timeouts: z
    .strictObject({ request: duration.optional(), backendRequest: duration.optional() })
    .prefault({}),
  retries: z
    .strictObject({
      attempts: z.int().min(1).max(10),
      /** Statuses that are tried again. */
      codes: z.array(z.int().min(400).max(599)).default([]),
      /** Time of one try. */
      timeout: duration.optional(),
      backoff: duration.optional(),
    })
    .optional(),
  /** Keeps a user with the slot that answered first, by a cookie. */
  sessionAffinity: z
    .strictObject({ cookie: z.string().regex(/^[\w-]+$/, "is not a cookie name") })
    .optional(),
});
export type RouteSettings = z.infer<typeof routeWritten>;

const podMetadata = z.looseObject({
  labels: z.record(z.string(), z.string()).optional(),
  annotations: z.record(z.string(), z.string()).optional(),
});

/** As Kubernetes has it; the API server is the judge of all that is not named here. */
export const podTemplateSchema = z.looseObject({
  metadata: podMetadata.optional(),
  spec: z.looseObject({
    containers: z.array(z.looseObject({ name: objectName, image: z.string().min(1) })).min(1),
  }),
});
export type PodTemplate = z.infer<typeof podTemplateSchema>;

const autoscalingWritten = z
  .strictObject({
    min: z.int().min(1).default(1),
    max: z.int().min(1),
    cpuPercent: z.int().min(1).optional(),
    memoryPercent: z.int().min(1).optional(),
    /** Further metrics, as in autoscaling/v2. */
    metrics: z.array(z.looseObject({ type: z.string() })).default([]),
    /** As in autoscaling/v2. */
    behavior: z.looseObject({}).optional(),
  })
  .refine(({ min, max }) => min <= max, "min is above max")
  .refine(
    ({ cpuPercent, memoryPercent, metrics }) =>
      cpuPercent !== undefined || memoryPercent !== undefined || metrics.length > 0,
    "give cpuPercent, memoryPercent or metrics: nothing says when to scale",
  );
export type AutoscalingSettings = z.infer<typeof autoscalingWritten>;

const countOrPercent = z.union([z.int().min(0), z.string().regex(/^\d+%$/, "is not a percentage")]);

/** What users write under `upramp:service` of a service stack of target `kubernetes`. */
export const kubernetesServiceWritten = z
  .strictObject({
    target: z.literal("kubernetes").default("kubernetes"),
    name: z
      .string()
      .regex(/^[a-z]([a-z0-9-]{0,38}[a-z0-9])?$/, "use up to 40 of a-z, 0-9 and -, a letter first"),
    /** Default: the platform's. */
    namespace: label.optional(),
    workload: z.enum(["Deployment", "DaemonSet"]).default("Deployment"),
    replicas: z.int().min(1).default(1),
    /** `same` as the primary's from the start, or just enough for the next weight. */
    canarySize: z.enum(["same", "byWeight"]).default("same"),
    autoscaling: autoscalingWritten.optional(),
    disruption: z
      .union(
        [
          z.strictObject({ maxUnavailable: countOrPercent }),
          z.strictObject({ minAvailable: countOrPercent }),
        ],
        'write {maxUnavailable: 1} or {minAvailable: "50%"}, one of the two',
      )
      .optional(),
    /** Port of the Services. */
    port: port.default(80),
    /** Port of the pods, by number or name. Default: the first port of the first container. */
    targetPort: z.union([port, z.string().min(1)]).optional(),
    /** Time without progress after which Kubernetes, and so upramp, gives up on a workload. */
    progressDeadline: duration.default(60_000),
    /** Time a pod has to be ready before it counts. */
    minReady: duration.default(0),
    route: routeWritten.prefault({}),
    /**
     * What makes no new revision when it changes: fields of the pod template, as paths (`spec.containers[0].resources`), and
     * the content of `ConfigMap/NAME` or `Secret/NAME`.
     */
    ignore: z.array(z.string().min(1)).default([]),
    /**
     * Take over objects of these names that are there already. In a program of one's own its provider must be told too:
     * `upsertExistingObjects: true, enablePatchForce: true`.
     */
    adopt: z.boolean().default(false),
    appMesh: z
      .strictObject({
        /** VirtualServices that the service calls, by name or `namespace/name`. */
        backends: z.array(z.string().min(1)).default([]),
      })
      .prefault({}),
    /** What runs; see `parseWorkload`. */
    revision: z.unknown().optional(),
  })
  .refine(
    ({ workload, autoscaling }) => workload === "Deployment" || autoscaling === undefined,
    "a DaemonSet cannot be autoscaled: remove autoscaling",
  )
  .refine(
    ({ minReady, progressDeadline }) => minReady < progressDeadline,
    "minReady is not below progressDeadline: no pod could be ready in time",
  )
  .refine(({ canarySize, workload }) => canarySize === "same" || workload === "Deployment", {
    path: ["canarySize"],
    message: "a canary sized by weight is a Deployment: set it to same, or change workload",
  });
export type KubernetesServiceSettings = z.infer<typeof kubernetesServiceWritten>;

// ---- what a revision holds -----------------------------------------------------------------------

/** The content of a revision of target `kubernetes`. Its id is the hash of all but `rendering` and ignored fields. */
export const workloadContentSchema = z.strictObject({
  /** Which defaults are laid under the template when it is rendered, so that an update of upramp restarts nothing. */
  rendering: z.literal(1),
  /** As written. */
  template: podTemplateSchema,
  /** Hash of the content of each ConfigMap and Secret that the template names, by `Kind/name`. */
  configs: z.record(z.string(), z.string()),
  /** Paths into the template that do not count for the id. */
  ignore: z.array(z.string()).default([]),
});
export type WorkloadContent = z.infer<typeof workloadContentSchema>;

// ---- outputs -------------------------------------------------------------------------------------

/** The outputs of a platform stack of target `kubernetes`. */
export const kubernetesPlatformOutputsSchema = z.strictObject({
  contract: z.literal(1),
  target: z.literal("kubernetes"),
  /** Name of the stack. */
  stack: z.string(),
  cluster: clusterAccessSchema,
  namespace: label,
  router: routerSettingsSchema,
  endpoint: z.url().optional(),
  prometheus: prometheusPlaceSchema,
  /** Of a platform of target `eks`: what `aws eks update-kubeconfig` is told. */
  eks: z.strictObject({ clusterName: z.string(), region: z.string() }).optional(),
});
export type KubernetesPlatformOutputs = z.infer<typeof kubernetesPlatformOutputsSchema>;

const bySlot = z.strictObject({ blue: z.string(), green: z.string() });

/** Annotation of a slot's workload: replicas below which its autoscaler will not leave it, as a decimal number. */
export const replicasMinAnnotation = "upramp.dev/replicas-min";

/** The workloads of the two slots. */
const workloads = z.strictObject({
  kind: z.enum(["Deployment", "DaemonSet"]),
  names: bySlot,
});
/** The workloads of the two slots, as the driver reads them. */
export type WorkloadNames = z.infer<typeof workloads>;

export const gatewayApiTrafficSchema = z.strictObject({
  router: z.literal("gateway-api"),
  cluster: clusterAccessSchema,
  namespace: label,
  kind: z.enum(["HTTPRoute", "GRPCRoute"]),
  route: objectName,
  gateway: objectReference,
  /** Names of the Services, as the route names them. */
  backends: bySlot,
  workloads,
});
export type GatewayApiTrafficSource = z.infer<typeof gatewayApiTrafficSchema>;

export const appMeshTrafficSchema = z.strictObject({
  router: z.literal("app-mesh"),
  cluster: clusterAccessSchema,
  namespace: label,
  virtualRouter: objectName,
  virtualNodes: bySlot,
  workloads,
});
export type AppMeshTrafficSource = z.infer<typeof appMeshTrafficSchema>;

export const kubernetesStoreSchema = z.strictObject({
  kind: z.literal("kubernetes"),
  cluster: clusterAccessSchema,
  namespace: label,
  /** Begins the names of the ConfigMap and the Lease. */
  name: label,
});
export type KubernetesStoreLocation = z.infer<typeof kubernetesStoreSchema>;
