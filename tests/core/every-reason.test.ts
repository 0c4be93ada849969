import assert from "node:assert/strict";
import type { Decision } from "../../rollout/core/decide.ts";
import type { Reason } from "../../rollout/core/reason.ts";
import {
  dead,
  limits,
  partial,
  readyIn,
  record,
  revision,
  step,
  Story,
} from "../support/builders.ts";

const locked = { kind: "locked", message: "another update" } as const;
const broken = { kind: "other", message: "exit status 255" } as const;
const home = { blue: 100, green: 0 };

function times(count: number, act: () => Decision): Decision {
  for (let left = count; left > 1; left -= 1) act();
  return act();
}

/** The shortest story to each reason. The type makes a new reason without a story an error. */
const stories: Readonly<Record<Reason["kind"], () => Decision>> = {
  upToDate: () => new Story({}, record("v1", "v1")).look(),
  alreadyFailed: () => {
    const why = { kind: "canaryLost" } as const;
    const failed = { ...revision("v2"), why };
    return new Story({}, { ...record(), failed }).look();
  },
  newRevision: () => new Story().look(),
  revisionChanged: () => new Story().atStep(0).wish("v3").look(),

  waitingForReady: () => new Story().deployed().look(readyIn("green", partial)),
  waitingForRouter: () => new Story().deployed().look({ weights: null }),
  waitingForCheck: () => new Story().atStep(0).look(),
  waitingForPromote: () => new Story({ steps: [step(20, { hold: true })] }).held().look(),
  waitingForLock: () => started().fail(locked),
  retrying: () => started().fail(broken),
  draining: () => {
    const story = new Story().goingBack();
    story.look();
    return story.look();
  },
  baking: () => new Story().baking().look(),
  commandRefused: () => new Story().atStep(0).look({ command: "promote" }),

  canaryReady: () => new Story().deployed().look(),
  routerConfirmed: () => {
    const story = new Story().deployed();
    story.look();
    return story.act().look();
  },
  checkPassed: () => new Story({ steps: [step(20, { checks: 2 })] }).atStep(0).check("pass"),
  checkFailed: () => new Story().atStep(0).check("fail"),
  checkBlind: () => new Story().atStep(0).check("inconclusive"),
  stepPassed: () => new Story().atStep(0).check("pass"),
  drift: () => new Story().atStep(0).look({ weights: home }),
  promoteRequested: () => new Story().atStep(0).look({ command: "promoteFull" }),
  promoted: () => new Story().promoting().look(),
  bakeOver: () => new Story().baking().pass(30_000).look(),
  drained: () => {
    const story = new Story().goingBack();
    story.look();
    return story.pass(1_000).look();
  },

  failedChecks: () => {
    const story = new Story().atStep(0);
    return times(3, () => story.check("fail"));
  },
  blindChecks: () => {
    const story = new Story().atStep(0);
    return times(4, () => story.check("error"));
  },
  canaryFailedToStart: () => started().fail({ kind: "workload", message: "exited" }),
  canaryNotReady: () => new Story().deployed().pass(120_001).look(readyIn("green", partial)),
  canaryLost: () => new Story().atStep(0).look(readyIn("green", dead)),
  routerSilent: () => new Story().promoting().pass(30_001).look({ weights: home }),
  splitContested: () => {
    const story = new Story(limits({ attemptsMax: 1 })).atStep(0);
    story.look({ weights: home });
    story.act().look();
    return story.look({ weights: home });
  },
  rolloutTooLong: () => new Story().atStep(0).pass(3_600_001).look(),
  policyViolation: () => started().fail({ kind: "policy", message: "no" }),
  applyFailed: () => {
    const story = started();
    return times(5, () => story.fail(broken));
  },
  rollbackRequested: () => new Story().atStep(0).look({ command: "rollback" }),
  wantedIsPrimary: () => new Story().atStep(0).wish("v1").look(),
  rolledBack: () => {
    const story = new Story().goingBack();
    story.look();
    story.pass(1_000).look();
    return story.act().look();
  },

  stackLocked: () => {
    const story = started();
    return times(5, () => story.fail(locked));
  },
  primaryLost: () => {
    const story = new Story({ failedChecksMax: 1 }).atStep(0);
    return story.check("fail", readyIn("blue", dead));
  },
  gaveUp: () => {
    const story = new Story().atStep(0);
    story.look({ command: "rollback" });
    return times(5, () => story.fail(broken));
  },
};

/** A canary is about to be deployed. */
function started(): Story {
  const story = new Story();
  story.look();
  return story;
}

describe("every reason", () => {
  for (const [kind, story] of Object.entries(stories)) {
    it(`is reached: ${kind}`, () => assert.equal(story().reason.kind, kind));
  }
});
