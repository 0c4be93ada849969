import { z } from "zod";
import { duration } from "./duration.ts";

/** The parts of the stack contract that only target `kubernetes` has. */

const port = z.int().min(1).max(65_535);

/** A name of one part, such as a namespace's. */
const label = z
  .string()
  .regex(/^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/, "use up to 63 of a-z, 0-9 and -");

const name = z.string().min(1).max(253);

// ---- the cluster ---------------------------------------------------------------------------------

/**
 * How the cluster is reached: a kubeconfig (path, or its text) and a context in it. What is not given is taken
 * from where it is run: $KUBECONFIG or ~/.kube/config, and its current context.
 */
export const clusterAccessSchema = z.strictObject({
  kubeconfig: z.string().min(1).optional(),
  context: z.string().min(1).optional(),
});
export type ClusterAccess = z.infer<typeof clusterAccessSchema>;

// ---- routers -------------------------------------------------------------------------------------

/** Implementations of Gateway API that there is a profile of. */
export const profileNames = [
  "envoy-gateway",
  "contour",
  "istio",
  "traefik",
  "nginx-gateway-fabric",
  "kgateway",
  "linkerd",
  "vpc-lattice",
] as const;
export type ProfileName = (typeof profileNames)[number];

const objectReference = z.strictObject({ namespace: label, name });
export type ObjectReference = z.infer<typeof objectReference>;

const gatewayApiRouter = z.strictObject({
  kind: z.literal("gateway-api"),
  /** The implementation that serves the Gateway. */
  profile: z.enum(profileNames),
  /** The Gateway that routes attach to. */
  gateway: objectReference.extend({
    /** Only this listener of the Gateway. */
    listener: name.optional(),
  }),
});
export type GatewayApiRouterSettings = z.infer<typeof gatewayApiRouter>;

const appMeshRouter = z.strictObject({
  kind: z.literal("app-mesh"),
  /** Name of the Mesh object. */
  mesh: name,
  /** The VirtualGateway through which requests come from outside; none when only the mesh calls the service. */
  virtualGateway: objectReference.optional(),
  /** AWS has switched App Mesh off; true when the control plane of this cluster is another one. */
  allowDiscontinuedAppMesh: z.boolean().default(false),
});
export type AppMeshRouterSettings = z.infer<typeof appMeshRouter>;

export const routerSettingsSchema = z.discriminatedUnion("kind", [gatewayApiRouter, appMeshRouter]);
export type RouterSettings = z.infer<typeof routerSettingsSchema>;

// ---- Prometheus ----------------------------------------------------------------------------------

const inCluster = z.strictObject({ namespace: label, service: label, port });

/** Where Prometheus is: a URL that the driver reaches, or a Service reached through the API server. */
export const prometheusPlaceSchema = z.union(
  [z.strictObject({ address: z.url() }), z.strictObject({ service: inCluster })],
  'write {address: "http://…"}, or {service: {namespace, service, port}} for one inside the cluster',
);
export type PrometheusPlace = z.infer<typeof prometheusPlaceSchema>;

export const serviceProxySchema = inCluster.extend({ cluster: clusterAccessSchema });
/** A Service reached through the API server, with the rights of whoever drives. */
export type ServiceProxy = z.infer<typeof serviceProxySchema>;

// ---- what users write about the platform ---------------------------------------------------------

/** A Gateway that the platform declares itself, in its own namespace, with one listener for HTTP. */
export interface OwnGateway {
  readonly name: string;
  /** A GatewayClass of the cluster. */
  readonly className: string;
  readonly port: number;
}

/** A Gateway that is there, or with `className` one that this stack declares. */
const gatewayWritten = z
  .strictObject({
    namespace: label.optional(),
    name,
    listener: name.optional(),
    className: name.optional(),
    port: port.optional(),
  })
  .transform((written, context): GatewayApiRouterSettings["gateway"] | OwnGateway => {
    const { namespace, className, port: given, listener } = written;
    const refuse = (key: string, message: string): never => {
      context.addIssue({ code: "custom", path: [key], message });
      return z.NEVER;
    };
    if (className === undefined) {
      if (given !== undefined) {
        return refuse("port", "belongs to a Gateway that this stack declares: give className too");
      }
      if (namespace === undefined) {
        return refuse(
          "namespace",
          "is not set: give it for a Gateway that is there, or className to declare one",
        );
      }
      return { namespace, name: written.name, ...(listener === undefined ? {} : { listener }) };
    }
    if (namespace !== undefined) {
      return refuse("namespace", "is the platform's for a Gateway with className: remove it");
    }
    if (listener !== undefined) {
      return refuse("listener", "is the only one of a Gateway with className: remove it");
    }
    return { name: written.name, className, port: given ?? 80 };
  });

/** A VirtualGateway that the platform declares itself, in its own namespace, with one listener for HTTP. */
export interface OwnVirtualGateway {
  readonly name: string;
  readonly port: number;
}

/** A VirtualGateway that is there, or without `namespace` one that this stack declares. */
const virtualGatewayWritten = z
  .strictObject({ namespace: label.optional(), name, port: port.optional() })
  .transform((written, context): ObjectReference | OwnVirtualGateway => {
    const { namespace, name: virtualGateway, port: given } = written;
    if (namespace === undefined) return { name: virtualGateway, port: given ?? 8_088 };
    if (given !== undefined) {
      const message = "belongs to a VirtualGateway that this stack declares: remove namespace";
      context.addIssue({ code: "custom", path: ["port"], message });
      return z.NEVER;
    }
    return { namespace, name: virtualGateway };
  });

const appMeshWritten = appMeshRouter
  .extend({
    /** Also the value of the label by which the mesh knows its namespaces. */
    mesh: label,
    /** Declare the Mesh, rather than use one that is there. */
    createMesh: z.boolean().default(true),
    virtualGateway: virtualGatewayWritten.optional(),
  })
  .superRefine(({ allowDiscontinuedAppMesh }, context) => {
    if (allowDiscontinuedAppMesh) return;
    context.addIssue({
      code: "custom",
      path: ["allowDiscontinuedAppMesh"],
      message:
        "AWS has switched App Mesh off on 2026-09-30: nothing in a real account would act on its objects. " +
        "Use router kind gateway-api; or set this to true when the control plane of this cluster is another one",
    });
  });

const gatewayApiWritten = gatewayApiRouter
  .extend({ gateway: gatewayWritten })
  .superRefine(({ profile, gateway }, context) => {
    if (profile !== "linkerd" || !("className" in gateway)) return;
    context.addIssue({
      code: "custom",
      path: ["gateway", "className"],
      message:
        "Linkerd serves no Gateways: name one that another implementation serves, or another profile",
    });
  });

/** An amount of memory as Kubernetes writes it, whole and with a binary unit. */
const memory = z.string().regex(/^[1-9]\d*[MG]i$/, 'is not a size such as "512Mi" or "2Gi"');

const deployWritten = z.strictObject({
  image: z
    .string()
    .regex(/@sha256:|:(?!latest$)[^/:]+$/, "names no fixed version: give a tag other than latest")
    .default("prom/prometheus:v3.16.0"),
  scrapeInterval: duration.refine((ms) => ms >= 100, "is below 100ms").default(5_000),
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
  /** What it gets, and no more. It holds 6 hours of the series it scrapes. */
  memory: memory.default("512Mi"),
});
/** A Prometheus that the platform deploys. */
export type PrometheusDeployment = z.infer<typeof deployWritten>;

/** One that is there, or one that this stack deploys. */
const prometheusWritten = z
  .strictObject({
    address: z.url().optional(),
    service: inCluster.optional(),
    deploy: deployWritten.optional(),
  })
  .transform(({ address, service, deploy }, context) => {
    const given = [
      ...(address === undefined ? [] : [{ address }]),
      ...(service === undefined ? [] : [{ service }]),
      ...(deploy === undefined ? [] : [{ deploy }]),
    ];
    const [only] = given;
    if (only !== undefined && given.length === 1) return only;
    context.addIssue({
      code: "custom",
      message: "give one of address, service and deploy (`deploy: {}` for all defaults)",
    });
    return z.NEVER;
  });

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
  router: z.discriminatedUnion("kind", [gatewayApiWritten, appMeshWritten]),
  /** Where users send requests, when it does not follow from the host names of a service. */
  endpoint: z.url().optional(),
  prometheus: prometheusWritten,
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
    containers: z.array(z.looseObject({ name, image: z.string().min(1) })).min(1),
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
  .refine(
    ({ canarySize, autoscaling, workload }) =>
      canarySize === "same" || (autoscaling === undefined && workload === "Deployment"),
    {
      path: ["canarySize"],
      message:
        "a canary sized by weight is a Deployment without autoscaling: set it to same, or change that",
    },
  );
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
});
export type KubernetesPlatformOutputs = z.infer<typeof kubernetesPlatformOutputsSchema>;

const bySlot = z.strictObject({ blue: z.string(), green: z.string() });

/** The workloads of the two slots. */
const workloads = z.strictObject({
  kind: z.enum(["Deployment", "DaemonSet"]),
  names: bySlot,
  /** Replicas below which an autoscaler will not leave a slot; 0 without one. */
  replicasMin: z.int().min(0),
});
/** The workloads of the two slots, as the driver reads them. */
export type WorkloadNames = z.infer<typeof workloads>;

export const gatewayApiTrafficSchema = z.strictObject({
  router: z.literal("gateway-api"),
  cluster: clusterAccessSchema,
  namespace: label,
  kind: z.enum(["HTTPRoute", "GRPCRoute"]),
  route: name,
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
  virtualRouter: name,
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
