import assert from "node:assert/strict";
import fc from "fast-check";
import { ContractError } from "../../infra/contract.ts";
import { without } from "../../infra/service/object-path.ts";

const pod = {
  metadata: { annotations: { "example.com/note": "x", "it's": "y" }, labels: { app: "a" } },
  spec: {
    containers: [
      { name: "a", image: "i:1", resources: { limits: { cpu: "1" } } },
      { name: "b", image: "i:2" },
    ],
  },
};

/** What is left of `pod` after a change of a copy of it. */
function changed(change: (copy: typeof pod) => void): unknown {
  const copy = structuredClone(pod);
  change(copy);
  return copy;
}

describe("taking a path out of an object", () => {
  for (const [path, left] of [
    ["metadata.labels", changed((copy) => Reflect.deleteProperty(copy.metadata, "labels"))],
    [
      ".metadata.labels.app",
      changed((copy) => Reflect.deleteProperty(copy.metadata.labels, "app")),
    ],
    [
      'metadata.annotations["example.com/note"]',
      changed((copy) => Reflect.deleteProperty(copy.metadata.annotations, "example.com/note")),
    ],
    [
      "metadata['annotations'][\"it's\"]",
      changed((copy) => Reflect.deleteProperty(copy.metadata.annotations, "it's")),
    ],
    [
      "spec.containers[0].resources",
      changed((copy) => Reflect.deleteProperty(copy.spec.containers[0] ?? {}, "resources")),
    ],
    [
      "spec.containers[*].image",
      changed((copy) =>
        copy.spec.containers.forEach((one) => Reflect.deleteProperty(one, "image")),
      ),
    ],
    ["metadata.labels[*]", changed((copy) => Reflect.deleteProperty(copy.metadata.labels, "app"))],
    ["spec.containers[0]", { ...pod, spec: { containers: [null, pod.spec.containers[1]] } }],
    ["spec.containers[1]", { ...pod, spec: { containers: [pod.spec.containers[0]] } }],
    ["spec.containers[*]", { ...pod, spec: { containers: [] } }],
    ["spec.containers.image", pod],
    ["metadata[0]", pod],
    ["spec.volumes[3].secret", pod],
    ["metadata.labels.app.name", pod],
  ] as const) {
    it(`takes ${path}`, () => assert.deepEqual(without(pod, path), left));
  }

  it("does not count elements that are there only once they are ignored", () => {
    const list = { a: [1, 2, 3] };
    assert.deepEqual(without(without(list, "a[1]"), "a[2]"), { a: [1] });
    assert.deepEqual(without(without(list, "a[2]"), "a[1]"), { a: [1] });
  });

  it("changes nothing of what it is given", () => {
    const before = structuredClone(pod);
    without(pod, "spec.containers[*].image");
    assert.deepEqual(pod, before);
  });

  for (const [path, at] of [
    ["", /it is empty/],
    ["spec..image", /at "\.\.image"/],
    ["spec.", /at "\."/],
    ["spec.containers[a]", /at "\[a\]"/],
    ["spec.containers[-1]", /at "\[-1\]"/],
    ["spec.containers[0", /at "\[0"/],
    ['a["b]', /at "\["b\]"/],
  ] as const) {
    it(`refuses "${path}" and shows how to write one`, () => {
      assert.throws(
        () => without(pod, path),
        (error) =>
          error instanceof ContractError &&
          error.message.includes(`ignore: "${path}" is no path`) &&
          at.test(error.message) &&
          error.message.includes("write it as spec.containers[0].resources"),
      );
    });
  }

  it("takes away just the one key, of any object and any key", () => {
    const key = fc.stringMatching(/^[a-z][a-zA-Z/.-]{0,9}$/);
    fc.assert(
      fc.property(fc.dictionary(key, fc.jsonValue()), key, fc.jsonValue(), (object, one, value) => {
        const { [one]: _, ...rest } = object;
        assert.deepEqual(without({ ...rest, [one]: value }, `["${one}"]`), rest);
      }),
    );
  });
});
