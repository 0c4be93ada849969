import assert from "node:assert/strict";
import type { PolicyResource } from "@pulumi/policy";
import { forbidWeightOnEmptySlot } from "../../policies/forbid-weight-on-empty-slot.ts";
import { stackResource, stackViolations } from "./rule-args.ts";

const podinfo = stackResource("upramp:service:LocalService", "podinfo", {});
const shop = stackResource("upramp:service:LocalService", "shop", {});

const route = (blue: number, parent = podinfo): PolicyResource =>
  stackResource("upramp:local:Route", "r", { weights: { blue, green: 100 - blue } }, parent);
const process = (name: string, parent = podinfo): PolicyResource =>
  stackResource("upramp:local:Process", name, { name }, parent);

function violations(...resources: PolicyResource[]): readonly string[] {
  return stackViolations(forbidWeightOnEmptySlot, resources);
}

describe("forbid-weight-on-empty-slot on this machine", () => {
  it("lets weight on slots with processes pass", () => {
    assert.deepEqual(violations(route(80), process("blue-0"), process("green-1")), []);
  });

  it("lets an empty slot without weight pass", () => {
    assert.deepEqual(violations(route(100), process("blue-0")), []);
  });

  it("stops weight on a slot without a process", () => {
    const found = violations(route(80), process("blue-0"));
    assert.deepEqual(found, ["green has weight, but no process: deploy it first"]);
  });

  it("does not take another service's process for one of the slot", () => {
    assert.equal(violations(route(0), process("green-0", shop)).length, 1);
  });
});

const metadata = (name: string, labels: object = {}): object => ({
  namespace: "shop",
  name,
  labels,
});
const slotLabels = (slot: string): object => ({
  "upramp.dev/service": "podinfo",
  "upramp.dev/slot": slot,
});

/** A Service, a VirtualNode or a workload of one slot. */
function service(slot: string, selector: object = slotLabels(slot)): PolicyResource {
  const props = { metadata: metadata(`podinfo-${slot}`), spec: { selector } };
  return stackResource("kubernetes:core/v1:Service", `service-${slot}`, props);
}
function node(slot: string): PolicyResource {
  const spec = { podSelector: { matchLabels: slotLabels(slot) } };
  const props = { metadata: metadata(`podinfo-${slot}`), spec };
  return stackResource("kubernetes:appmesh.k8s.aws/v1beta2:VirtualNode", `node-${slot}`, props);
}
function workload(
  kind: string,
  slot: string,
  spec: object = {},
  labels = slotLabels(slot),
): PolicyResource {
  const template = { metadata: { labels: { ...labels, more: "labels" } } };
  const props = { metadata: metadata(`podinfo-${slot}`), spec: { ...spec, template } };
  return stackResource(`kubernetes:apps/v1:${kind}`, `${kind}-${slot}`, props);
}

/** A route that splits between the slots as its kind says it. */
function split(kind: "HTTPRoute" | "GRPCRoute" | "VirtualRouter", blue: number): PolicyResource {
  const weights = [blue, 100 - blue];
  const names = ["podinfo-blue", "podinfo-green"];
  if (kind === "VirtualRouter") {
    const weightedTargets = names.map((name, index) => ({
      virtualNodeRef: { name },
      weight: weights[index],
    }));
    const spec = { routes: [{ httpRoute: { action: { weightedTargets } } }] };
    const props = { metadata: metadata("podinfo"), spec };
    return stackResource("kubernetes:appmesh.k8s.aws/v1beta2:VirtualRouter", "route", props);
  }
  const backendRefs = names.map((name, index) => ({
    kind: "Service",
    name,
    port: 80,
    weight: weights[index],
  }));
  const props = { metadata: metadata("podinfo"), spec: { rules: [{ backendRefs }] } };
  return stackResource(`kubernetes:gateway.networking.k8s.io/v1:${kind}`, "route", props);
}

describe("forbid-weight-on-empty-slot on Kubernetes", () => {
  const ends = { HTTPRoute: service, GRPCRoute: service, VirtualRouter: node } as const;
  for (const kind of ["HTTPRoute", "GRPCRoute", "VirtualRouter"] as const) {
    const both = ["blue", "green"].map((slot) => ends[kind](slot));
    const end = kind === "VirtualRouter" ? "VirtualNode" : "Service";

    it(`lets a ${kind} to slots with replicas pass, or with as many as an autoscaler says`, () => {
      const workloads = [
        workload("Deployment", "blue", { replicas: 2 }),
        workload("Deployment", "green"),
      ];
      assert.deepEqual(violations(split(kind, 80), ...both, ...workloads), []);
    });

    it(`lets a ${kind} without weight for an idle slot pass`, () => {
      const workloads = [
        workload("Deployment", "blue", { replicas: 2 }),
        workload("Deployment", "green", { replicas: 0 }),
      ];
      assert.deepEqual(violations(split(kind, 100), ...both, ...workloads), []);
    });

    it(`stops a ${kind} to a Deployment without replicas`, () => {
      const workloads = [
        workload("Deployment", "blue", { replicas: 2 }),
        workload("Deployment", "green", { replicas: 0 }),
      ];
      assert.deepEqual(violations(split(kind, 80), ...both, ...workloads), [
        `${end} "podinfo-green" has weight, but Deployment "podinfo-green" has 0 replicas: deploy it first`,
      ]);
    });

    it(`stops a ${kind} to a slot without its DaemonSet`, () => {
      assert.deepEqual(violations(split(kind, 80), ...both, workload("DaemonSet", "blue")), [
        `${end} "podinfo-green" has weight, but no workload runs there: deploy it first`,
      ]);
      const workloads = [workload("DaemonSet", "blue"), workload("DaemonSet", "green")];
      assert.deepEqual(violations(split(kind, 80), ...both, ...workloads), []);
    });
  }

  it("does not judge pods of somebody else's Service, which may come from elsewhere", () => {
    const theirs = ["blue", "green"].map((slot) => service(slot, { app: slot }));
    assert.deepEqual(violations(split("HTTPRoute", 80), ...theirs), []);
    assert.deepEqual(violations(split("HTTPRoute", 80)), []);
    const idle = workload("Deployment", "green", { replicas: 0 }, { app: "green" });
    assert.equal(violations(split("HTTPRoute", 80), ...theirs, idle).length, 1);
  });

  it("takes a backend without a weight for one that gets requests", () => {
    const props = {
      metadata: metadata("podinfo"),
      spec: { rules: [{ backendRefs: [{ name: "podinfo-green", port: 80 }] }] },
    };
    const route = stackResource("kubernetes:gateway.networking.k8s.io/v1:HTTPRoute", "r", props);
    assert.equal(violations(route, service("green")).length, 1);
  });

  it("leaves out the canary's own router of App Mesh, which names an idle slot at rest", () => {
    const weightedTargets = [{ virtualNodeRef: { name: "podinfo-green" }, weight: 100 }];
    const spec = { routes: [{ httpRoute: { action: { weightedTargets } } }] };
    const type = "kubernetes:appmesh.k8s.aws/v1beta2:VirtualRouter";
    const router = (name: string): PolicyResource =>
      stackResource(type, "r", {
        metadata: metadata(name, { "upramp.dev/service": "podinfo" }),
        spec,
      });
    assert.deepEqual(violations(router("podinfo-canary"), node("green")), []);
    assert.equal(violations(router("podinfo"), node("green")).length, 1);
  });

  it("does not look into another namespace for a slot's pods", () => {
    const props = {
      metadata: { namespace: "other", name: "podinfo-green" },
      spec: { template: { metadata: { labels: slotLabels("green") } } },
    };
    const elsewhere = stackResource("kubernetes:apps/v1:Deployment", "d", props);
    const found = violations(split("HTTPRoute", 0), service("blue"), service("green"), elsewhere);
    assert.equal(found.length, 1);
  });
});
