import assert from "node:assert/strict";
import type { Reason, RollbackReason } from "../../rollout/core/reason.ts";
import { reasonText } from "../../rollout/report/reason-text.ts";
import { everyReason, failedCheck } from "./every-reason.ts";

/** What people read for each reason; a new kind does not compile until it has its words here. */
const words: Readonly<Record<Exclude<Reason["kind"], "rolledBack">, string>> = {
  upToDate: "nothing to do: the wanted revision is the primary",
  alreadyFailed:
    "v3 was rolled back before (failed checks) and is not tried again until it changes; to try it all the same: `upramp run --retry`",
  newRevision: "new revision v2 in the place of v1: bringing up the canary, without requests",
  revisionChanged:
    "the wanted revision changed from v2 to v3: requests leave the canary, then the rollout begins anew",
  waitingForReady: "waiting for the canary: 1 of 2 ready",
  waitingForRouter:
    "waiting for the router to show blue 80 %, green 20 %; it shows blue 100 %, green 0 %",
  waitingForCheck: "waiting for the next check",
  waitingForPromote:
    "held after step 2: to go on run `upramp promote`, to go back `upramp rollback`",
  waitingForLock:
    "another update has the stack: attempt 2, trying again (the stack is locked by ann)",
  retrying: "the update failed: attempt 1, trying again (connection reset)",
  draining: "waiting for the last requests to leave the canary",
  baking: "the old revision is kept as the way back until [61000]",
  commandRefused: "`upramp promote --full` is refused: the canary is not fully ready",
  canaryReady: "the canary is ready: it gets its first requests",
  routerConfirmed: "the router shows blue 80 %, green 20 %",
  checkPassed: "queue 7 in 1 to 10; passed check 1 of 3 at this step",
  checkFailed:
    "request-success-rate 98.996 < 99, request-duration 12.35 ≤ 500; failed check 1 of 3: no more weight for now",
  checkBlind:
    "request-success-rate: no data (≥ 99); blind check 2 of 4 in a row: counts neither way",
  stepPassed: "queue 7 in 1 to 10; step 1 passed",
  drift:
    "somebody else set blue 100 %, green 0 %: set back to blue 80 %, green 20 %, and the step's checks begin anew",
  promoteRequested: "`upramp promote`: going on",
  promoted:
    "promoted: all requests go to the new revision; the old one is kept as the way back while baking",
  bakeOver: "baked: the old revision is removed",
  drained: "no request goes to the canary any more: it is removed",
  failedChecks:
    "going back: request-success-rate 98.996 < 99, request-duration 12.35 ≤ 500 (failed check 3 of 3)",
  blindChecks:
    "going back: request-success-rate: no data (≥ 99) (blind check 4 of 4 in a row), and nothing is promoted on missing data",
  canaryFailedToStart: "going back: the canary did not start (exited with code 1: no such file)",
  canaryNotReady: "going back: the canary has 1 of 2 ready after 2 min 1 s",
  canaryLost: "going back: nothing of the new revision is ready any more",
  routerSilent:
    "going back: the router did not show blue 80 %, green 20 % within 30.2 s; it does not answer",
  splitContested: "going back: somebody else keeps setting blue 100 %, green 0 %, put back 3 times",
  rolloutTooLong: "going back: the rollout took longer than 1 h",
  policyViolation: "going back: a policy forbids the next step (weights-add-up: 101)",
  applyFailed: "going back: moving requests failed 5 times (connection reset)",
  rollbackRequested: "going back: `upramp rollback`",
  wantedIsPrimary: "going back: the wanted revision is the primary's again",
  stackLocked:
    "stopped: another update holds the stack (the stack is locked by ann). Requests stay where they are. When that update is over: `upramp run`; if it died: `pulumi cancel`, then `upramp run`",
  primaryLost:
    "stopped: nothing of the new revision is ready any more, but the primary has nothing ready and the canary has, so requests stay where they are. Mend the primary, then `upramp rollback`; or keep the canary: `upramp promote --full`",
  gaveUp:
    "stopped: removing the canary failed 5 times (connection reset). Mend the cause, look with `upramp status`, go on with `upramp run`",
};

/** After the rollback it also says what to do. */
const afterRollback: Readonly<Record<RollbackReason["kind"], string>> = {
  failedChecks:
    "rolled back: request-success-rate 98.996 < 99, request-duration 12.35 ≤ 500 (failed check 3 of 3). Mend the revision; a changed revision is tried at the next run, the same one with `upramp run --retry`",
  blindChecks:
    "rolled back: request-success-rate: no data (≥ 99) (blind check 4 of 4 in a row), and nothing is promoted on missing data. Look at the metrics with `upramp check`; a changed revision is tried at the next run, the same one with `upramp run --retry`",
  canaryFailedToStart:
    "rolled back: the canary did not start (exited with code 1: no such file). Look at the log of the new revision; a changed revision is tried at the next run, the same one with `upramp run --retry`",
  canaryNotReady:
    "rolled back: the canary has 1 of 2 ready after 2 min 1 s. Look at the log of the new revision; a changed revision is tried at the next run, the same one with `upramp run --retry`",
  canaryLost:
    "rolled back: nothing of the new revision is ready any more. Look at the log of the new revision; a changed revision is tried at the next run, the same one with `upramp run --retry`",
  routerSilent:
    "rolled back: the router did not show blue 80 %, green 20 % within 30.2 s; it does not answer. Look at the router with `upramp status`; a changed revision is tried at the next run, the same one with `upramp run --retry`",
  splitContested:
    "rolled back: somebody else keeps setting blue 100 %, green 0 %, put back 3 times. Find who else sets the weights; a changed revision is tried at the next run, the same one with `upramp run --retry`",
  rolloutTooLong:
    "rolled back: the rollout took longer than 1 h. Raise limits.rollout or shorten the steps; a changed revision is tried at the next run, the same one with `upramp run --retry`",
  policyViolation:
    "rolled back: a policy forbids the next step (weights-add-up: 101). Mend what the policy names; a changed revision is tried at the next run, the same one with `upramp run --retry`",
  applyFailed:
    "rolled back: moving requests failed 5 times (connection reset). Mend the cause; a changed revision is tried at the next run, the same one with `upramp run --retry`",
  rollbackRequested:
    "rolled back: `upramp rollback`. It is not tried again until it changes, or with `upramp run --retry`",
  wantedIsPrimary:
    "rolled back: the wanted revision is the primary's again. Nothing is remembered as failed",
};

/** Times show where they are used. */
const timeText = (at: number): string => `[${at}]`;

describe("reasons in words", () => {
  it("have the workload's own words where it says some", () => {
    const message = "pod a: it ended with\n exit code 137 (OOMKilled)";
    assert.equal(
      reasonText({ kind: "canaryLost", message }, timeText),
      `${words.canaryLost} (pod a: it ended with exit code 137 (OOMKilled))`,
    );
    assert.equal(
      reasonText(
        { kind: "canaryNotReady", ready: 1, wanted: 2, waitedMs: 120_500, message },
        timeText,
      ),
      `${words.canaryNotReady} (pod a: it ended with exit code 137 (OOMKilled))`,
    );
  });

  it("are tested with one of each kind", () => {
    const kinds = new Set(everyReason.map(({ kind }) => kind));
    assert.deepEqual([...kinds].toSorted(), [...Object.keys(words), "rolledBack"].toSorted());
  });

  for (const reason of everyReason) {
    const name = reason.kind === "rolledBack" ? `rolledBack by ${reason.why.kind}` : reason.kind;
    it(`say ${name}`, () => {
      const expected =
        reason.kind === "rolledBack" ? afterRollback[reason.why.kind] : words[reason.kind];
      assert.equal(reasonText(reason, timeText), expected);
    });
  }

  it("say how promote --full was asked for", () => {
    assert.equal(
      reasonText({ kind: "promoteRequested", full: true }, timeText),
      "`upramp promote --full`: all requests go to the new revision now",
    );
  });

  it("say that the router does not answer", () => {
    const want = { blue: 1, green: 99 };
    assert.equal(
      reasonText({ kind: "waitingForRouter", want, seen: null }, timeText),
      "waiting for the router to show blue 1 %, green 99 %; it does not answer",
    );
  });

  it("say that a step passed without a check", () => {
    const reason = { kind: "stepPassed", step: 2, check: null } as const;
    assert.equal(reasonText(reason, timeText), "step 3 passed");
  });

  it("show a kind that a later upramp wrote as it is", () => {
    const reason = { kind: "alreadyFailed", revision: "v3", why: "boredom" } as const;
    assert.match(reasonText(reason, timeText), /^v3 was rolled back before \(boredom\)/);
  });

  it("are one line, cut where the engine says a whole page", () => {
    const message = `error: ${"x\n".repeat(1_000)}`;
    const text = reasonText({ kind: "retrying", message, attempt: 1 }, timeText);
    assert.ok(!text.includes("\n"));
    assert.ok(text.length < 500 && text.includes("…"), text);
  });

  it("show as many digits as tell a value from its bound", () => {
    const check = {
      ...failedCheck,
      results: [{ metric: "m", verdict: "fail", value: 98.9999999, min: 99 }],
    } as const;
    const reason = { kind: "checkFailed", check, failed: 1, max: 2 } as const;
    assert.match(reasonText(reason, timeText), /^m 98\.9999999 < 99;/);
  });
});
