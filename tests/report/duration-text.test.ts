import assert from "node:assert/strict";
import { durationText } from "../../rollout/report/duration-text.ts";
import { offsetText, timeTicks } from "../../rollout/report/time-axis.ts";

describe("durations in words", () => {
  for (const [ms, text] of [
    [0, "0 s"],
    [999, "999 ms"],
    [1_000, "1 s"],
    [12_345, "12.3 s"],
    [60_000, "1 min"],
    [185_000, "3 min 5 s"],
    [3_600_000, "1 h"],
    [7_800_000, "2 h 10 min"],
    // not "60 s": what rounds up to the next unit is that unit
    [59_960, "1 min"],
    [999.6, "1 s"],
    [3_599_600, "1 h"],
  ] as const) {
    it(`say ${ms} ms as ${text}`, () => assert.equal(durationText(ms), text));
  }
});

describe("time axis", () => {
  it("counts minutes and hours from the start", () => {
    assert.deepEqual([7_000, 750_000, 3_723_000].map(offsetText), ["0:07", "12:30", "1:02:03"]);
  });

  it("has a few ticks at round times, however long it is", () => {
    for (const ms of [0, 900, 5_000, 54_000, 600_000, 86_400_000, 1_000_000_000]) {
      const ticks = timeTicks(ms);
      assert.ok(ticks.length >= 1 && ticks.length <= 10, `${ms}: ${ticks.length}`);
      assert.equal(ticks[0]?.offsetMs, 0);
      assert.ok((ticks.at(-1)?.offsetMs ?? 0) <= ms);
    }
  });
});
