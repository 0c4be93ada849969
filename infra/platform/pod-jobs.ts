import type { RouterWritten } from "../router-contract.ts";
import { chartTable } from "./charts/chart-table.ts";

/** What of the pods of a platform is scraped, as Prometheus's own configuration and as PodMonitors say it. */

/** A rule of Prometheus's relabeling, in its own names. */
export interface RelabelRule {
  readonly action?: "keep" | "drop" | "labelmap";
  readonly source_labels?: readonly string[];
  readonly regex?: string;
  readonly replacement?: string;
  readonly target_label?: string;
}

/** One way to scrape pods, of every container of theirs. */
export interface PodJob {
  readonly name: string;
  readonly path?: string;
  readonly rules: readonly RelabelRule[];
}

/** Where Envoy, in whatever gateway or sidecar, shows its counters. */
export const envoyPath = "/stats/prometheus";

/** Port at which App Mesh's sidecar shows its counters. */
const sidecarPort = "9901";

const address = "__address__";

/** The jobs that bring the series of a router's queries, and services' own metrics. */
export function podJobs(router: RouterWritten): readonly PodJob[] {
  if (router.kind === "app-mesh") return [annotatedPods([sidecarsApart]), appMeshSidecars];
  const { profile } = router;
  return [
    annotatedPods([]),
    ...(profile === "contour" ? [contourEnvoys] : []),
    ...(profile === "linkerd" ? [linkerdProxies] : []),
  ];
}

/** Name under which discovery has an annotation of a pod. */
function annotation(key: string): string {
  return `__meta_kubernetes_pod_annotation_prometheus_io_${key}`;
}

/**
 * Pods that ask for it by the annotations `prometheus.io/scrape`, `port`, `path` and `scheme`: services with metrics of their
 * own, and the proxies of most implementations of Gateway API.
 */
function annotatedPods(more: readonly RelabelRule[]): PodJob {
  return {
    name: "pods",
    rules: [
      { action: "keep", source_labels: [annotation("scrape")], regex: "true" },
      ...runningOnly,
      noInitContainers,
      {
        source_labels: [annotation("scheme")],
        regex: "(https?)",
        target_label: "__scheme__",
      },
      { source_labels: [annotation("path")], regex: "(.+)", target_label: "__metrics_path__" },
      {
        source_labels: [address, annotation("port")],
        regex: String.raw`(\[[^\]]+\]|[^:]+)(?::\d+)?;(\d+)`,
        replacement: "$1:$2",
        target_label: address,
      },
      ...more,
      ...placeLabels("namespace", "pod"),
      // so that a query can tell the slots of a service apart by its own metrics
      { action: "labelmap", regex: "__meta_kubernetes_pod_label_(upramp_dev_(?:service|slot))" },
    ],
  };
}

/** They have a job of their own, and nothing is to be counted twice. */
const sidecarsApart: RelabelRule = {
  action: "drop",
  source_labels: [address],
  regex: `.*:${sidecarPort}`,
};

/** A pod that has ended answers nobody. */
const runningOnly: readonly RelabelRule[] = [
  {
    action: "drop",
    source_labels: ["__meta_kubernetes_pod_phase"],
    regex: "Pending|Succeeded|Failed",
  },
];

/** A container that only prepares its pod answers nobody either. */
const noInitContainers: RelabelRule = {
  action: "drop",
  source_labels: ["__meta_kubernetes_pod_container_init"],
  regex: "true",
};

/** Every App Mesh sidecar and gateway, with the labels that App Mesh's own Prometheus gave them. */
const appMeshSidecars: PodJob = {
  name: "appmesh-envoy",
  path: envoyPath,
  rules: [
    {
      action: "keep",
      source_labels: [
        "__meta_kubernetes_pod_container_name",
        "__meta_kubernetes_pod_container_port_number",
      ],
      regex: `envoy;${sidecarPort}`,
    },
    ...runningOnly,
    noInitContainers,
    ...placeLabels("kubernetes_namespace", "kubernetes_pod_name"),
  ],
};

/** Every Envoy of Contour, which by itself asks for nothing; one that was made to ask is scraped as it asks. */
const contourEnvoys: PodJob = {
  name: "contour-envoy",
  path: envoyPath,
  rules: [
    {
      action: "keep",
      source_labels: [
        "__meta_kubernetes_pod_container_name",
        "__meta_kubernetes_pod_container_port_name",
      ],
      regex: "envoy;metrics",
    },
    { action: "drop", source_labels: [annotation("scrape")], regex: "true" },
    ...runningOnly,
    ...placeLabels("namespace", "pod"),
  ],
};

/**
 * Every proxy of Linkerd, with the labels that its queries ask for, as Linkerd's own Prometheus has them. The proxy may be
 * a sidecar that Kubernetes counts among the init containers.
 */
const linkerdProxies: PodJob = {
  name: "linkerd-proxy",
  path: "/metrics",
  rules: [
    {
      action: "keep",
      source_labels: [
        "__meta_kubernetes_pod_container_name",
        "__meta_kubernetes_pod_container_port_name",
      ],
      regex: "linkerd-proxy;linkerd-admin",
    },
    ...runningOnly,
    ...placeLabels("namespace", "pod"),
    {
      action: "labelmap",
      regex:
        "__meta_kubernetes_pod_label_linkerd_io_proxy_(deployment|daemonset|statefulset|replicaset)",
    },
  ],
};

function placeLabels(namespace: string, pod: string): readonly RelabelRule[] {
  return [
    { source_labels: ["__meta_kubernetes_namespace"], target_label: namespace },
    { source_labels: ["__meta_kubernetes_pod_name"], target_label: pod },
  ];
}

/** Implementations that start proxies beside a Gateway, or can. */
const besideGateway: ReadonlySet<string> = new Set(["contour", "istio", "kgateway"]);

/**
 * Namespaces beside those of services in which a router's proxies are sure to run: that of what this stack installs, or of
 * the Gateway, for an implementation that starts proxies beside it. Where others run, only their installation knows.
 */
export function proxyNamespaces(router: RouterWritten): readonly string[] {
  const of = (found: object | undefined): readonly string[] =>
    found !== undefined && "namespace" in found ? [String(found.namespace)] : [];
  if (router.kind === "app-mesh") return of(router.virtualGateway);
  const { profile, install, gateway } = router;
  if (profile === "envoy-gateway") {
    return install === undefined ? [] : of(chartTable["gateway-helm"]);
  }
  return besideGateway.has(profile) ? of(gateway) : [];
}
