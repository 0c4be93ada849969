import assert from "node:assert/strict";
import { daemonSetVerdict } from "./daemon-set.ts";
import { deploymentVerdict } from "./deployment.ts";
import { podProblems, podVerdict } from "./pod.ts";
import { readinessRule } from "./rules.ts";
import { serviceVerdict } from "./service.ts";
import type { Verdict } from "./verdict.ts";
import { parseWaitFor } from "./wait-for.ts";

const words = (verdict: Verdict): string =>
  verdict.ready ? "ready" : [verdict.waitingFor, ...verdict.errors].join("\n");

const condition = (type: string, status: string, reason = "", message = "") => ({
  type,
  status,
  reason,
  message,
});

interface Rollout {
  readonly revision?: string;
  readonly observed?: number;
  readonly updated?: number;
  readonly ready?: number;
  readonly available?: object;
  readonly progressing?: object;
}

function deployment(rollout: Rollout) {
  const {
    revision = "2",
    observed = 3,
    updated = 2,
    ready = 2,
    available = condition("Available", "True"),
    progressing = condition("Progressing", "True", "NewReplicaSetAvailable"),
  } = rollout;
  return {
    metadata: {
      generation: 3,
      annotations: { "deployment.kubernetes.io/revision": revision },
    },
    spec: { replicas: 2 },
    status: {
      observedGeneration: observed,
      updatedReplicas: updated,
      readyReplicas: ready,
      conditions: [available, progressing],
    },
  };
}

describe("a Deployment", () => {
  it("is ready when every replica of the newest template is", () => {
    assert.equal(words(deploymentVerdict(deployment({}))), "ready");
  });

  it("is not ready before its controller has seen the change", () => {
    assert.match(words(deploymentVerdict(deployment({ observed: 2 }))), /controller/);
  });

  it("is not ready while old pods serve in the place of new ones", () => {
    assert.match(words(deploymentVerdict(deployment({ updated: 1 }))), /\(1\/2 Pods available\)/);
    const running = condition("Progressing", "True", "ReplicaSetUpdated");
    assert.match(words(deploymentVerdict(deployment({ progressing: running }))), /Minimum number/);
  });

  it("tells its own conditions and still waits after its progress deadline", () => {
    const late = condition("Progressing", "False", "ProgressDeadlineExceeded", "has timed out");
    const verdict = deploymentVerdict(deployment({ ready: 1, progressing: late }));
    assert.match(words(verdict), /\[ProgressDeadlineExceeded\] has timed out/);
  });

  it("at zero replicas is ready once it is available", () => {
    const none = { ...deployment({ updated: 0, ready: 0 }), spec: { replicas: 0 } };
    assert.equal(words(deploymentVerdict(none)), "ready");
  });
});

describe("a DaemonSet", () => {
  it("is ready when every node has a ready pod of the newest template", () => {
    const daemonSet = (updated: number) => ({
      metadata: { generation: 1 },
      status: {
        observedGeneration: 1,
        desiredNumberScheduled: 2,
        currentNumberScheduled: 2,
        updatedNumberScheduled: updated,
        numberAvailable: 2,
        numberReady: 2,
      },
    });
    assert.equal(words(daemonSetVerdict(daemonSet(2))), "ready");
    assert.equal(words(daemonSetVerdict(daemonSet(1))), "Updated: 1/2");
    assert.match(words(daemonSetVerdict({ metadata: { generation: 1 } })), /controller/);
  });
});

describe("a Pod", () => {
  const pod = (conditions: readonly object[], containerStatuses: readonly object[] = []) => ({
    metadata: { name: "web-1", namespace: "apps" },
    status: { phase: "Pending", conditions, containerStatuses },
  });
  const placed = [condition("PodScheduled", "True"), condition("Initialized", "True")];
  const unready = condition("Ready", "False", "ContainersNotReady", "unready: [web]");

  it("is ready when it is ready, or done", () => {
    assert.equal(words(podVerdict(pod([...placed, condition("Ready", "True")]))), "ready");
    const done = pod([...placed, condition("Ready", "False", "PodCompleted")]);
    assert.equal(
      words(podVerdict({ ...done, status: { ...done.status, phase: "Succeeded" } })),
      "ready",
    );
  });

  it("tells why it is not scheduled", () => {
    const stuck = condition("PodScheduled", "False", "Unschedulable", "0/1 nodes are available");
    assert.deepEqual(podProblems(pod([stuck])), [
      "[Pod apps/web-1]: [Unschedulable] 0/1 nodes are available",
    ]);
  });

  it("tells a failed pull and a crash in its containers' words", () => {
    const waiting = { reason: "ImagePullBackOff", message: 'Back-off pulling image "no:1"' };
    const pulling = { name: "web", ready: false, state: { waiting } };
    assert.deepEqual(podProblems(pod([...placed, unready], [pulling])), [
      '[Pod apps/web-1]: unready: [web] -- [ImagePullBackOff] Back-off pulling image "no:1"',
    ]);
    const terminated = { reason: "Error", exitCode: 3, finishedAt: "T", message: "no database" };
    const crashing = {
      name: "web",
      ready: false,
      state: { waiting: { reason: "CrashLoopBackOff", message: "back-off 10s" } },
      lastState: { terminated },
    };
    assert.match(
      podProblems(pod([...placed, unready], [crashing]))[0] ?? "",
      /\[CrashLoopBackOff\] back-off 10s\ncontainer "web" terminated at T \(Error: exit code 3\): no database$/,
    );
  });

  it("has no problem while its containers are being made", () => {
    const creating = {
      name: "web",
      ready: false,
      state: { waiting: { reason: "ContainerCreating" } },
    };
    const silent = condition("Ready", "False", "ContainersNotReady");
    assert.deepEqual(podProblems(pod([...placed, silent], [creating])), []);
  });
});

describe("a Service", () => {
  const service = (spec: object) => ({ spec: { selector: { app: "web" }, ...spec } });
  const endpoints = (notReadyAddresses: readonly object[]) => ({
    subsets: [{ notReadyAddresses }],
  });

  it("waits until none of its endpoints is unready", () => {
    assert.match(words(serviceVerdict(service({}), undefined)), /does not target any Pods/);
    assert.match(words(serviceVerdict(service({}), endpoints([{ ip: "10.0.0.1" }]))), /Finding/);
    assert.equal(words(serviceVerdict(service({}), endpoints([]))), "ready");
    assert.equal(words(serviceVerdict(service({}), {})), "ready");
  });

  it("waits for no endpoints where it has none of its own", () => {
    for (const spec of [{ clusterIP: "None" }, { type: "ExternalName" }, { selector: {} }]) {
      assert.equal(words(serviceVerdict(service(spec), undefined)), "ready");
    }
  });

  it("waits for a load balancer's address", () => {
    const balanced = service({ type: "LoadBalancer" });
    assert.match(words(serviceVerdict(balanced, endpoints([]))), /IP address/);
    const status = { loadBalancer: { ingress: [{ hostname: "lb" }] } };
    assert.equal(words(serviceVerdict({ ...balanced, status }, endpoints([]))), "ready");
  });
});

describe("pulumi.com/waitFor", () => {
  const gateway = {
    metadata: { generation: 2 },
    status: {
      addresses: [{ value: "10.0.0.1" }],
      conditions: [
        { ...condition("Accepted", "True"), observedGeneration: 2 },
        { ...condition("Programmed", "False", "Pending", "no address"), observedGeneration: 2 },
        { ...condition("Ready", "True"), observedGeneration: 1 },
      ],
    },
  };
  const verdict = (annotation: string) => words(parseWaitFor(annotation)(gateway));

  it("takes conditions, of the object's generation", () => {
    assert.equal(verdict("condition=accepted"), "ready");
    assert.equal(verdict("condition=Programmed=False"), "ready");
    assert.match(verdict("condition=Programmed"), /\(want True\) Pending: no address/);
    assert.match(verdict("condition=Ready"), /Generation 1 is less than expected 2/);
    assert.match(verdict("condition=Missing"), /Waiting for condition Missing=True/);
  });

  it("takes JSONPath, with a value or for existence", () => {
    assert.equal(verdict("jsonpath={.status.addresses[0].value}=10.0.0.1"), "ready");
    assert.equal(verdict("jsonpath={.status.addresses}"), "ready");
    assert.match(verdict("jsonpath={.status.missing}"), /Waiting for jsonpath/);
    const programmed = `jsonpath={.status.conditions[?(@.type=="Programmed")].status}`;
    assert.match(verdict(`${programmed}=True`), /\(found "False"\)/);
    assert.equal(verdict(`${programmed}=False`), "ready");
    assert.match(verdict("jsonpath={.status.conditions[*].status}=True"), /matches 3 values/);
  });

  it("takes several, which must all hold", () => {
    assert.equal(verdict(`["condition=Accepted","jsonpath={.status.addresses}"]`), "ready");
    assert.match(verdict(`["condition=Accepted","condition=Programmed"]`), /Programmed/);
  });

  it("refuses what it does not know", () => {
    assert.throws(() => parseWaitFor("ready"), /got "ready"/);
    assert.throws(() => parseWaitFor("jsonpath={.a..b}"), /"\.\.b" is not known/);
  });
});

describe("the rule of an object", () => {
  const service = { apiVersion: "v1", kind: "Service" };
  const annotated = (annotations: object, object: object = service) => ({
    ...object,
    metadata: { annotations },
  });

  it("is none for kinds that are ready when they exist, and under skipAwait", () => {
    assert.equal(readinessRule({ apiVersion: "v1", kind: "ConfigMap" }), undefined);
    assert.equal(readinessRule(annotated({ "pulumi.com/skipAwait": "true" })), undefined);
    assert.notEqual(readinessRule(service), undefined);
  });

  it("is waitFor's in the place of the kind's own", () => {
    const rule = readinessRule(annotated({ "pulumi.com/waitFor": "jsonpath={.spec}" }));
    assert.deepEqual(rule?.verdict({ spec: {} }, undefined), { ready: true });
  });

  it("is an error for a kind that is waited for elsewhere, unless something is said", () => {
    const job = { apiVersion: "batch/v1", kind: "Job" };
    assert.throws(() => readinessRule(job), /does not know when a batch\/v1\/Job is ready/);
    const waiting = { "pulumi.com/waitFor": "condition=Complete" };
    assert.notEqual(readinessRule(annotated(waiting, job)), undefined);
  });
});
