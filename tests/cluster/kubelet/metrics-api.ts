import type { Pod } from "./pod.ts";
import type { Pods } from "./pods.ts";
import { matchesSelector } from "./label-selector.ts";
import { windowMs, type UsageMeter } from "./usage.ts";

const apiVersion = "metrics.k8s.io/v1beta1";
const base = `/apis/${apiVersion}`;

/** The answer of the resource metrics API to a GET, or undefined for a path it does not have. */
export function metricsAnswer(
  url: URL,
  pods: Pods,
  usage: UsageMeter,
  nodeName: string,
): object | undefined {
  const selector = url.searchParams.get("labelSelector") ?? "";
  const path = url.pathname;
  if (path === base) return resources();
  if (path === `${base}/nodes`) {
    return {
      kind: "NodeMetricsList",
      apiVersion,
      metadata: {},
      items: [nodeItem(pods, usage, nodeName)],
    };
  }
  if (path === `${base}/nodes/${nodeName}`) return nodeItem(pods, usage, nodeName);
  const match = /^(?:\/namespaces\/([^/]+))?\/pods(?:\/([^/]+))?$/.exec(path.slice(base.length));
  if (!path.startsWith(base) || match === null) return undefined;
  const [, namespace, name] = match;
  const items = pods
    .all()
    .filter(({ key }) => namespace === undefined || key.namespace === namespace)
    .filter(({ key }) => name === undefined || key.name === name)
    .filter((pod) => matchesSelector(pod.labels, selector))
    .flatMap((pod) => podItem(pod, usage) ?? []);
  if (name !== undefined) return items[0];
  return { kind: "PodMetricsList", apiVersion, metadata: {}, items };
}

function resources(): object {
  const resource = (name: string, kind: string, namespaced: boolean): object => ({
    name,
    kind,
    namespaced,
    singularName: "",
    verbs: ["get", "list"],
  });
  return {
    kind: "APIResourceList",
    apiVersion: "v1",
    groupVersion: apiVersion,
    resources: [resource("nodes", "NodeMetrics", false), resource("pods", "PodMetrics", true)],
  };
}

/** Undefined until every running container has been measured, as with a real metrics server. */
function podItem(pod: Pod, usage: UsageMeter): object | undefined {
  const containers = pod
    .running()
    .map(({ name, sessionId }) => ({ name, used: usage.of(sessionId) }));
  if (containers.length === 0 || containers.some(({ used }) => used === undefined))
    return undefined;
  const { namespace, name } = pod.key;
  return {
    kind: "PodMetrics",
    apiVersion,
    metadata: { namespace, name, labels: pod.labels },
    ...span(),
    containers: containers.map((container) => ({
      name: container.name,
      usage: quantities(container.used?.cpuCores ?? 0, container.used?.memoryBytes ?? 0),
    })),
  };
}

function nodeItem(pods: Pods, usage: UsageMeter, nodeName: string): object {
  let cpuCores = 0;
  let memoryBytes = 0;
  for (const { sessionId } of pods.all().flatMap((pod) => pod.running())) {
    const used = usage.of(sessionId);
    cpuCores += used?.cpuCores ?? 0;
    memoryBytes += used?.memoryBytes ?? 0;
  }
  return {
    kind: "NodeMetrics",
    apiVersion,
    metadata: { name: nodeName },
    ...span(),
    usage: quantities(cpuCores, memoryBytes),
  };
}

function span(): object {
  return { timestamp: new Date().toISOString(), window: `${windowMs / 1_000}s` };
}

function quantities(cpuCores: number, memoryBytes: number): object {
  return {
    cpu: `${Math.round(cpuCores * 1e9)}n`,
    memory: `${Math.round(memoryBytes / 1_024)}Ki`,
  };
}
