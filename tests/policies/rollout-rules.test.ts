import assert from "node:assert/strict";
import type { PolicyResource } from "@pulumi/policy";
import { forbidRevisionChangeUnderWeight } from "../../policies/forbid-revision-change-under-weight.ts";
import { forbidRevisionInBothSlots } from "../../policies/forbid-revision-in-both-slots.ts";
import { requireKnownStep } from "../../policies/require-known-step.ts";
import { shownRollout } from "../../infra/service/shown-rollout.ts";
import type { Assignment, Revision, ServiceOutputs, Slot } from "../../infra/contract.ts";
import { serviceOutputs } from "../infra/service-outputs.ts";
import { stackResource, stackViolations } from "./rule-args.ts";

const revision = (id: string): Revision => ({ id, name: `version ${id}`, content: {} });

/** Who is primary, what runs in blue and green, and green's weight. */
function state(
  primary: Slot,
  blue: string | null,
  green: string | null,
  weight: number,
): Assignment {
  return {
    primary,
    slots: {
      blue: blue === null ? null : revision(blue),
      green: green === null ? null : revision(green),
    },
    weights: { blue: 100 - weight, green: weight },
  };
}

/** The component of a service after an update, as `infra` shows it to policies. */
function component(
  before: Assignment | null,
  after: Assignment,
  type = "upramp:service:CanaryService",
): PolicyResource {
  const steps = [20, 60].map((weight) => ({ weight, checks: 1, hold: false }));
  const previous: ServiceOutputs | null =
    before === null ? null : { ...serviceOutputs(), assignment: before };
  const { rollout } = serviceOutputs();
  return stackResource(type, "podinfo", {
    rollout: shownRollout({ ...rollout, steps }, previous, after),
  });
}

const all = [requireKnownStep, forbidRevisionInBothSlots, forbidRevisionChangeUnderWeight];
const violations = (...args: Parameters<typeof component>): readonly string[] =>
  all.flatMap((rule) => stackViolations(rule, [component(...args)]));

/** Every update of a rollout that is promoted, and of the next one, which goes back and starts again. */
const rightUpdates: readonly (readonly [string, Assignment | null, Assignment])[] = [
  ["the first one", null, state("blue", "1", null, 0)],
  ["a plain one", state("blue", "1", null, 0), state("blue", "1", null, 0)],
  ["a canary without weight", state("blue", "1", null, 0), state("blue", "1", "2", 0)],
  ["the first step", state("blue", "1", "2", 0), state("blue", "1", "2", 20)],
  ["the last step", state("blue", "1", "2", 20), state("blue", "1", "2", 60)],
  ["the promotion", state("blue", "1", "2", 60), state("green", "1", "2", 100)],
  ["the old slot's end", state("green", "1", "2", 100), state("green", null, "2", 100)],
  ["the next canary", state("green", null, "2", 100), state("green", "3", "2", 100)],
  ["its first step", state("green", "3", "2", 100), state("green", "3", "2", 80)],
  ["the way back", state("green", "3", "2", 80), state("green", "3", "2", 100)],
  ["another canary", state("green", "3", "2", 100), state("green", "4", "2", 100)],
];

describe("the rules of rollouts", () => {
  for (const [what, before, after] of rightUpdates) {
    it(`let ${what} pass`, () => {
      assert.deepEqual(violations(before, after), []);
      assert.deepEqual(violations(before, after, "upramp:service:LocalService"), []);
    });
  }

  it("look at nothing else", () => {
    const same = state("blue", "1", "1", 37);
    assert.deepEqual(violations(null, same, "somebody:else:Service"), []);
    const empty = stackResource("upramp:service:CanaryService", "podinfo", {});
    assert.deepEqual(
      all.flatMap((rule) => stackViolations(rule, [empty])),
      [],
    );
  });
});

describe("require-known-step", () => {
  it("stops a weight that no step has", () => {
    assert.deepEqual(violations(state("blue", "1", "2", 20), state("blue", "1", "2", 37)), [
      "the canary in green gets weight 37, and the steps are 20, 60: " +
        "add it to upramp:rollout.steps, or let `upramp run` move the weights",
    ]);
  });

  it("stops it in the other slot too", () => {
    const [message = ""] = violations(state("green", "2", "1", 100), state("green", "2", "1", 50));
    assert.match(message, /the canary in blue gets weight 50/);
  });

  it("lets a weight stay that is no step any more", () => {
    assert.deepEqual(violations(state("blue", "1", "2", 37), state("blue", "1", "2", 37)), []);
  });

  it("takes other weights from its configuration", () => {
    const wrong = component(state("blue", "1", "2", 20), state("blue", "1", "2", 37));
    const config = { otherWeights: [37] };
    assert.deepEqual(stackViolations(requireKnownStep, [wrong], config), []);
    assert.equal(stackViolations(requireKnownStep, [wrong], { otherWeights: [38] }).length, 1);
  });
});

describe("forbid-revision-in-both-slots", () => {
  it("stops a canary that is what the primary runs", () => {
    assert.deepEqual(violations(state("blue", "1", null, 0), state("blue", "1", "1", 0)), [
      "blue and green both run version 1: leave one empty",
    ]);
  });
});

describe("forbid-revision-change-under-weight", () => {
  for (const [what, before, after] of [
    ["a new primary in place", state("blue", "1", null, 0), state("blue", "2", null, 0)],
    [
      "another canary that keeps its weight",
      state("blue", "1", "2", 20),
      state("blue", "1", "3", 20),
    ],
    ["a canary with weight at once", state("blue", "1", null, 0), state("blue", "1", "2", 20)],
    ["a canary removed with its weight", state("blue", "1", "2", 20), state("blue", "1", null, 0)],
    [
      "a primary changed with the weights",
      state("blue", "1", "2", 20),
      state("blue", "3", "2", 60),
    ],
  ] as const) {
    it(`stops ${what}`, () => {
      const [message = "no violation", ...more] = violations(before, after);
      assert.match(message, /^(blue|green) changes from .* to .* while its weight goes from/);
      assert.deepEqual(more, []);
    });
  }

  it("says which slot, what and how much", () => {
    assert.deepEqual(violations(state("blue", "1", null, 0), state("blue", "1", "2", 20)), [
      "green changes from nothing to version 2 while its weight goes from 0 to 20: " +
        "change what it runs at weight 0, in an update of its own",
    ]);
  });
});
