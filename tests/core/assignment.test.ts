import assert from "node:assert/strict";
import {
  allTo,
  otherSlot,
  primaryRevision,
  sameAssignment,
  sameWeights,
  split,
  type Assignment,
} from "../../rollout/core/assignment.ts";
import { revision } from "../support/builders.ts";

const assignment: Assignment = {
  primary: "blue",
  slots: { blue: revision("v1"), green: revision("v2") },
  weights: { blue: 80, green: 20 },
};

describe("weights", () => {
  it("give a slot its weight and the other one the rest", () => {
    assert.deepEqual(split("blue", 30), { blue: 30, green: 70 });
    assert.deepEqual(split("green", 30), { blue: 70, green: 30 });
    assert.deepEqual(allTo("green"), { blue: 0, green: 100 });
  });

  it("are the same when both are", () => {
    assert.equal(sameWeights({ blue: 30, green: 70 }, { blue: 30, green: 70 }), true);
    assert.equal(sameWeights({ blue: 30, green: 70 }, { blue: 70, green: 30 }), false);
    assert.equal(sameWeights({ blue: 30, green: 70 }, { blue: 30, green: 60 }), false);
    assert.equal(sameWeights({ blue: 30, green: 70 }, { blue: 40, green: 70 }), false);
  });
});

describe("an assignment", () => {
  it("is the same when roles, revisions and split are, whatever the revisions are called", () => {
    const renamed = { ...revision("v2"), name: "another name", content: {} };
    const slots = { ...assignment.slots, green: renamed };
    assert.equal(sameAssignment(assignment, { ...assignment, slots }), true);
  });

  const others: readonly (readonly [string, Partial<Assignment>])[] = [
    ["role", { primary: "green" }],
    ["split", { weights: { blue: 70, green: 30 } }],
    ["revision in blue", { slots: { ...assignment.slots, blue: revision("v3") } }],
    ["revision in green", { slots: { ...assignment.slots, green: revision("v3") } }],
    ["empty slot", { slots: { ...assignment.slots, green: null } }],
  ];
  for (const [what, change] of others) {
    it(`differs by another ${what}`, () => {
      assert.equal(sameAssignment(assignment, { ...assignment, ...change }), false);
      assert.equal(sameAssignment({ ...assignment, ...change }, assignment), false);
    });
  }

  it("is broken without a primary revision", () => {
    assert.equal(primaryRevision(assignment).name, "v1");
    const slots = { blue: null, green: null };
    assert.throws(() => primaryRevision({ ...assignment, slots }), /primary slot blue is empty/);
  });

  it("has two slots, each the other's other", () => {
    assert.deepEqual([otherSlot("blue"), otherSlot("green")], ["green", "blue"]);
  });
});
