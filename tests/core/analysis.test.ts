import assert from "node:assert/strict";
import { judgeCheck, judgeSample, type Sample, type Verdict } from "../../rollout/core/analysis.ts";
import type { MetricSpec } from "../../rollout/core/spec.ts";

const between: MetricSpec = { name: "m", min: 1, max: 5, windowMs: 10_000, variables: {} };
const { max: _max, ...atLeast } = between;
const { min: _min, ...atMost } = between;

const value = (number: number): Sample => ({ kind: "value", value: number });

describe("a sample", () => {
  const cases: readonly (readonly [string, MetricSpec, Sample, Verdict])[] = [
    ["inside the range", between, value(3), "pass"],
    ["on the lower bound", between, value(1), "pass"],
    ["on the upper bound", between, value(5), "pass"],
    ["below the range", between, value(0.999), "fail"],
    ["above the range", between, value(5.001), "fail"],
    ["above a range without maximum", atLeast, value(1e9), "pass"],
    ["below a range without minimum", atMost, value(-1e9), "pass"],
    ["NaN", between, value(NaN), "inconclusive"],
    ["infinite", between, value(Infinity), "inconclusive"],
    ["negatively infinite", between, value(-Infinity), "inconclusive"],
    ["missing", between, { kind: "none" }, "inconclusive"],
    ["ambiguous", between, { kind: "many", series: 2 }, "error"],
    ["out of reach", between, { kind: "unavailable", message: "refused" }, "error"],
  ];
  for (const [name, metric, sample, verdict] of cases) {
    it(`that is ${name} is a ${verdict}`, () => {
      assert.equal(judgeSample(metric, sample).verdict, verdict);
    });
  }

  it("is passed on only as a number", () => {
    assert.equal(judgeSample(between, value(3)).value, 3);
    assert.equal("value" in judgeSample(between, value(NaN)), false);
  });

  it("says why there is no number", () => {
    const details = [value(NaN), { kind: "none" }, { kind: "many", series: 2 }] as const;
    assert.deepEqual(
      details.map((sample) => judgeSample(between, sample).detail),
      ["no number (NaN)", "no data", "2 series instead of one"],
    );
  });
});

describe("a check", () => {
  const pass = value(3);
  const fail = value(9);
  const none: Sample = { kind: "none" };
  const many: Sample = { kind: "many", series: 2 };
  const cases: readonly (readonly [string, readonly Sample[], Verdict])[] = [
    ["passes when all metrics pass", [pass, pass], "pass"],
    ["fails on one failed metric, whatever the others say", [pass, many, none, fail], "fail"],
    ["is an error when one metric is, and none failed", [pass, none, many], "error"],
    ["is inconclusive when one metric is, and the others passed", [pass, none], "inconclusive"],
    ["is inconclusive without any metric", [], "inconclusive"],
  ];
  for (const [name, samples, verdict] of cases) {
    it(name, () => {
      const metrics = samples.map((_, index) => ({ ...between, name: `m${index}` }));
      const check = judgeCheck(7, metrics, samples);
      assert.equal(check.verdict, verdict);
      assert.equal(check.at, 7);
      assert.deepEqual(
        check.results.map(({ metric }) => metric),
        metrics.map(({ name: metric }) => metric),
      );
    });
  }

  it("is inconclusive where a sample is missing", () => {
    assert.equal(judgeCheck(0, [between, between], [pass]).verdict, "inconclusive");
  });
});
