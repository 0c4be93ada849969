import assert from "node:assert/strict";
import type { Drive, Revision, ServiceOutputs } from "../../infra/contract.ts";
import { desiredOf } from "../../infra/service/desired.ts";
import { serviceOutputs } from "./service-outputs.ts";

const revision = (name: string): Revision => ({ id: `id-${name}`, name, content: {} });

const drive: Drive = {
  assignment: {
    primary: "green",
    slots: { blue: null, green: revision("2") },
    weights: { blue: 0, green: 100 },
  },
  failed: { id: "id-3", name: "3", why: "checksFailed" },
};

describe("what a service stack is to show", () => {
  it("is the configured revision in blue with all weight at the very first update", () => {
    const { assignment, failed } = desiredOf(revision("1"), null, null);
    assert.deepEqual(assignment, {
      primary: "blue",
      slots: { blue: revision("1"), green: null },
      weights: { blue: 100, green: 0 },
    });
    assert.equal(failed, null);
  });

  it("stays as it is in a plain update, with the wanted revision taken from the checkout", () => {
    const previous: ServiceOutputs = serviceOutputs({ failed: drive.failed });
    const desired = desiredOf(revision("9"), null, previous);
    assert.deepEqual(desired.assignment, previous.assignment);
    assert.deepEqual(desired.failed, drive.failed);
    assert.deepEqual(desired.configured, revision("9"));
    assert.ok(desired.keepWeights);
  });

  it("is the driver's in an update by the driver, which never changes the wanted revision", () => {
    const previous = serviceOutputs();
    const desired = desiredOf(revision("9"), drive, previous);
    assert.deepEqual(desired.assignment, drive.assignment);
    assert.deepEqual(desired.failed, drive.failed);
    assert.deepEqual(desired.configured, previous.configured);
    assert.ok(!desired.keepWeights);
  });

  it("is wanted as configured when the driver makes the very first update", () => {
    assert.deepEqual(desiredOf(revision("9"), drive, null).configured, revision("9"));
  });
});
