import type {
  V1ContainerState,
  V1ContainerStatus,
  V1Pod,
  V1PodCondition,
  V1PodStatus,
} from "@kubernetes/client-node";
import type { ContainerReport, ContainerState } from "./container-state.ts";

/** What a pod's status is made from. */
export interface PodReport {
  readonly nodeIp: string;
  /** Unset until the pod has its address. */
  readonly podIp: string | undefined;
  readonly startTime: Date;
  readonly initContainers: readonly ContainerReport[];
  readonly containers: readonly ContainerReport[];
  /** The conditions last written, or what the pod came with. */
  readonly previous: readonly V1PodCondition[];
  readonly now: Date;
}

/**
 * The status of a pod on this node. A condition keeps the lastTransitionTime it had while its status
 * is the same: minReadySeconds and the autoscaler read it.
 */
export function podStatus(pod: V1Pod, report: PodReport): V1PodStatus {
  const { podIp, nodeIp } = report;
  const initialized = isInitialized(pod, report);
  const phase = phaseOf(pod, report, initialized);
  return {
    phase,
    conditions: conditions(pod, report, phase, initialized),
    hostIP: nodeIp,
    hostIPs: [{ ip: nodeIp }],
    ...(podIp === undefined ? {} : { podIP: podIp, podIPs: [{ ip: podIp }] }),
    startTime: report.startTime,
    ...generationOf(pod),
    ...(report.initContainers.length === 0
      ? {}
      : { initContainerStatuses: report.initContainers.map(containerStatus) }),
    containerStatuses: report.containers.map(containerStatus),
  };
}

function generationOf(pod: V1Pod): { observedGeneration?: number } {
  const generation = pod.metadata?.generation;
  return generation === undefined ? {} : { observedGeneration: generation };
}

function isInitialized(pod: V1Pod, { initContainers }: PodReport): boolean {
  return initContainers.every((report) =>
    isSidecar(pod, report.name)
      ? report.started
      : report.state.kind === "terminated" && report.state.exitCode === 0,
  );
}

function isSidecar(pod: V1Pod, name: string): boolean {
  const spec = pod.spec?.initContainers?.find((container) => container.name === name);
  return spec?.restartPolicy === "Always";
}

type Phase = "Pending" | "Running" | "Succeeded" | "Failed";

function phaseOf(pod: V1Pod, report: PodReport, initialized: boolean): Phase {
  const policy = pod.spec?.restartPolicy ?? "Always";
  const { containers, initContainers } = report;
  const initFailed = initContainers.some(({ state }) => endedBadly(state));
  if (initFailed && policy === "Never") return "Failed";
  if (!initialized) return "Pending";
  const ended = containers.every(({ state }) => state.kind === "terminated");
  if (ended && policy !== "Always") {
    const bad = containers.some(({ state }) => endedBadly(state));
    if (!bad) return "Succeeded";
    if (policy === "Never") return "Failed";
  }
  const begun = containers.every(
    ({ state, lastState, restartCount }) =>
      state.kind !== "waiting" || lastState !== undefined || restartCount > 0,
  );
  return begun ? "Running" : "Pending";
}

function endedBadly(state: ContainerState): boolean {
  return state.kind === "terminated" && state.exitCode !== 0;
}

function conditions(
  pod: V1Pod,
  report: PodReport,
  phase: Phase,
  initialized: boolean,
): V1PodCondition[] {
  const unready = report.containers.filter(({ ready }) => !ready).map(({ name }) => name);
  const over = phase === "Succeeded" || phase === "Failed";
  const gatesOpen = (pod.spec?.readinessGates ?? []).every(
    (gate) =>
      pod.status?.conditions?.find(({ type }) => type === gate.conditionType)?.status === "True",
  );
  const notReady: Reason = over
    ? { reason: phase === "Succeeded" ? "PodCompleted" : "PodFailed" }
    : {
        reason: "ContainersNotReady",
        message: `containers with unready status: [${unready.join(" ")}]`,
      };
  const containersReady = unready.length === 0 && !over;
  const uninitialized: Reason = {
    reason: "ContainersNotInitialized",
    message: `containers with incomplete status: [${report.initContainers
      .filter(({ state }) => !(state.kind === "terminated" && state.exitCode === 0))
      .map(({ name }) => name)
      .join(" ")}]`,
  };
  const gateClosed: Reason = {
    reason: "ReadinessGatesNotReady",
    message: "the status of pod readiness gate is not True",
  };
  const make = (type: string, holds: boolean, otherwise: Reason = {}): V1PodCondition =>
    condition(pod, type, holds, holds ? {} : otherwise, report);
  return [
    make("PodReadyToStartContainers", report.podIp !== undefined && !over),
    make("Initialized", initialized, uninitialized),
    make("Ready", containersReady && gatesOpen, containersReady ? gateClosed : notReady),
    make("ContainersReady", containersReady, notReady),
    make("PodScheduled", true),
  ];
}

interface Reason {
  readonly reason?: string;
  readonly message?: string;
}

function condition(
  pod: V1Pod,
  type: string,
  holds: boolean,
  { reason, message }: Reason,
  { previous, now }: PodReport,
): V1PodCondition {
  const status = holds ? "True" : "False";
  const before = previous.find((candidate) => candidate.type === type);
  const since = before?.status === status ? before.lastTransitionTime : undefined;
  return {
    type,
    status,
    ...generationOf(pod),
    // Watches bring times as text, lists as dates.
    lastTransitionTime: since === undefined ? now : new Date(since),
    ...(reason === undefined ? {} : { reason }),
    ...(message === undefined ? {} : { message }),
  };
}

function containerStatus(report: ContainerReport): V1ContainerStatus {
  const { name, image, ready, started, restartCount, containerId } = report;
  return {
    name,
    image,
    imageID: containerId === undefined ? "" : image,
    ready,
    started,
    restartCount,
    state: stateStatus(report.state),
    lastState: report.lastState === undefined ? {} : stateStatus(report.lastState),
    ...(containerId === undefined ? {} : { containerID: containerId }),
  };
}

function stateStatus(state: ContainerState): V1ContainerState {
  switch (state.kind) {
    case "waiting": {
      const { reason, message } = state;
      return { waiting: { reason, ...(message === undefined ? {} : { message }) } };
    }
    case "running":
      return { running: { startedAt: state.startedAt } };
    case "terminated": {
      const { kind: _, containerId, ...rest } = state;
      return {
        terminated: { ...rest, ...(containerId === undefined ? {} : { containerID: containerId }) },
      };
    }
  }
}
