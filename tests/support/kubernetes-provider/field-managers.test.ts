import assert from "node:assert/strict";
import { adoptedManagedFields, withIgnoredChanges } from "./field-managers.ts";

const own = "pulumi-kubernetes-0a1b2c3d";

const entry = (manager: string, operation: "Apply" | "Update", fieldsV1: object, more = {}) => ({
  manager,
  operation,
  fieldsV1,
  ...more,
});

const object = (...managedFields: readonly object[]) => ({
  metadata: { managedFields },
  spec: { replicas: 7, paused: true },
});

const replicas = { "f:spec": { "f:replicas": {} } };
const paused = { "f:spec": { "f:paused": {} } };

describe("the managers of an object's fields", () => {
  it("hand over what was created by POST or by kubectl", () => {
    const live = object(
      entry(own, "Update", replicas),
      entry("kubectl-edit", "Update", paused),
      entry("kube-controller-manager", "Update", { "f:status": {} }, { subresource: "status" }),
    );
    const [kept, merged] = adoptedManagedFields(live, own) ?? [];
    assert.equal(kept?.["manager"], "kube-controller-manager");
    assert.deepEqual(
      { ...merged },
      {
        manager: own,
        operation: "Apply",
        fieldsV1: { "f:spec": { "f:replicas": {}, "f:paused": {} } },
      },
    );
  });

  it("are left alone when there is nothing to hand over", () => {
    const live = object(entry(own, "Apply", replicas), entry("somebody", "Update", paused));
    assert.equal(adoptedManagedFields(live, own), undefined);
  });

  it("decide what an ignored field is sent as", () => {
    const inputs = { spec: { replicas: 1, paused: false } };
    const ignored = ["spec.replicas"];
    const theirs = object(entry("hpa", "Update", replicas), entry(own, "Apply", paused));
    assert.deepEqual(withIgnoredChanges(inputs, theirs, own, ignored), { spec: { paused: false } });
    const ours = object(entry(own, "Apply", replicas));
    assert.deepEqual(withIgnoredChanges(inputs, ours, own, ignored), {
      spec: { replicas: 7, paused: false },
    });
    const list = ["spec.rules[0].weight"];
    assert.deepEqual(withIgnoredChanges(inputs, theirs, own, list), inputs);
  });
});
