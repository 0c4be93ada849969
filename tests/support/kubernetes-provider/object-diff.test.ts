import assert from "node:assert/strict";
import { diffObjects, replacingPaths } from "./object-diff.ts";
import { unknownValue } from "./property-values.ts";

const deployment = { apiVersion: "apps/v1", kind: "Deployment", isPatch: false };
const configMap = { apiVersion: "v1", kind: "ConfigMap", isPatch: false };
const fixed = { enableConfigMapMutable: false, enableSecretMutable: false };

const route = (weights: readonly number[]) => ({
  spec: { rules: [{ backendRefs: weights.map((weight) => ({ weight })) }] },
});

describe("the difference of two versions of an object", () => {
  it("names each field that differs, once", () => {
    const before = { spec: { a: 1, b: [1, 2], c: { d: 1 } } };
    const after = { spec: { a: 2, b: [1, 2, 3], e: "new" } };
    assert.deepEqual(diffObjects(before, after, [], []), [
      { path: "spec.a", kind: "update", replaces: false },
      { path: "spec.b[2]", kind: "add", replaces: false },
      { path: "spec.c", kind: "delete", replaces: false },
      { path: "spec.e", kind: "add", replaces: false },
    ]);
  });

  it("is empty for what is only spelled differently", () => {
    const cpu = (quantity: string) => ({ resources: { limits: { cpu: quantity } } });
    assert.deepEqual(diffObjects(cpu("0.5"), cpu("500m"), [], []), []);
    const version = (value: string) => ({ env: { version: value } });
    assert.equal(diffObjects(version("1"), version("1.0"), [], []).length, 1);
  });

  it("counts a value that is not known yet as changed", () => {
    const [change] = diffObjects({ data: { a: "1" } }, { data: { a: unknownValue } }, [], []);
    assert.equal(change?.path, "data.a");
  });

  it("leaves out what is ignored, and nothing beside it", () => {
    const ignored = ["spec.rules[0].backendRefs[*].weight"];
    assert.deepEqual(diffObjects(route([80, 20]), route([100, 0]), [], ignored), []);
    const [change] = diffObjects(route([80, 20]), route([80]), [], ignored);
    assert.equal(change?.path, "spec.rules[0].backendRefs[1]");
  });

  it("replaces for a change of identity, or of what the kind cannot change", () => {
    const replaces = (before: object, after: object, type = deployment) =>
      diffObjects({ ...before }, { ...after }, replacingPaths(type, fixed), []).some(
        (change) => change.replaces,
      );
    const named = (name: string) => ({ metadata: { name } });
    assert.equal(replaces(named("a"), named("b")), true);
    assert.equal(replaces({}, named("b")), true);
    assert.equal(replaces({ spec: { replicas: 1 } }, { spec: { replicas: 2 } }), false);
    const selector = (app: string) => ({ spec: { selector: { matchLabels: { app } } } });
    assert.equal(replaces(selector("a"), selector("b")), true);
    assert.equal(replaces({ data: { a: "1" } }, { data: { a: "2" } }, configMap), true);
    const mutable = replacingPaths(configMap, { ...fixed, enableConfigMapMutable: true });
    const [change] = diffObjects({ data: { a: "1" } }, { data: { a: "2" } }, mutable, []);
    assert.equal(change?.replaces, false);
  });
});
