import assert from "node:assert/strict";
import { plan } from "../../rollout/core/plan.ts";
import { planText } from "../../rollout/report/plan-text.ts";
import { limits, record, spec, step } from "../support/builders.ts";
import { beginning, playedSpec } from "./played-rollout.ts";

describe("text of a plan", () => {
  it("has every step, hold, metric and bound", () => {
    const held = { ...playedSpec, steps: [step(10, { checks: 2 }), step(50, { hold: true })] };
    assert.equal(
      planText(plan(held, record(), beginning)),
      `\
    +0 s  bring up v2 in slot green, no weight, ready within 2 min
    +0 s  step 1: weight 10 %, 2 passed checks, one every 10 s
   +20 s  step 2: weight 50 %, 1 passed check, one every 10 s
   +30 s  hold at 50 % until \`upramp promote\`
 +30.5 s  promote: all requests to slot green, which becomes primary
 +30.5 s  bake 20 s: checks go on, the old slot stays as the way back
 +50.5 s  remove the old version from slot blue
 +50.5 s  baked: the old revision is removed

every check asks:
  request-success-rate ≥ 99, over the last 10 s at most
  request-duration ≤ 500, over the last 10 s at most
it goes back when:
  3 checks failed in all, or 4 in a row gave no answer
  the canary is not ready within 2 min, or dies
  the router does not show a split within 30 s
  it lasts longer than 1 h, holds not counted

a good rollout takes at least 50.5 s, usually about 1 min 5 s`,
    );
  });

  it("says that there is nothing to do", () => {
    const text = planText(plan(playedSpec, record("v1", "v1"), beginning));
    assert.equal(text, "    +0 s  nothing to do: the wanted revision is the primary");
  });

  it("says when no version could be promoted", () => {
    const short = spec(limits({ rolloutMs: 5_000 }));
    const text = planText(plan(short, record(), beginning));
    assert.match(text, /not even a good version is promoted: raise limits\.rollout$/);
  });
});
