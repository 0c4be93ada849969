import assert from "node:assert/strict";
import { closingLine, type TestCounts } from "../../tools/test-counts.ts";
import { readTestArgs } from "../../tools/test-args.ts";
import { type GroupEnding, outcomeOf } from "../../tools/test-outcome.ts";

const good: GroupEnding = { code: 0, signal: null };
const bad: GroupEnding = { code: 1, signal: null };
const counts = (passed: number, failed = 0, skipped = 0): TestCounts => ({
  passed,
  failed,
  skipped,
});

const cases: readonly {
  readonly what: string;
  readonly ending: GroupEnding;
  readonly reported?: TestCounts;
  readonly mayBeEmpty?: boolean;
  readonly closing: string;
  readonly problem?: string;
}[] = [
  { what: "passed", ending: good, reported: counts(3), closing: "3 passed, 0 failed" },
  {
    what: "skipped all",
    ending: good,
    reported: counts(0, 0, 1),
    closing: "0 passed, 0 failed, 1 skipped",
  },
  { what: "failed tests", ending: bad, reported: counts(3, 2), closing: "3 passed, 2 failed" },
  {
    what: "ended well without a word",
    ending: good,
    closing: "0 passed, 1 failed",
    problem: "ended with code 0 before it could count",
  },
  {
    what: "crashed",
    ending: { code: 134, signal: null },
    closing: "0 passed, 1 failed",
    problem: "ended with code 134 before it could count",
  },
  {
    what: "was killed",
    ending: { code: null, signal: "SIGKILL" },
    closing: "0 passed, 1 failed",
    problem: "was ended by SIGKILL before it could count",
  },
  {
    what: "was killed after it had counted",
    ending: { code: null, signal: "SIGSEGV" },
    reported: counts(3),
    closing: "3 passed, 1 failed",
    problem: "was ended by SIGSEGV",
  },
  {
    what: "failed after the last test",
    ending: { code: 7, signal: null },
    reported: counts(3),
    closing: "3 passed, 1 failed",
    problem: "ended with code 7, though no test failed",
  },
  {
    what: "hung",
    ending: { code: null, signal: "SIGTERM", overranMs: 120_000 },
    closing: "0 passed, 1 failed",
    problem: "was stopped after 2 min",
  },
  {
    what: "could not be started",
    ending: { code: null, signal: null, error: "spawn ENOENT" },
    closing: "0 passed, 1 failed",
    problem: "could not be started: spawn ENOENT",
  },
  {
    what: "ran no test",
    ending: good,
    reported: counts(0),
    closing: "0 passed, 1 failed",
    problem: "ran no test",
  },
  {
    what: "had none of the chosen tests",
    ending: bad,
    reported: counts(0),
    mayBeEmpty: true,
    closing: "0 passed, 0 failed",
  },
];

describe("the outcome of a group that", () => {
  for (const { what, ending, reported, mayBeEmpty = false, closing, problem } of cases) {
    it(`${what} is "${closing}"`, () => {
      const outcome = outcomeOf(ending, reported, mayBeEmpty);
      assert.equal(closingLine(outcome.counts), closing);
      assert.equal(outcome.problem, problem);
    });
  }
});

describe("the arguments of a test run", () => {
  it("go to the tests but for what is the runner's own", () => {
    const args = ["--only", "cluster", "--grep", "x", "--jobs", "3", "a.test.ts"];
    assert.deepEqual(readTestArgs(args), {
      isClusterOnly: true,
      jobs: 3,
      rest: ["--grep", "x", "a.test.ts"],
    });
    assert.equal(readTestArgs(["--jobs=1"]).jobs, 1);
    assert.ok(readTestArgs([]).jobs >= 1);
  });

  for (const args of [["--jobs", "0"], ["--jobs=two"], ["--jobs"]]) {
    it(`refuse ${args.join(" ")}`, () => {
      assert.throws(() => readTestArgs(args), { name: "UserError", message: /how many groups/ });
    });
  }
});
