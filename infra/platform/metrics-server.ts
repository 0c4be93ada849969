import * as kubernetes from "@pulumi/kubernetes";
import { ownerAnnotation } from "../owner.ts";
import type { DeclareOptions } from "./declare-options.ts";
import { takenFaults, type ObjectReader, type PlatformPreflightArgs } from "./preflight-objects.ts";

/** The release, with all that is pinned of it. */
export const metricsServerChart = {
  name: "upramp-metrics-server",
  namespace: "kube-system",
  repository: "https://kubernetes-sigs.github.io/metrics-server/",
  chart: "metrics-server",
  version: "3.13.1",
} as const;

/** Time in which it has to be ready, in s; most of it for the image. */
const readySeconds = 300;

/** What serves the use of CPU and memory, by which autoscalers go. */
export function declareMetricsServer(
  prefix: string,
  owner: string,
  options: DeclareOptions,
): kubernetes.helm.v3.Release {
  const { name, namespace, repository, chart, version } = metricsServerChart;
  return new kubernetes.helm.v3.Release(
    `${prefix}-metrics-server`,
    {
      name,
      namespace,
      chart,
      version,
      repositoryOpts: { repo: repository },
      // one that fails is taken back, so that the next update can try anew
      atomic: true,
      timeout: readySeconds,
      values: metricsServerValues(owner),
    },
    options,
  );
}

/** Values of the chart: the API says whose it is, as every object of a platform does. */
export function metricsServerValues(owner: string): object {
  return { apiService: { annotations: { [ownerAnnotation]: owner } } };
}

/** What is in the way of one. */
export async function metricsServerFaults(
  reader: ObjectReader,
  { settings, owner }: PlatformPreflightArgs,
): Promise<readonly string[]> {
  if (!settings.metricsServer) return [];
  const name = "v1beta1.metrics.k8s.io";
  const found = await reader.lookUp({
    apiVersion: "apiregistration.k8s.io/v1",
    kind: "APIService",
    name,
  });
  const use = "the cluster has a metrics server; remove metricsServer";
  return takenFaults(found, owner, `metricsServer = true: APIService ${name}`, use);
}
