import type { ProfileName } from "../kubernetes-contract.ts";
import { envoyQueries } from "./envoy-queries.ts";

/** What an implementation of Gateway API can do beyond weights, which all of them can. */
export const capabilities = [
  /** A header, cookie or query parameter matched by a regular expression; cookies need it. */
  "regexMatch",
  "queryMatch",
  "mirror",
  /** A share of the requests mirrored; without it a mirror copies all. */
  "mirrorPercent",
  "timeouts",
  "retries",
  /** `sessionPersistence`, of the experimental channel of Gateway API. */
  "sessionAffinity",
  "grpc",
  "regexPath",
] as const;
export type Capability = (typeof capabilities)[number];

/** What the metrics of one slot are told by. */
export interface SlotPlace {
  readonly namespace: string;
  /** Name of the slot's Service, which is that of its workload too. */
  readonly name: string;
  readonly port: number;
}

/** One implementation of Gateway API. */
export interface GatewayProfile {
  readonly title: string;
  /** True when the end-to-end suite runs on it; the other rows are from the implementation's documentation. */
  readonly isTested: boolean;
  readonly can: ReadonlySet<Capability>;
  /**
   * True when a backend whose weight falls to 0 is forgotten, with its counters and its connections, unless another
   * route holds it: a second route under a host name that nobody calls then names both slots.
   */
  readonly needsKeeper: boolean;
  /** What a user has to set up or avoid, for the documentation and for messages. */
  readonly notes: readonly string[];
  /** Built-in query templates by metric name; empty where the implementation exports nothing per backend. */
  readonly queries: Readonly<Record<string, string>>;
  /** Template variables of one slot. */
  readonly variables: (place: SlotPlace) => Readonly<Record<string, string>>;
}

const inCluster = `envoy_cluster_name="{{ cluster }}"`;

const istioSelector = `reporter=~"source|waypoint",destination_workload_namespace="{{ namespace }}",destination_workload="{{ target }}"`;
const traefikSelector = `service=~"{{ cluster }}"`;
const linkerdSelector = `namespace="{{ namespace }}",deployment="{{ target }}",direction="inbound"`;

/** Queries over a counter of requests and a histogram of their duration. */
function queriesOf(
  counter: string,
  selector: string,
  served: string,
  histogram: string,
  msPerUnit: number,
): Readonly<Record<string, string>> {
  const rate = (series: string, more = ""): string =>
    `sum(rate(${series}{${selector}${more}}[{{ window }}]))`;
  const requests = rate(counter);
  const inMs = msPerUnit === 1 ? "" : ` * ${msPerUnit}`;
  return {
    "request-success-rate": `100 * (${rate(counter, served)} or vector(0)) / (${requests} > 0)`,
    "request-duration":
      `histogram_quantile(0.99, sum by (le) (rate(${histogram}_bucket{${selector}}[{{ window }}])))${inMs}` +
      ` and (${rate(`${histogram}_count`)} > 0)`,
    "request-duration-average": `${rate(`${histogram}_sum`)} / (${rate(`${histogram}_count`)} > 0)${inMs}`,
  };
}

/** One row an implementation. To add one: docs/routers.md. */
export const gatewayProfiles: Readonly<Record<ProfileName, GatewayProfile>> = {
  "envoy-gateway": {
    title: "Envoy Gateway 1.9",
    isTested: true,
    can: new Set([
      "regexMatch",
      "regexPath",
      "queryMatch",
      "mirror",
      "mirrorPercent",
      "timeouts",
      "retries",
      "sessionAffinity",
      "grpc",
    ]),
    needsKeeper: true,
    notes: [
      "set `mergeBackends: {}` in the EnvoyProxy: otherwise both slots are one Envoy cluster, and metrics cannot tell them apart",
      "no filters on a backendRef: they give each backend a cluster of its rule, which is removed at weight 0, with requests in it",
      "retries and session affinity need the experimental channel of the Gateway API CRDs",
    ],
    queries: envoyQueries(`envoy_cluster_name=~"{{ cluster }}"`),
    variables: ({ namespace, name, port }) => ({
      namespace,
      cluster: `service/${namespace}/${name}/${port}(/.*)?`,
    }),
  },
  contour: {
    title: "Contour 1.33",
    isTested: true,
    can: new Set(["regexMatch", "regexPath", "queryMatch", "mirror", "timeouts", "grpc"]),
    needsKeeper: false,
    notes: [
      "a mirror copies every request, whatever percent says, and copies count in the canary's own metrics",
      "the share of a Service that does not exist goes to the others instead of being answered with 500",
    ],
    queries: envoyQueries(inCluster),
    variables: ({ namespace, name, port }) => ({
      namespace,
      cluster: `${namespace}_${name}_${port}`,
    }),
  },
  istio: {
    title: "Istio 1.30",
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
    ]),
    needsKeeper: false,
    notes: [
      "ambient mode splits only behind a waypoint",
      "session persistence of Gateway API is not implemented (istio/istio#55839)",
    ],
    queries: queriesOf(
      "istio_requests_total",
      istioSelector,
      `,response_code!~"5.*"`,
      "istio_request_duration_milliseconds",
      1,
    ),
    variables: ({ namespace }) => ({ namespace }),
  },
  traefik: {
    title: "Traefik 3",
    isTested: false,
    can: new Set(["regexMatch", "regexPath", "queryMatch", "mirror", "mirrorPercent", "grpc"]),
    needsKeeper: false,
    notes: ["metrics per service have to be on: `metrics.prometheus.addServicesLabels`"],
    queries: queriesOf(
      "traefik_service_requests_total",
      traefikSelector,
      `,code!~"5.."`,
      "traefik_service_request_duration_seconds",
      1_000,
    ),
    variables: ({ namespace, name, port }) => ({
      namespace,
      cluster: `(.*-)?${namespace}-${name}(-http)?-${port}@kubernetesgateway`,
    }),
  },
  "nginx-gateway-fabric": {
    title: "NGINX Gateway Fabric 2",
    isTested: false,
    can: new Set([
      "regexMatch",
      "regexPath",
      "queryMatch",
      "mirror",
      "mirrorPercent",
      "timeouts",
      "grpc",
    ]),
    needsKeeper: false,
    notes: [
      "the open-source data plane counts nothing per backend: give every metric a query over the service's own metrics",
    ],
    queries: {},
    variables: ({ namespace }) => ({ namespace }),
  },
  kgateway: {
    title: "kgateway 2 (Gloo)",
    isTested: false,
    can: new Set([
      "regexMatch",
      "regexPath",
      "queryMatch",
      "mirror",
      "mirrorPercent",
      "timeouts",
      "retries",
      "sessionAffinity",
      "grpc",
    ]),
    needsKeeper: false,
    notes: ["retries and session affinity need the experimental channel of the Gateway API CRDs"],
    queries: envoyQueries(inCluster),
    variables: ({ namespace, name, port }) => ({
      namespace,
      cluster: `kube_${namespace}_${name}_${port}`,
    }),
  },
  linkerd: {
    title: "Linkerd 2",
    isTested: false,
    can: new Set(["regexMatch", "regexPath", "queryMatch", "timeouts", "grpc"]),
    needsKeeper: false,
    notes: [
      "the route's parent is the service's own Service, not a Gateway: only callers inside the mesh are split",
      "retries are set by annotations of the Service, not by the route",
    ],
    queries: queriesOf(
      "response_total",
      linkerdSelector,
      `,classification!="failure"`,
      "response_latency_ms",
      1,
    ),
    variables: ({ namespace }) => ({ namespace }),
  },
  "vpc-lattice": {
    title: "AWS Gateway API Controller 2 (VPC Lattice)",
    isTested: false,
    can: new Set(["grpc"]),
    needsKeeper: false,
    notes: [
      "at most 5 header matches a rule, exact ones only",
      "no Prometheus metrics: bring CloudWatch's in with an exporter and give every metric a query; they have a resolution of 60 s",
      "label the namespace `application-networking.k8s.aws/pod-readiness-gate-inject: enabled`, so that a pod is ready only once it is a target",
    ],
    queries: {},
    variables: ({ namespace }) => ({ namespace }),
  },
};
