import assert from "node:assert/strict";
import type { PolicyResource } from "@pulumi/policy";
import { forbidWeightOnEmptySlot } from "../../policies/forbid-weight-on-empty-slot.ts";
import { stackArgs, stackResource } from "./rule-args.ts";

const podinfo = stackResource("upramp:service:LocalService", "podinfo", {});
const shop = stackResource("upramp:service:LocalService", "shop", {});

const route = (blue: number, parent = podinfo): PolicyResource =>
  stackResource("upramp:local:Route", "r", { weights: { blue, green: 100 - blue } }, parent);
const process = (name: string, parent = podinfo): PolicyResource =>
  stackResource("upramp:local:Process", name, { name }, parent);

function violations(...resources: PolicyResource[]): string[] {
  const found: string[] = [];
  void forbidWeightOnEmptySlot.validateStack(stackArgs(resources), (message) => {
    found.push(message);
  });
  return found;
}

describe("forbid-weight-on-empty-slot", () => {
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
