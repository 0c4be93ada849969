import type { PrometheusDeployment } from "../prometheus-contract.ts";
import type { RouterWritten } from "../router-contract.ts";
import { envoyPath, podJobs, type PodJob } from "./pod-jobs.ts";
import type { ServiceNamespaces } from "./service-namespaces.ts";

/** A workspace of Amazon Managed Prometheus that is written to. */
export interface RemoteWorkspace {
  /** Base URL of its HTTP API, with a slash at its end. */
  readonly endpoint: string;
  readonly region: string;
}

/** What a Prometheus in the cluster scrapes. */
export interface PrometheusConfigArgs extends Pick<
  PrometheusDeployment,
  "scrapeInterval" | "targets"
> {
  /** Namespaces whose pods are looked at. */
  readonly namespaces: ServiceNamespaces;
  readonly router: RouterWritten;
  /** Where everything is written to as well. */
  readonly workspace?: RemoteWorkspace | undefined;
}

/** A scrape that takes longer than this says nothing of the present. */
const scrapeTimeoutMaxMs = 10_000;

/** Longest wait of a sample for others that are sent with it: a check asks about the last seconds. */
const sendDeadline = "1s";

/** Configuration of a Prometheus in the cluster, as text. */
export function prometheusConfig(args: PrometheusConfigArgs): string {
  const { scrapeInterval, targets, namespaces, router, workspace } = args;
  const config = {
    global: {
      scrape_interval: `${scrapeInterval}ms`,
      scrape_timeout: `${Math.min(scrapeInterval, scrapeTimeoutMaxMs)}ms`,
    },
    scrape_configs: [
      ...podJobs(router).map((job) => discovered(job, namespaces)),
      ...(targets.length === 0 ? [] : [named(targets)]),
    ],
    ...(workspace === undefined ? {} : { remote_write: [remoteWrite(workspace)] }),
  };
  // JSON is YAML
  return JSON.stringify(config, null, 1);
}

function discovered({ name, path, rules }: PodJob, namespaces: ServiceNamespaces): object {
  return {
    job_name: name,
    ...(path === undefined ? {} : { metrics_path: path }),
    kubernetes_sd_configs: [
      {
        role: "pod",
        ...(namespaces === "all" ? {} : { namespaces: { names: [...namespaces] } }),
      },
    ],
    relabel_configs: rules,
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

/** Signed by Prometheus itself, with the role of its service account. */
function remoteWrite({ endpoint, region }: RemoteWorkspace): object {
  return {
    url: `${endpoint}api/v1/remote_write`,
    sigv4: { region },
    queue_config: { batch_send_deadline: sendDeadline },
  };
}
