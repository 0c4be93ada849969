import assert from "node:assert/strict";
import { withName } from "./autoname.ts";
import { nameOf } from "./kubernetes-object.ts";
import { unknownValue } from "./property-values.ts";

const seed = Buffer.from("seed");

describe("the name of an object", () => {
  it("is its own where it has one, known or not", () => {
    const named = { metadata: { name: "mine" } };
    assert.equal(withName(named, undefined, "logical", undefined, seed), named);
    const later = { metadata: { name: unknownValue } };
    assert.equal(withName(later, undefined, "logical", undefined, seed), later);
  });

  it("is made of the logical name and the seed, and marked", () => {
    const first = withName({}, undefined, "logical", undefined, seed);
    assert.match(nameOf(first), /^logical-[0-9a-f]{8}$/);
    assert.deepEqual(withName({}, undefined, "logical", undefined, seed), first);
    const other = withName({}, undefined, "logical", undefined, Buffer.from("other"));
    assert.notEqual(nameOf(other), nameOf(first));
  });

  it("stays when it was made up before", () => {
    const old = withName({}, undefined, "logical", undefined, seed);
    const next = withName({ data: {} }, old, "logical", undefined, Buffer.from("other"));
    assert.equal(nameOf(next), nameOf(old));
  });

  it("follows the engine's naming options", () => {
    const proposed = { mode: "propose", name: "team-logical" } as const;
    assert.equal(nameOf(withName({}, undefined, "logical", proposed, seed)), "team-logical");
    const disabled = { mode: "disable" } as const;
    assert.throws(() => withName({}, undefined, "logical", disabled, seed), /needs a/);
  });

  it("cannot be left to the server", () => {
    const generated = { metadata: { generateName: "a-" } };
    assert.throws(() => withName(generated, undefined, "logical", undefined, seed), /generateName/);
  });
});
