import type { RouteSettings } from "../kubernetes-contract.ts";
import type { ProfileName } from "../router-contract.ts";
import { envoyQueries } from "./envoy-queries.ts";
import { gatewayApiLimits } from "./gateway-limits.ts";

/** What an implementation of Gateway API can do beyond weights and exact headers, which all of them can. */
export const capabilities = [
  /** A header or query parameter matched by a regular expression; cookies need it. */
  "regexMatch",
  "queryMatch",
  "regexPath",
  "mirror",
  /** A share of the requests mirrored; without it a mirror copies all. */
  "mirrorPercent",
  "timeouts",
  "retries",
  /** `sessionPersistence`, of the experimental channel of Gateway API. */
  "sessionAffinity",
  "grpc",
  /** All methods of a gRPC service in one match. */
  "grpcService",
  /** gRPC calls matched by headers, whatever their service and method. */
  "grpcHeadersAlone",
] as const;
export type Capability = (typeof capabilities)[number];

/** What the metrics of one slot are told by. */
export interface SlotPlace {
  readonly namespace: string;
  /** Name of the slot's Service, which is that of its workload too. */
  readonly name: string;
  /** A number, or what stands for one. */
  readonly port: number | string;
  /** The route that copies requests to this slot now; undefined when none does. */
  readonly mirror?: { readonly kind: string; readonly route: string } | undefined;
}

/** Query templates by metric name. */
type Queries = Readonly<Record<string, string>>;

/** One implementation of Gateway API. */
export interface GatewayProfile {
  readonly title: string;
  /** True when the end-to-end suite runs on it; the other rows are from the implementation's documentation. */
  readonly isTested: boolean;
  readonly can: ReadonlySet<Capability>;
  /** How much a route may have. */
  readonly limits: Readonly<Record<keyof typeof gatewayApiLimits, number>>;
  /**
   * True when a backend whose weight falls to 0 is forgotten, with its counters and its connections, unless another
   * route holds it: a second route, of requests that nobody sends, then names both slots.
   */
  readonly needsKeeper: boolean;
  /** What a route attaches to: a Gateway, or for a mesh the service's own Service. */
  readonly parent: "Gateway" | "Service";
  /** True where session affinity puts both slots into one series, which no built-in metric can tell apart. */
  readonly affinityHidesSlots?: boolean;
  /** What a user has to set up or avoid, for the documentation and for messages. */
  readonly notes: readonly string[];
  /** Built-in metrics of an HTTPRoute; empty where the implementation exports nothing per backend. */
  readonly queries: Queries;
  /** Built-in metrics of a GRPCRoute; empty where they would count a call that failed as a success. */
  readonly grpcQueries: Queries;
  /** Template variables of one slot. */
  readonly variables: (place: SlotPlace) => Readonly<Record<string, string>>;
}

/** The built-in metrics that tell the slots of this route apart; empty when there are none. */
export function routeQueries(profile: GatewayProfile, route: RouteSettings): Queries {
  if (profile.affinityHidesSlots === true && route.sessionAffinity !== undefined) return {};
  return route.protocol === "grpc" ? profile.grpcQueries : profile.queries;
}

/** What to read of a proxy's metrics. */
interface Series {
  readonly counter: string;
  readonly selector: string;
  /** Further labels that pick the requests that succeeded. */
  readonly served: string;
  readonly histogram: string;
  readonly msPerUnit: number;
}

/**
 * Queries over a counter of requests and a histogram of their duration, as `envoyQueries`: the success rate in
 * percent, P99 and average latency in milliseconds, without requests none has a value; and the requests per second.
 */
function queriesOf({ counter, selector, served, histogram, msPerUnit }: Series): Queries {
  const rate = (series: string, more = ""): string =>
    `sum(rate(${series}{${selector}${more}}[{{ window }}]))`;
  const inMs = msPerUnit === 1 ? "" : ` * ${msPerUnit}`;
  const timed = `(${rate(`${histogram}_count`)} > 0)`;
  return {
    // the quotient first: it is exactly 1 when nothing failed
    "request-success-rate": `100 * ((${rate(counter, served)} or vector(0)) / (${rate(counter)} > 0))`,
    "request-duration":
      `histogram_quantile(0.99, sum by (le) (rate(${histogram}_bucket{${selector}}[{{ window }}])))${inMs}` +
      ` and ${timed}`,
    "request-duration-average": `${rate(`${histogram}_sum`)} / ${timed}${inMs}`,
    "request-rate": rate(counter),
  };
}

/**
 * As `envoyQueries`, but with success as Envoy's gRPC statistics count it: status OK. HTTP says 200 whatever it was. Envoy
 * puts parts of a call's name into that of the series, where `rate` would lose them and find series twice; so they
 * are first copied into a label.
 */
function envoyGrpcQueries(selector: string): Queries {
  const rate = (result: string): string => {
    const series = `{__name__=~"envoy_cluster_grpc_(.+_)?${result}",${selector}}`;
    const told = `label_replace(${series}, "series", "$1", "__name__", "(.+)")`;
    return `sum(rate(${told}[{{ window }}:1s]))`;
  };
  return {
    ...envoyQueries(selector),
    "request-success-rate": `100 * ((${rate("success")} or vector(0)) / (${rate("total")} > 0))`,
  };
}

/** The notes of all rows where Envoy counts gRPC calls. */
const grpcStatusNote = "of gRPC calls every status but OK counts as failed, NOT_FOUND too";

const envoyCluster = `envoy_cluster_name="{{ cluster }}"`;
const mergedCluster = `envoy_cluster_name=~"{{ cluster }}"`;

const istio: Series = {
  counter: "istio_requests_total",
  selector: `reporter=~"source|waypoint",destination_workload_namespace="{{ namespace }}",destination_workload="{{ target }}"`,
  served: `,response_code!~"5.*"`,
  histogram: "istio_request_duration_milliseconds",
  msPerUnit: 1,
};

const traefik: Series = {
  counter: "traefik_service_requests_total",
  selector: `service=~"{{ cluster }}"`,
  served: `,code!~"5.*"`,
  histogram: "traefik_service_request_duration_seconds",
  msPerUnit: 1_000,
};

/** Probes of the kubelet are no requests. Linkerd itself knows which gRPC statuses are failures. */
const linkerd: Series = {
  counter: "response_total",
  selector: `namespace="{{ namespace }}",deployment="{{ target }}",direction="inbound",route_name!="probe"`,
  served: `,classification!="failure"`,
  histogram: "response_latency_ms",
  msPerUnit: 1,
};

/** One row an implementation. To add one: docs/routers.md. */
export const gatewayProfiles: Readonly<Record<ProfileName, GatewayProfile>> = {
  "envoy-gateway": {
    title: "Envoy Gateway 1.9",
    isTested: true,
    can: new Set(capabilities),
    limits: gatewayApiLimits,
    needsKeeper: true,
    parent: "Gateway",
    affinityHidesSlots: true,
    notes: [
      "set `mergeBackends: {}` in the EnvoyProxy: otherwise both slots are one Envoy cluster, and metrics cannot tell them apart; it excludes `mergeGateways`",
      "no filters on a backendRef: they give each backend a cluster of its rule, which is removed at weight 0, with requests in it",
      "no `telemetry.metrics.clusterStatName` in the EnvoyProxy: it puts both slots under one name",
      "retries and session affinity need the experimental channel of the Gateway API CRDs",
      "session affinity keeps both slots in one Envoy cluster, whatever mergeBackends says: give every metric a query over the service's own metrics",
      grpcStatusNote,
    ],
    queries: envoyQueries(mergedCluster),
    grpcQueries: envoyGrpcQueries(mergedCluster),
    // copies go to a cluster of the filter's own, which is not merged
    variables: ({ namespace, name, port, mirror }) => ({
      namespace,
      target: name,
      cluster:
        `service/${namespace}/${name}/${port}(/.*)?` +
        (mirror === undefined
          ? ""
          : `|${mirror.kind.toLowerCase()}/${namespace}/${mirror.route}/rule/0-mirror-0`),
    }),
  },
  contour: {
    title: "Contour 1.33",
    isTested: true,
    can: new Set([
      "regexMatch",
      "regexPath",
      "queryMatch",
      "mirror",
      "timeouts",
      "grpc",
      "grpcHeadersAlone",
    ]),
    limits: gatewayApiLimits,
    needsKeeper: false,
    parent: "Gateway",
    notes: [
      "a mirror copies every request, whatever percent says (projectcontour/contour#7021), and copies count in the canary's own metrics",
      "the share of a Service that does not exist goes to the others instead of being answered with 500",
      "a backendRequest timeout replaces that of the request, as there are no retries",
      grpcStatusNote,
    ],
    queries: envoyQueries(envoyCluster),
    grpcQueries: envoyGrpcQueries(envoyCluster),
    variables: ({ namespace, name, port }) => ({
      namespace,
      target: name,
      cluster: `${namespace}_${name}_${port}`,
    }),
  },
  istio: {
    title: "Istio 1.31",
    isTested: false,
    can: new Set([
      "regexMatch",
      "regexPath",
      "queryMatch",
      "mirror",
      "mirrorPercent",
      "timeouts",
      "retries",
      "grpc",
      "grpcService",
      "grpcHeadersAlone",
    ]),
    limits: gatewayApiLimits,
    needsKeeper: false,
    parent: "Gateway",
    notes: [
      "ambient mode splits, and counts requests, only behind a waypoint",
      "retries need the experimental channel of the Gateway API CRDs",
      "session persistence of Gateway API is not implemented (istio/istio#55839)",
      grpcStatusNote,
    ],
    queries: queriesOf(istio),
    grpcQueries: queriesOf({ ...istio, served: `,grpc_response_status="0"` }),
    variables: ({ namespace, name }) => ({ namespace, target: name }),
  },
  traefik: {
    title: "Traefik 3.7",
    isTested: false,
    can: new Set([
      "regexMatch",
      "regexPath",
      "queryMatch",
      "grpc",
      "grpcService",
      "grpcHeadersAlone",
    ]),
    limits: gatewayApiLimits,
    needsKeeper: false,
    parent: "Gateway",
    notes: [
      "metrics per service have to be on: `metrics.prometheus.addServicesLabels`",
      "nothing counts gRPC statuses: give every metric of a gRPC service a query over its own metrics",
    ],
    queries: queriesOf(traefik),
    grpcQueries: {},
    // Traefik's name of a backend, in which the releases differ
    variables: ({ namespace, name, port }) => ({
      namespace,
      target: name,
      cluster: `${namespace}-${name}(-http)?-${port}@kubernetesgateway`,
    }),
  },
  "nginx-gateway-fabric": {
    title: "NGINX Gateway Fabric 2.7",
    isTested: false,
    can: new Set([
      "regexMatch",
      "regexPath",
      "queryMatch",
      "mirror",
      "mirrorPercent",
      "grpc",
      "grpcHeadersAlone",
    ]),
    limits: gatewayApiLimits,
    needsKeeper: false,
    parent: "Gateway",
    notes: [
      "the open-source data plane counts nothing per backend: give every metric a query over the service's own metrics",
      "timeouts and retries of a route are ignored, so they are refused here",
    ],
    queries: {},
    grpcQueries: {},
    variables: ({ namespace, name }) => ({ namespace, target: name }),
  },
  kgateway: {
    title: "kgateway 2.4 (Gloo)",
    isTested: false,
    can: new Set([
      "regexMatch",
      "regexPath",
      "queryMatch",
      "mirror",
      "mirrorPercent",
      "timeouts",
      "retries",
      "grpc",
      "grpcService",
      "grpcHeadersAlone",
    ]),
    limits: gatewayApiLimits,
    needsKeeper: false,
    parent: "Gateway",
    notes: [
      "retries need the experimental channel of the Gateway API CRDs",
      "nothing counts gRPC statuses: give every metric of a gRPC service a query over its own metrics",
    ],
    queries: envoyQueries(envoyCluster),
    grpcQueries: {},
    variables: ({ namespace, name, port }) => ({
      namespace,
      target: name,
      cluster: `kube_${namespace}_${name}_${port}`,
    }),
  },
  linkerd: {
    title: "Linkerd 2.20",
    isTested: false,
    can: new Set([
      "regexMatch",
      "regexPath",
      "queryMatch",
      "timeouts",
      "grpc",
      "grpcService",
      "grpcHeadersAlone",
    ]),
    limits: gatewayApiLimits,
    needsKeeper: false,
    parent: "Service",
    notes: [
      "the route's parent is the service's own Service, not a Gateway: only callers inside the mesh are split",
      "retries are set by annotations of the Service, not by the route",
      "the built-in metrics are of Deployments; a DaemonSet needs queries with `daemonset` in the place of `deployment`",
    ],
    queries: queriesOf(linkerd),
    grpcQueries: queriesOf(linkerd),
    variables: ({ namespace, name }) => ({ namespace, target: name }),
  },
  "vpc-lattice": {
    title: "AWS Gateway API Controller 2 (VPC Lattice)",
    isTested: false,
    can: new Set(["grpc", "grpcService"]),
    limits: { hostnames: 1, matchesPerRule: 1, headersPerMatch: 5 },
    needsKeeper: false,
    parent: "Gateway",
    notes: [
      "headers match exactly only, and the first rule wins that fits, whatever the others say",
      "no Prometheus metrics: bring CloudWatch's in with an exporter and give every metric a query; they have a resolution of 60 s",
      "label the namespace `application-networking.k8s.aws/pod-readiness-gate-inject: enabled`, so that a pod is ready only once it is a target",
    ],
    queries: {},
    grpcQueries: {},
    variables: ({ namespace, name }) => ({ namespace, target: name }),
  },
};
