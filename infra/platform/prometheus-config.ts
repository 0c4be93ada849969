import type { PrometheusDeployment } from "../prometheus-contract.ts";
import type { ServiceNamespaces } from "./service-namespaces.ts";

/** What a Prometheus in the cluster scrapes. */
export interface PrometheusConfigArgs extends Pick<
  PrometheusDeployment,
  "scrapeInterval" | "targets"
> {
  /** Namespaces whose pods are looked at. */
  readonly namespaces: ServiceNamespaces;
  /** Whether pods have App Mesh's sidecar, which no annotation names. */
  readonly hasSidecars: boolean;
}

/** Where Envoy, in whatever gateway or sidecar, shows its counters. */
const envoyPath = "/stats/prometheus";

/** Port at which App Mesh's sidecar shows its counters. */
const sidecarPort = "9901";

/** A scrape that takes longer than this says nothing of the present. */
const scrapeTimeoutMaxMs = 10_000;

/** Configuration of a Prometheus in the cluster, as text. */
export function prometheusConfig(args: PrometheusConfigArgs): string {
  const { scrapeInterval, targets, hasSidecars } = args;
  const config = {
    global: {
      scrape_interval: `${scrapeInterval}ms`,
      scrape_timeout: `${Math.min(scrapeInterval, scrapeTimeoutMaxMs)}ms`,
    },
    scrape_configs: [
      annotatedPods(args),
      ...(hasSidecars ? [sidecars(args)] : []),
      ...(targets.length === 0 ? [] : [named(targets)]),
    ],
  };
  // JSON is YAML
  return JSON.stringify(config, null, 1);
}

/** Pods that ask for it by the annotations `prometheus.io/scrape`, `port`, `path` and `scheme`. */
function annotatedPods({ namespaces, hasSidecars }: PrometheusConfigArgs): object {
  const annotation = (key: string): string =>
    `__meta_kubernetes_pod_annotation_prometheus_io_${key}`;
  const address = "__address__";
  return {
    job_name: "pods",
    kubernetes_sd_configs: [podsOf(namespaces)],
    relabel_configs: [
      { action: "keep", source_labels: [annotation("scrape")], regex: "true" },
      ...runningOnly,
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
      // those have a job of their own, and nothing is to be counted twice
      ...(hasSidecars
        ? [{ action: "drop", source_labels: [address], regex: `.*:${sidecarPort}` }]
        : []),
      ...placeLabels("namespace", "pod"),
      // so that a query can tell the slots of a service apart by its own metrics
      { action: "labelmap", regex: "__meta_kubernetes_pod_label_(upramp_dev_(?:service|slot))" },
    ],
  };
}

/** Every App Mesh sidecar and gateway, with the labels that App Mesh's own Prometheus gave them. */
function sidecars({ namespaces }: PrometheusConfigArgs): object {
  return {
    job_name: "appmesh-envoy",
    metrics_path: envoyPath,
    kubernetes_sd_configs: [podsOf(namespaces)],
    relabel_configs: [
      {
        action: "keep",
        source_labels: [
          "__meta_kubernetes_pod_container_name",
          "__meta_kubernetes_pod_container_port_number",
        ],
        regex: `envoy;${sidecarPort}`,
      },
      ...runningOnly,
      ...placeLabels("kubernetes_namespace", "kubernetes_pod_name"),
    ],
  };
}

/** Targets by address. */
function named(targets: readonly string[]): object {
  return {
    job_name: "targets",
    static_configs: targets.map((target) => {
      const [address = target] = target.split("/");
      const path = target.slice(address.length);
      return {
        targets: [address],
        labels: { __metrics_path__: path === "" ? envoyPath : path },
      };
    }),
  };
}

function podsOf(namespaces: ServiceNamespaces): object {
  return {
    role: "pod",
    ...(namespaces === "all" ? {} : { namespaces: { names: [...namespaces] } }),
  };
}

/** A pod that has ended, and a container that only prepares it, answer nobody. */
const runningOnly = [
  {
    action: "drop",
    source_labels: ["__meta_kubernetes_pod_phase"],
    regex: "Pending|Succeeded|Failed",
  },
  {
    action: "drop",
    source_labels: ["__meta_kubernetes_pod_container_init"],
    regex: "true",
  },
] as const;

function placeLabels(namespace: string, pod: string): readonly object[] {
  return [
    { source_labels: ["__meta_kubernetes_namespace"], target_label: namespace },
    { source_labels: ["__meta_kubernetes_pod_name"], target_label: pod },
  ];
}
