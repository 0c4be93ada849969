import { z } from "zod";

/**
 * The objects of `appmesh.k8s.aws/v1beta2` as far as the stand-in reads them. The API server has
 * checked them against the full schemas; what is not named here is not acted on.
 */

const selectorSchema = z.object({
  matchLabels: z.record(z.string(), z.string()).default({}),
  matchExpressions: z
    .array(
      z.object({
        key: z.string(),
        operator: z.string(),
        values: z.array(z.string()).default([]),
      }),
    )
    .default([]),
});

/** Which labels an object must have. */
export type Selector = z.output<typeof selectorSchema>;

const metadataSchema = z.object({
  name: z.string(),
  namespace: z.string().default(""),
  uid: z.string().default(""),
  resourceVersion: z.string().default(""),
  generation: z.number().default(0),
  labels: z.record(z.string(), z.string()).default({}),
  finalizers: z.array(z.string()).default([]),
  deletionTimestamp: z.unknown().optional(),
});

const conditionSchema = z.object({
  type: z.string(),
  status: z.string(),
  reason: z.string().optional(),
  message: z.string().optional(),
  lastTransitionTime: z.string().optional(),
});

/** One entry of `status.conditions`. */
export type Condition = z.output<typeof conditionSchema>;

const statusSchema = z.looseObject({
  conditions: z.array(conditionSchema).default([]),
  observedGeneration: z.number().optional(),
});

const durationSchema = z.object({ unit: z.enum(["s", "ms"]), value: z.number() });

/** App Mesh's way to write a time. */
export type MeshDuration = z.output<typeof durationSchema>;

const portMappingSchema = z.object({
  port: z.number(),
  protocol: z.enum(["http", "http2", "grpc", "tcp"]),
});

/** What a listener speaks. */
export type Protocol = z.output<typeof portMappingSchema>["protocol"];

const timeoutSchema = z.object({
  perRequest: durationSchema.optional(),
  idle: durationSchema.optional(),
});

const healthCheckSchema = z.object({
  protocol: z.enum(["http", "http2", "grpc", "tcp"]),
  healthyThreshold: z.number().default(2),
  unhealthyThreshold: z.number(),
  intervalMillis: z.number(),
  timeoutMillis: z.number(),
  path: z.string().optional(),
  port: z.number().optional(),
});

/** How the callers of a node find out whether its endpoints are well. */
export type HealthCheck = z.output<typeof healthCheckSchema>;

const tlsSchema = z.object({ mode: z.enum(["DISABLED", "PERMISSIVE", "STRICT"]) });

const nodeListenerSchema = z.object({
  portMapping: portMappingSchema,
  healthCheck: healthCheckSchema.optional(),
  outlierDetection: z
    .object({
      maxServerErrors: z.number(),
      interval: durationSchema,
      baseEjectionDuration: durationSchema,
      maxEjectionPercent: z.number(),
    })
    .optional(),
  timeout: z
    .object({
      http: timeoutSchema.optional(),
      http2: timeoutSchema.optional(),
      grpc: timeoutSchema.optional(),
      tcp: timeoutSchema.optional(),
    })
    .optional(),
  connectionPool: z.record(z.string(), z.unknown()).optional(),
  tls: tlsSchema.optional(),
});

/** One listener of a virtual node. */
export type NodeListener = z.output<typeof nodeListenerSchema>;

const referenceSchema = z.object({ name: z.string(), namespace: z.string().optional() });

/** A name and, where it is not the referring object's own, a namespace. */
export type Reference = z.output<typeof referenceSchema>;

const meshRefSchema = z.object({ name: z.string(), uid: z.string() });

const memberSpec = { awsName: z.string().optional(), meshRef: meshRefSchema.optional() };

const clientPolicySchema = z.object({ clientPolicy: z.object({ tls: z.unknown().optional() }) });

const serviceTargetSchema = z.object({
  virtualServiceRef: referenceSchema.optional(),
  virtualServiceARN: z.string().optional(),
});

const nodeSpecSchema = z.object({
  ...memberSpec,
  podSelector: selectorSchema.optional(),
  listeners: z.array(nodeListenerSchema).default([]),
  serviceDiscovery: z
    .object({
      dns: z
        .object({
          hostname: z.string(),
          responseType: z.enum(["ENDPOINTS", "LOADBALANCER"]).optional(),
        })
        .optional(),
      awsCloudMap: z.unknown().optional(),
    })
    .optional(),
  backends: z.array(z.object({ virtualService: serviceTargetSchema })).default([]),
  backendDefaults: clientPolicySchema.partial().optional(),
});

const headerMatchSchema = z.object({
  name: z.string(),
  invert: z.boolean().default(false),
  match: z
    .object({
      exact: z.string().optional(),
      prefix: z.string().optional(),
      suffix: z.string().optional(),
      regex: z.string().optional(),
      range: z.object({ start: z.number(), end: z.number() }).optional(),
    })
    .optional(),
});

/** A condition on one header, or on one entry of gRPC metadata. */
export type HeaderMatch = z.output<typeof headerMatchSchema>;

const pathMatchSchema = {
  prefix: z.string().optional(),
  path: z.object({ exact: z.string().optional(), regex: z.string().optional() }).optional(),
};

const requestMatchSchema = {
  ...pathMatchSchema,
  method: z.string().optional(),
  headers: z.array(headerMatchSchema).default([]),
  queryParameters: z
    .array(
      z.object({
        name: z.string(),
        match: z.object({ exact: z.string().optional() }).optional(),
      }),
    )
    .default([]),
  port: z.number().optional(),
};

const httpMatchSchema = z.object({ ...requestMatchSchema, scheme: z.string().optional() });

const grpcMatchSchema = z.object({
  serviceName: z.string().optional(),
  methodName: z.string().optional(),
  metadata: z.array(headerMatchSchema).default([]),
  port: z.number().optional(),
});

const actionSchema = z.object({
  weightedTargets: z.array(
    z.object({
      virtualNodeRef: referenceSchema.optional(),
      virtualNodeARN: z.string().optional(),
      weight: z.number(),
      port: z.number().optional(),
    }),
  ),
});

const retryPolicySchema = z.object({
  maxRetries: z.number(),
  perRetryTimeout: durationSchema,
  httpRetryEvents: z.array(z.string()).default([]),
  tcpRetryEvents: z.array(z.string()).default([]),
  grpcRetryEvents: z.array(z.string()).default([]),
});

/** When a route tries again. */
export type RetryPolicy = z.output<typeof retryPolicySchema>;

const routeOptions = {
  action: actionSchema,
  retryPolicy: retryPolicySchema.optional(),
  timeout: timeoutSchema.optional(),
};

const httpRouteSchema = z.object({ match: httpMatchSchema, ...routeOptions });
const grpcRouteSchema = z.object({ match: grpcMatchSchema, ...routeOptions });

const routeSchema = z.object({
  name: z.string(),
  priority: z.number().optional(),
  httpRoute: httpRouteSchema.optional(),
  http2Route: httpRouteSchema.optional(),
  grpcRoute: grpcRouteSchema.optional(),
  tcpRoute: z.object({ action: actionSchema, timeout: timeoutSchema.optional() }).optional(),
});

const routerSpecSchema = z.object({
  ...memberSpec,
  listeners: z.array(z.object({ portMapping: portMappingSchema })).default([]),
  routes: z.array(routeSchema).default([]),
});

const serviceSpecSchema = z.object({
  ...memberSpec,
  provider: z
    .object({
      virtualRouter: z
        .object({
          virtualRouterRef: referenceSchema.optional(),
          virtualRouterARN: z.string().optional(),
        })
        .optional(),
      virtualNode: z
        .object({
          virtualNodeRef: referenceSchema.optional(),
          virtualNodeARN: z.string().optional(),
        })
        .optional(),
    })
    .optional(),
});

const poolSchema = z.object({
  http: z
    .object({ maxConnections: z.number(), maxPendingRequests: z.number().optional() })
    .optional(),
  http2: z.object({ maxRequests: z.number() }).optional(),
  grpc: z.object({ maxRequests: z.number() }).optional(),
});

/** How much a virtual gateway takes at once. */
export type ConnectionPool = z.output<typeof poolSchema>;

const gatewaySpecSchema = z.object({
  ...memberSpec,
  namespaceSelector: selectorSchema.optional(),
  gatewayRouteSelector: selectorSchema.optional(),
  podSelector: selectorSchema.optional(),
  listeners: z
    .array(
      z.object({
        portMapping: portMappingSchema,
        connectionPool: poolSchema.optional(),
        tls: tlsSchema.optional(),
      }),
    )
    .default([]),
  logging: z
    .object({
      accessLog: z.object({ file: z.object({ path: z.string() }).optional() }).optional(),
    })
    .optional(),
  backendDefaults: clientPolicySchema.partial().optional(),
});

const hostnameMatchSchema = z.object({
  exact: z.string().optional(),
  suffix: z.string().optional(),
});

const switchSchema = z.enum(["ENABLED", "DISABLED"]).optional();

const rewriteSchema = z.object({
  prefix: z.object({ defaultPrefix: switchSchema, value: z.string().optional() }).optional(),
  path: z.object({ exact: z.string().optional() }).optional(),
  hostname: z.object({ defaultTargetHostname: switchSchema }).optional(),
});

/** What a gateway route changes in a request before the virtual service sees it. */
export type Rewrite = z.output<typeof rewriteSchema>;

const gatewayActionSchema = z.object({
  target: z.object({ virtualService: serviceTargetSchema, port: z.number().optional() }),
  rewrite: rewriteSchema.optional(),
});

const gatewayHttpRouteSchema = z.object({
  match: z.object({ ...requestMatchSchema, hostname: hostnameMatchSchema.optional() }),
  action: gatewayActionSchema,
});

const gatewayRouteSpecSchema = z.object({
  ...memberSpec,
  virtualGatewayRef: meshRefSchema.extend({ namespace: z.string().optional() }).optional(),
  priority: z.number().optional(),
  httpRoute: gatewayHttpRouteSchema.optional(),
  http2Route: gatewayHttpRouteSchema.optional(),
  grpcRoute: z
    .object({
      match: z.object({
        hostname: hostnameMatchSchema.optional(),
        serviceName: z.string().optional(),
        metadata: z.array(headerMatchSchema).default([]),
        port: z.number().optional(),
      }),
      action: gatewayActionSchema,
    })
    .optional(),
});

const meshSpecSchema = z.object({
  awsName: z.string().optional(),
  namespaceSelector: selectorSchema.optional(),
});

function objectOf<Kind extends string, Spec extends z.ZodType>(kind: Kind, spec: Spec) {
  return z.object({
    kind: z.literal(kind),
    metadata: metadataSchema,
    spec,
    status: statusSchema.default({ conditions: [] }),
  });
}

/** The kinds, each with its plural and its parser, in the order in which one may refer to another. */
export const kinds = {
  Mesh: { plural: "meshes", schema: objectOf("Mesh", meshSpecSchema.prefault({})) },
  VirtualGateway: {
    plural: "virtualgateways",
    schema: objectOf("VirtualGateway", gatewaySpecSchema.prefault({})),
  },
  VirtualNode: {
    plural: "virtualnodes",
    schema: objectOf("VirtualNode", nodeSpecSchema.prefault({})),
  },
  VirtualRouter: {
    plural: "virtualrouters",
    schema: objectOf("VirtualRouter", routerSpecSchema.prefault({})),
  },
  VirtualService: {
    plural: "virtualservices",
    schema: objectOf("VirtualService", serviceSpecSchema.prefault({})),
  },
  GatewayRoute: {
    plural: "gatewayroutes",
    schema: objectOf("GatewayRoute", gatewayRouteSpecSchema.prefault({})),
  },
} as const;

export type Kind = keyof typeof kinds;
export type Mesh = z.output<typeof kinds.Mesh.schema>;
export type VirtualGateway = z.output<typeof kinds.VirtualGateway.schema>;
export type VirtualNode = z.output<typeof kinds.VirtualNode.schema>;
export type VirtualRouter = z.output<typeof kinds.VirtualRouter.schema>;
export type VirtualService = z.output<typeof kinds.VirtualService.schema>;
export type GatewayRoute = z.output<typeof kinds.GatewayRoute.schema>;

/** Any object but a Mesh: it belongs to one. */
export type Member = VirtualGateway | VirtualNode | VirtualRouter | VirtualService | GatewayRoute;

/** Any object of the group that the stand-in knows. */
export type MeshObject = Mesh | Member;

/** One route of a virtual router. */
export type RouterRoute = VirtualRouter["spec"]["routes"][number];

/** The listener of a virtual gateway. */
export type GatewayListener = VirtualGateway["spec"]["listeners"][number];

/** A namespace, as far as membership asks for it. */
export interface Namespace {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
}

/**
 * Parses any object of the group.
 *
 * @throws ZodError for an object whose shape the API server would not have let through
 */
export function parseObject(kind: Kind, value: unknown): MeshObject {
  return kinds[kind].schema.parse(value);
}
