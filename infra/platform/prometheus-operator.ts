import * as kubernetes from "@pulumi/kubernetes";
import type { OperatorSettings } from "../prometheus-contract.ts";
import type { RouterWritten } from "../router-contract.ts";
import type { DeclareOptions } from "./declare-options.ts";
import { ownedMetadata } from "./owned-object.ts";
import { podJobs, proxyNamespaces, type PodJob, type RelabelRule } from "./pod-jobs.ts";
import type { ServiceNamespaces } from "./service-namespaces.ts";

/** Version of the objects of the Prometheus Operator that are declared. */
export const operatorVersion = "monitoring.coreos.com/v1";

/** What PodMonitors are declared from. */
export interface PodMonitorArgs {
  /** Full name of the stack. */
  readonly owner: string;
  /** Where they are: the Prometheus has to look for them there (`podMonitorNamespaceSelector`). */
  readonly namespace: string;
  readonly settings: OperatorSettings;
  readonly serviceNamespaces: ServiceNamespaces;
  readonly router: RouterWritten;
}

/**
 * PodMonitors by which a Prometheus of the Prometheus Operator gets the same series as one that the platform deploys.
 * No ServiceMonitors: each proxy is a process of its own, and most have no Service with the port of their metrics.
 */
export function declarePodMonitors(
  prefix: string,
  args: PodMonitorArgs,
  options: DeclareOptions,
): readonly kubernetes.apiextensions.CustomResource[] {
  const { owner, namespace, settings, router } = args;
  const namespaceSelector = searched(args);
  return podJobs(router).map(
    (job) =>
      new kubernetes.apiextensions.CustomResource(
        `${prefix}-pod-monitor-${job.name}`,
        {
          apiVersion: operatorVersion,
          kind: "PodMonitor",
          metadata: ownedMetadata({ owner, namespace, name: podMonitorName(job) }, settings.labels),
          spec: {
            namespaceSelector,
            // which pods, and which of their ports, the rules say
            selector: {},
            podMetricsEndpoints: [endpointOf(job, settings)],
          },
        },
        options,
      ),
  );
}

/** The names of what is declared. */
export function podMonitorNames(router: RouterWritten): readonly string[] {
  return podJobs(router).map(podMonitorName);
}

function podMonitorName({ name }: PodJob): string {
  return `upramp-${name}`;
}

function searched({ settings, serviceNamespaces, router }: PodMonitorArgs): object {
  if (serviceNamespaces === "all") return { any: true };
  const further = [...proxyNamespaces(router), ...settings.namespaces];
  return { matchNames: [...new Set([...serviceNamespaces, ...further])] };
}

function endpointOf({ path, rules }: PodJob, { scrapeInterval }: OperatorSettings): object {
  return {
    ...(path === undefined ? {} : { path }),
    interval: `${scrapeInterval}ms`,
    // the default may be above the interval, which is refused
    ...(scrapeInterval < scrapeTimeoutDefaultMs ? { scrapeTimeout: `${scrapeInterval}ms` } : {}),
    relabelings: rules.map(inCamelCase),
  };
}

/** Prometheus's own default. */
const scrapeTimeoutDefaultMs = 10_000;

function inCamelCase({ source_labels, target_label, ...rest }: RelabelRule): object {
  return {
    ...rest,
    ...(source_labels === undefined ? {} : { sourceLabels: [...source_labels] }),
    ...(target_label === undefined ? {} : { targetLabel: target_label }),
  };
}
