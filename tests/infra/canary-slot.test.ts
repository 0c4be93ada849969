import assert from "node:assert/strict";
import type { Assignment, Revision, ServiceOutputs, Slot } from "../../infra/contract.ts";
import { canarySlot } from "../../infra/service/canary-slot.ts";
import { serviceOutputs } from "./service-outputs.ts";

const [v1, v2, v3] = ["1", "2", "3"].map((id): Revision => ({ id, name: id, content: {} })) as [
  Revision,
  Revision,
  Revision,
]; // three in, three out

function assigned(
  primary: Slot,
  blue: Revision | null,
  green: Revision | null,
  blueWeight: number,
): Assignment {
  return {
    primary,
    slots: { blue, green },
    weights: { blue: blueWeight, green: 100 - blueWeight },
  };
}

/** The canary after each of these updates, one after the other, from an empty stack on. */
function canaries(assignments: readonly Assignment[]): readonly (Slot | null)[] {
  let previous: ServiceOutputs | null = null;
  return assignments.map((assignment) => {
    const canary = canarySlot(assignment, previous);
    previous = serviceOutputs({ assignment, canary });
    return canary;
  });
}

describe("the slot of the canary", () => {
  it("is none in a stack that is new, or that no rollout is in", () => {
    const plain = assigned("blue", v1, null, 100);
    assert.deepEqual(canaries([plain, plain]), [null, null]);
    assert.equal(canarySlot(assigned("blue", v1, v2, 100), null), null);
  });

  it("is the other one from its first pod to its promotion, and not what it then replaces", () => {
    assert.deepEqual(
      canaries([
        assigned("blue", v1, null, 100),
        assigned("blue", v1, v2, 100),
        assigned("blue", v1, v2, 80),
        assigned("blue", v1, v2, 0),
        assigned("green", v1, v2, 0),
        assigned("green", v1, v2, 0),
        assigned("green", null, v2, 0),
      ]),
      [null, "green", "green", "green", null, null, null],
    );
  });

  it("is the same one with a newer revision, and after a rollback until it is drained", () => {
    assert.deepEqual(
      canaries([
        assigned("green", null, v1, 0),
        assigned("green", v2, v1, 20),
        assigned("green", v3, v1, 0),
        assigned("green", v3, v1, 20),
        assigned("green", v3, v1, 0),
        assigned("green", null, v1, 0),
      ]),
      [null, "blue", "blue", "blue", "blue", null],
    );
  });

  it("is the one beside the primary when a new revision takes the place of an old primary", () => {
    assert.deepEqual(
      canaries([
        assigned("blue", v1, null, 100),
        assigned("blue", v1, v2, 50),
        assigned("green", v1, v2, 0),
        assigned("green", v3, v2, 0),
        assigned("green", v3, v2, 20),
      ]),
      [null, "green", null, "blue", "blue"],
    );
  });

  it("is none when an old primary gets requests again", () => {
    assert.deepEqual(
      canaries([
        assigned("blue", v1, null, 100),
        assigned("blue", v1, v2, 50),
        assigned("green", v1, v2, 0),
        assigned("blue", v1, v2, 100),
        assigned("blue", v1, null, 100),
      ]),
      [null, "green", null, null, null],
    );
  });

  it("is none where an older version of upramp did not say", () => {
    const assignment = assigned("blue", v1, v2, 80);
    const { canary: _, ...silent } = serviceOutputs({ assignment });
    assert.equal(canarySlot(assignment, silent), null);
  });
});
