import assert from "node:assert/strict";
import fc from "fast-check";
import { contains, formatPropertyPath, parsePropertyPath } from "./property-path.ts";

const part = fc.oneof(
  fc.string({ minLength: 1 }).filter((text) => text !== "*" && !text.includes("\\")),
  fc.nat(99),
);

describe("property paths", () => {
  it("are parsed as the engine spells them", () => {
    assert.deepEqual(parsePropertyPath("spec.rules[0].backendRefs[*].weight"), [
      "spec",
      "rules",
      0,
      "backendRefs",
      "*",
      "weight",
    ]);
    assert.deepEqual(parsePropertyPath('metadata.annotations["pulumi.com/skipAwait"]'), [
      "metadata",
      "annotations",
      "pulumi.com/skipAwait",
    ]);
  });

  it("are the same after a way through text", () => {
    fc.assert(
      fc.property(fc.array(part, { minLength: 1 }), (parts) => {
        assert.deepEqual(parsePropertyPath(formatPropertyPath(parts)), parts);
      }),
    );
  });

  it("that are none are refused by name", () => {
    assert.throws(
      () => parsePropertyPath("spec.rules[x"),
      /"spec\.rules\[x" is not a property path/,
    );
  });

  it("contain what is below them", () => {
    assert.equal(contains(["spec"], ["spec", "replicas"]), true);
    assert.equal(contains(["spec", "*", "a"], ["spec", 3, "a"]), true);
    assert.equal(contains(["spec", "replicas"], ["spec"]), false);
  });
});
