import assert from "node:assert/strict";
import { checkDue, isUnfinished } from "../../rollout/core/decide.ts";
import { nextCheckAt } from "../../rollout/core/schedule.ts";
import { step, Story } from "../support/builders.ts";

/** Each phase in which a rollout can be looked at, and whether its split is checked there. */
const phases: readonly (readonly [string, () => Story, boolean])[] = [
  ["at rest", (): Story => new Story(), false],
  ["deploying, the router confirmed", deploying, false],
  ["at a step, not confirmed", unconfirmed, false],
  ["at a step, confirmed", (): Story => new Story().atStep(0), true],
  ["waiting", (): Story => new Story({ steps: [step(20, { hold: true })] }).held(), true],
  ["promoting", (): Story => new Story().promoting(), false],
  ["baking", (): Story => new Story().baking(), true],
  ["removing the old slot", removing, false],
  ["going back, confirmed", goingBack, false],
];

function deploying(): Story {
  const story = new Story().deployed();
  story.look({ ready: null });
  return story;
}

function unconfirmed(): Story {
  const story = new Story().deployed();
  story.look();
  return story.act();
}

function removing(): Story {
  const story = new Story().baking().pass(30_000);
  story.look();
  return story.act();
}

function goingBack(): Story {
  const story = new Story().goingBack();
  story.look();
  return story;
}

describe("a check", () => {
  for (const [name, reach, checked] of phases) {
    it(`is ${checked ? "" : "not "}taken ${name}`, () => {
      const { spec, record, now } = reach();
      assert.equal(checkDue(spec, record.state, now + 3_600_000), checked);
    });
  }

  it("is due an interval after the split was confirmed, not before", () => {
    const { spec, record, now } = new Story().atStep(0);
    assert.equal(checkDue(spec, record.state, now + 9_999), false);
    assert.equal(checkDue(spec, record.state, now + 10_000), true);
  });

  it("is due an interval after the last one", () => {
    const story = new Story({ steps: [step(20, { checks: 9 })] }).atStep(0);
    story.check("pass");
    assert.equal(nextCheckAt(story.spec, story.record.state), story.now + 10_000);
  });
});

describe("a record", () => {
  it("is finished at rest only", () => {
    assert.equal(isUnfinished(new Story().record), false);
    const begun = new Story();
    begun.look();
    assert.equal(isUnfinished(begun.record), true);
    assert.equal(isUnfinished(new Story().atStep(0).record), true);
  });
});
