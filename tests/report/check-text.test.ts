import assert from "node:assert/strict";
import { checkText } from "../../rollout/report/check-text.ts";
import { blindCheck, failedCheck, passedCheck } from "./every-reason.ts";

describe("text of one check", () => {
  it("has the verdict with its meaning, then every metric against its range", () => {
    assert.equal(
      checkText(failedCheck),
      `\
fail: a metric is out of its range
  fail  request-success-rate 98.996 < 99
  pass  request-duration 12.35 ≤ 500`,
    );
    assert.equal(
      checkText(passedCheck),
      "pass: every metric is in its range\n  pass  queue 7 in 1 to 10",
    );
    assert.equal(
      checkText(blindCheck),
      "inconclusive: a metric has no number, so nothing is judged\n  inconclusive  request-success-rate: no data (≥ 99)",
    );
  });
});
