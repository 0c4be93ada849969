import assert from "node:assert/strict";
import { podListSchema, podTargets } from "./pod-targets.ts";

function targetsOf(pod: object) {
  const base = {
    metadata: { name: "podinfo-1", namespace: "shop", uid: "u", labels: { "a.b/c": "d" } },
    spec: { containers: [{ name: "main" }] },
    status: { podIP: "10.244.1.0", phase: "Running" },
  };
  return podTargets(podListSchema.parse({ items: [{ ...base, ...pod }] }).items);
}

describe("the targets of pods", () => {
  it("are one for each port of each container", () => {
    const containers = [
      { name: "main", ports: [{ containerPort: 80, name: "http" }, { containerPort: 81 }] },
      { name: "side" },
    ];
    const initContainers = [{ name: "first" }];
    const found = targetsOf({ spec: { containers, initContainers } });
    assert.deepEqual(
      found.map(({ targets, labels }) => [
        targets[0],
        labels["__meta_kubernetes_pod_container_name"],
        labels["__meta_kubernetes_pod_container_init"],
        labels["__meta_kubernetes_pod_container_port_name"],
      ]),
      [
        ["10.244.1.0:80", "main", "false", "http"],
        ["10.244.1.0:81", "main", "false", ""],
        ["10.244.1.0", "side", "false", undefined],
        ["10.244.1.0", "first", "true", undefined],
      ],
    );
  });

  it("carry labels under names that a metric's labels may have", () => {
    const [found] = targetsOf({});
    assert.equal(found?.labels["__meta_kubernetes_pod_label_a_b_c"], "d");
    assert.equal(found?.labels["__meta_kubernetes_pod_labelpresent_a_b_c"], "true");
    assert.equal(found?.labels["__meta_kubernetes_namespace"], "shop");
  });

  it("do not exist before a pod has an address", () => {
    assert.deepEqual(targetsOf({ status: {} }), []);
  });
});
