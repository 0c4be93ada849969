import assert from "node:assert/strict";
import { violations } from "../../rollout/core/invariants.ts";
import type { Progressing, RolloutRecord, RolloutState } from "../../rollout/core/state.ts";
import { inPhase, record, revision, spec, step, Story } from "../support/builders.ts";

/** What a record would be with another state. */
function withState(from: RolloutRecord, change: Partial<RolloutState>): RolloutRecord {
  // the tests below break states on purpose
  return { ...from, state: { ...from.state, ...change } as RolloutState };
}

function withWeights(from: RolloutRecord, blue: number, green: number): RolloutRecord {
  return withState(from, { assignment: { ...from.state.assignment, weights: { blue, green } } });
}

function withCapacity(from: RolloutRecord, capacity: number): RolloutRecord {
  return withState(from, { assignment: { ...from.state.assignment, capacity } });
}

function withoutPending(from: RolloutRecord): RolloutRecord {
  return { ...from, pending: null };
}

const begun = (): RolloutRecord => {
  const story = new Story();
  story.look();
  return story.record;
};
const deploying = (): RolloutRecord => new Story().deployed().record;
const stepping = (): RolloutRecord => new Story().atStep(0).record;
const baking = (): RolloutRecord => new Story().baking().record;
const goingBack = (): RolloutRecord => new Story().goingBack().record;
const succeeded = (): RolloutRecord => {
  const story = new Story().baking().pass(30_000);
  story.look();
  story.act().look();
  return story.record;
};
const failed = (): RolloutRecord => {
  const story = new Story().goingBack();
  story.look();
  story.pass(1_000).look();
  story.act().look();
  return story.record;
};

/** With other counts in its rollout. */
function counting(from: RolloutRecord, counts: Partial<Progressing["rollout"]>): RolloutRecord {
  const state = inPhase(from, "progressing");
  return withState(from, { rollout: { ...state.rollout, ...counts } });
}

type Case = readonly [
  fault: string,
  sentence: RegExp,
  before: RolloutRecord | null,
  after: RolloutRecord,
];

const broken: readonly Case[] = [
  ["weights that do not add up", /add up to 100/, null, withWeights(stepping(), 70, 20)],
  ["a capacity of nothing", /a capacity of 0/, null, withCapacity(stepping(), 0)],
  [
    "a capacity that changes in the middle",
    /the capacity changed/,
    stepping(),
    withCapacity(stepping(), 7),
  ],
  ["a fraction as weight", /not an integer/, null, withWeights(stepping(), 79.5, 20.5)],
  ["a negative weight", /not an integer from 0/, null, withWeights(stepping(), 120, -20)],
  [
    "an empty primary",
    /primary slot blue is empty/,
    null,
    withState(record(), {
      assignment: { ...record().state.assignment, slots: { blue: null, green: null } },
    }),
  ],
  ["weight on an empty slot", /empty slot green has weight/, null, withWeights(record(), 50, 50)],
  [
    "an action pending at rest",
    /succeeded with an action pending/,
    null,
    { ...succeeded(), pending: begun().pending },
  ],
  [
    "a split at rest",
    /does not have all requests/,
    null,
    withState(failed(), {
      assignment: {
        ...failed().state.assignment,
        slots: { blue: revision("v1"), green: revision("v2") },
        weights: { blue: 90, green: 10 },
      },
    }),
  ],
  [
    "success without the new revision",
    /primary is not the new revision/,
    null,
    withState(succeeded(), {
      assignment: {
        ...succeeded().state.assignment,
        slots: { blue: null, green: revision("v9") },
      },
    }),
  ],
  [
    "failure without the old revision",
    /primary is not the old revision/,
    null,
    withState(failed(), {
      assignment: { ...failed().state.assignment, slots: { blue: revision("v9"), green: null } },
    }),
  ],
  [
    "a swap before promotion",
    /progressing with the wrong slot as primary/,
    null,
    withState(stepping(), { assignment: { ...stepping().state.assignment, primary: "green" } }),
  ],
  ["a promoted split", /new revision has weight 90/, null, withWeights(baking(), 10, 90)],
  ["weight on the way back", /going back and the canary/, null, withWeights(goingBack(), 90, 10)],
  ["weight before a step", /not at a step/, null, withWeights(deploying(), 90, 10)],
  [
    "no weight past the first step",
    /past the first step and the canary has no/,
    null,
    withWeights(withState(stepping(), { step: 1 }), 100, 0),
  ],
  [
    "another revision in the canary's slot",
    /green holds id-v9 instead of id-v2/,
    null,
    withState(deploying(), {
      assignment: {
        ...deploying().state.assignment,
        slots: { blue: revision("v1"), green: revision("v9") },
      },
    }),
  ],
  [
    "a canary removed before its time",
    /green holds nothing instead of id-v2/,
    null,
    withState(goingBack(), {
      assignment: { ...goingBack().state.assignment, slots: { blue: revision("v1"), green: null } },
    }),
  ],
  [
    "a rollout to itself",
    /from a revision to itself/,
    null,
    counting(deploying(), { to: revision("v1") }),
  ],
  ["half a count", /not a count/, null, counting(stepping(), { failedChecks: 0.5 })],
  ["negative time", /held is negative/, null, counting(stepping(), { heldMs: -1 })],
  ["checks without weight", /passed without weight/, null, withState(deploying(), { passed: 1 })],
  [
    "an action for something else than the state",
    /would not bring about/,
    null,
    { ...stepping(), pending: begun().pending },
  ],
  [
    "a way back that a policy could stop",
    /could be stopped by a policy/,
    null,
    {
      ...goingBack(),
      pending: {
        action: { kind: "shiftTraffic", assignment: goingBack().state.assignment, forward: true },
        attempts: 0,
        notBefore: 0,
      },
    },
  ],
  [
    "a history without end",
    /501 decisions/,
    null,
    {
      ...record(),
      history: Array.from({ length: 501 }, () => ({
        at: 0,
        phase: "idle",
        step: null,
        weight: 100,
        reason: { kind: "upToDate" },
      })),
    },
  ],
  [
    "half an attempt",
    /attempts is not a count/,
    null,
    {
      ...begun(),
      pending: {
        action: {
          kind: "deployCanary",
          assignment: begun().state.assignment,
          forward: true,
        },
        attempts: 0.5,
        notBefore: 0,
      },
    },
  ],
  ["a rollback that turns around", /turned around/, goingBack(), withWeights(goingBack(), 90, 10)],
  [
    "a replacement that begins at a step",
    /replaced by one that does not begin at weight zero/,
    withState(deploying(), { confirmedAt: 1 }),
    counting(stepping(), { id: "another" }),
  ],
  [
    "a replacement that begins from the other slot",
    /replaced by one that does not begin at weight zero/,
    withState(deploying(), { confirmedAt: 1 }),
    counting(begun(), { id: "another", fromSlot: "green" }),
  ],
  ["a forgotten rollout", /was forgotten/, stepping(), record()],
  ["a phase out of order", /promoting after finalizing/, baking(), new Story().promoting().record],
  [
    "forgotten failures",
    /failed checks were forgotten/,
    counting(stepping(), { failedChecks: 2 }),
    stepping(),
  ],
  [
    "one failure too many",
    /too many failed checks/,
    counting(stepping(), { failedChecks: 2 }),
    counting(stepping(), { failedChecks: 3 }),
  ],
  [
    "one blind check too many",
    /too many blind checks/,
    counting(stepping(), { blindChecks: 3 }),
    counting(stepping(), { blindChecks: 4 }),
  ],
  [
    "one correction too many",
    /too many corrections/,
    counting(stepping(), { corrections: 5 }),
    counting(stepping(), { corrections: 6 }),
  ],
  ["a start at a step", /a rollout began in progressing/, record(), stepping()],
  ["a start from another primary", /from something else than the primary/, record("v0"), begun()],
  [
    "a replacement with weight",
    /took the place of a canary in progressing with weight/,
    stepping(),
    counting(begun(), { id: "another" }),
  ],
  [
    "a replacement before the router let go",
    /replaced before the router/,
    deploying(),
    counting(begun(), { id: "another" }),
  ],
  ["less weight", /weight fell from 20 to 10/, stepping(), withWeights(stepping(), 90, 10)],
  [
    "more weight on an unconfirmed split",
    /rose from 20 to 50 before the router/,
    withState(stepping(), { confirmedAt: null }),
    withWeights(stepping(), 50, 50),
  ],
  [
    "a removal without a look at the router",
    /green was removed before the router/,
    goingBack(),
    withoutPending(
      withState(goingBack(), {
        stage: "removing",
        assignment: {
          ...goingBack().state.assignment,
          slots: { blue: revision("v1"), green: null },
        },
      }),
    ),
  ],
  [
    "a promotion for no reason",
    /promoted without a confirmed split/,
    stepping(),
    { ...new Story().promoting().record, history: [] },
  ],
];

describe("invariants", () => {
  for (const [fault, sentence, before, after] of broken) {
    it(`find ${fault}`, () => {
      const found = violations(spec(), before, after);
      assert.ok(
        found.some((one) => sentence.test(one)),
        `found only: ${found.join("; ")}`,
      );
    });
  }

  it("find nothing in a history that is just full", () => {
    const [entry] = new Story().atStep(0).record.history;
    const history = Array.from({ length: 500 }, () => entry ?? assert.fail("no history"));
    assert.deepEqual(violations(spec(), null, { ...record(), history }), []);
  });

  it("find nothing in counters above a limit that was lowered meanwhile", () => {
    const before = counting(stepping(), { failedChecks: 5, blindChecks: 5, corrections: 9 });
    assert.deepEqual(violations(spec(), before, before), []);
  });

  it("name the service", () => {
    const [first] = violations(spec(), null, withWeights(stepping(), 70, 20));
    assert.match(first ?? "", /^podinfo: /);
  });

  it("find nothing in a good rollout with a hold, nor in one that goes back", () => {
    const holding = { steps: [step(20, { hold: true, checks: 2 }), step(50)] };
    for (const command of ["promote", "rollback"] as const) {
      const story = new Story(holding);
      let before: RolloutRecord | null = null;
      const save = (): void => {
        assert.deepEqual(violations(story.spec, before, story.record), []);
        before = story.record;
      };
      save();
      for (let looks = 0; looks < 100 && story.last?.outcome !== "end"; looks += 1) {
        if (story.record.pending !== null) {
          story.act();
          save();
        }
        const { phase } = story.record.state;
        story.look({ command: phase === "waiting" ? command : null });
        save();
        story.check("pass");
        save();
      }
      const end = command === "promote" ? "succeeded" : "failed";
      assert.equal(story.record.state.phase, end);
    }
  });
});
