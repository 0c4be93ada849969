import assert from "node:assert/strict";
import type { V1Pod, V1PodCondition } from "@kubernetes/client-node";
import type { ContainerReport, ContainerState } from "./container-state.ts";
import { podStatus, type PodReport } from "./status.ts";

const startedAt = new Date("2030-01-01T00:00:00Z");
const later = new Date("2030-01-01T00:01:00Z");

const metadata = { namespace: "default", name: "pod", uid: "1", generation: 3 };
const pod: V1Pod = { metadata, spec: { containers: [{ name: "main" }] } };

function report(state: ContainerState, more: Partial<ContainerReport> = {}): ContainerReport {
  return {
    name: "main",
    image: "podinfo:1.0.0",
    state,
    lastState: undefined,
    restartCount: 0,
    ready: false,
    started: true,
    containerId: "process://7",
    ...more,
  };
}

function of(containers: ContainerReport[], more: Partial<PodReport> = {}): PodReport {
  return {
    nodeIp: "10.244.0.2",
    podIp: "10.244.1.1",
    startTime: startedAt,
    initContainers: [],
    containers,
    previous: [],
    now: startedAt,
    ...more,
  };
}

const running: ContainerState = { kind: "running", startedAt };
const failed: ContainerState = {
  kind: "terminated",
  exitCode: 1,
  reason: "Error",
  startedAt,
  finishedAt: later,
};

function conditionOf(conditions: V1PodCondition[] | undefined, type: string): V1PodCondition {
  const found = conditions?.find((condition) => condition.type === type);
  assert.ok(found, type);
  return found;
}

describe("the status of a pod", () => {
  it("keeps the time of a condition that is unchanged and renews that of one that changed", () => {
    const before = podStatus(pod, of([report(running)]));
    const after = podStatus(
      pod,
      of([report(running, { ready: true })], { previous: before.conditions ?? [], now: later }),
    );
    assert.deepEqual(conditionOf(after.conditions, "Initialized").lastTransitionTime, startedAt);
    assert.deepEqual(conditionOf(after.conditions, "Ready").lastTransitionTime, later);
  });

  it("names the containers that are not ready", () => {
    const ready = conditionOf(podStatus(pod, of([report(running)])).conditions, "Ready");
    assert.equal(ready.status, "False");
    assert.equal(ready.reason, "ContainersNotReady");
    assert.equal(ready.message, "containers with unready status: [main]");
  });

  it("says for which generation it speaks", () => {
    const status = podStatus(pod, of([report(running)]));
    assert.equal(status.observedGeneration, 3);
    assert.equal(conditionOf(status.conditions, "Ready").observedGeneration, 3);
  });

  it("is pending while a container was never started, and running through a crash loop", () => {
    const waiting: ContainerState = { kind: "waiting", reason: "ContainerCreating" };
    assert.equal(podStatus(pod, of([report(waiting)])).phase, "Pending");
    const backOff: ContainerState = { kind: "waiting", reason: "CrashLoopBackOff" };
    const looping = report(backOff, { lastState: failed, restartCount: 2 });
    assert.equal(podStatus(pod, of([looping])).phase, "Running");
  });

  it("is over only when its restart policy lets it be", () => {
    const once: V1Pod = { metadata, spec: { containers: [], restartPolicy: "Never" } };
    assert.equal(podStatus(pod, of([report(failed)])).phase, "Running");
    assert.equal(podStatus(once, of([report(failed)])).phase, "Failed");
    const done = { ...failed, exitCode: 0, reason: "Completed" };
    assert.equal(podStatus(once, of([report(done)])).phase, "Succeeded");
  });

  it("is not initialized before its init containers have succeeded", () => {
    const init = report(running, { name: "prepare" });
    const status = podStatus(
      pod,
      of([report({ kind: "waiting", reason: "PodInitializing" })], { initContainers: [init] }),
    );
    assert.equal(status.phase, "Pending");
    assert.equal(conditionOf(status.conditions, "Initialized").status, "False");
  });
});
