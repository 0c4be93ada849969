import { at, elements, textOf } from "./properties.ts";

/** The pods that a workload starts, as it says itself. */
export interface WorkloadPod {
  readonly kind: WorkloadKind;
  readonly labels: unknown;
  readonly spec: unknown;
}

/** A container, and how to name it to a reader. */
export interface PodContainer {
  readonly place: string;
  readonly container: unknown;
}

export const workloadKinds = [
  "Pod",
  "ReplicationController",
  "Deployment",
  "ReplicaSet",
  "StatefulSet",
  "DaemonSet",
  "Job",
  "CronJob",
] as const;
export type WorkloadKind = (typeof workloadKinds)[number];

/** What a resource runs in pods; null for what is no workload of Kubernetes. */
export function podOf(type: string, props: unknown): WorkloadPod | null {
  const [, found] = /^kubernetes:(?:core|apps|batch)\/v1:(\w+)$/.exec(type) ?? [];
  const kind = workloadKinds.find((known) => known === found);
  if (kind === undefined) return null;
  const template = templateOf(kind, props);
  return { kind, labels: at(template, "metadata", "labels"), spec: at(template, "spec") };
}

function templateOf(kind: WorkloadKind, props: unknown): unknown {
  if (kind === "Pod") return props;
  return kind === "CronJob"
    ? at(props, "spec", "jobTemplate", "spec", "template")
    : at(props, "spec", "template");
}

/** The containers that do the pod's work. */
export function containersOf({ spec }: WorkloadPod): readonly PodContainer[] {
  return named(spec, "containers");
}

/** Those and the ones that prepare for them. */
export function allContainersOf(pod: WorkloadPod): readonly PodContainer[] {
  return [...containersOf(pod), ...named(pod.spec, "initContainers")];
}

function named(spec: unknown, list: "containers" | "initContainers"): readonly PodContainer[] {
  return elements(at(spec, list)).map((container, index) => {
    const name = textOf(at(container, "name"));
    const shown = name === undefined ? "" : ` ("${name}")`;
    return { place: `${list}[${index}]${shown}`, container };
  });
}
