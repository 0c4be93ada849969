import type { CheckResult } from "../core/analysis.ts";
import type { Weights } from "../core/assignment.ts";
import type { Reason, RollbackReason } from "../core/reason.ts";
import { durationText } from "./duration-text.ts";
import { metricText } from "./metric-text.ts";

/** Words from outside, such as the engine's, that one line has room for; the logs have all of them. */
const wordsMax = 400;

/** A time of day for people, from milliseconds since the epoch. */
export type TimeText = (at: number) => string;

/** Why, in plain words on one line. Where a person is needed it ends with what to run next. */
export function reasonText(reason: Reason, timeText: TimeText): string {
  switch (reason.kind) {
    case "upToDate":
      return "nothing to do: the wanted revision is the primary";
    case "alreadyFailed":
      return `${reason.revision} was rolled back before (${causeName(reason.why)}) and is not tried again until it changes; to try it all the same: \`upramp run --retry\``;
    case "newRevision":
      return `new revision ${reason.to} in the place of ${reason.from}: bringing up the canary, without requests`;
    case "revisionChanged":
      return `the wanted revision changed from ${reason.from} to ${reason.to}: requests leave the canary, then the rollout begins anew`;
    case "waitingForReady":
      return `waiting for the canary: ${reason.ready} of ${reason.wanted} ready`;
    case "waitingForRouter":
      return `waiting for the router to show ${weightsText(reason.want)}; ${seenText(reason)}`;
    case "waitingForCheck":
      return "waiting for the next check";
    case "waitingForPromote":
      return `held after step ${reason.step + 1}: to go on run \`upramp promote\`, to go back \`upramp rollback\``;
    case "waitingForLock":
      return `another update has the stack: attempt ${reason.attempt}, trying again (${oneLine(reason.message)})`;
    case "retrying":
      return `the update failed: attempt ${reason.attempt}, trying again (${oneLine(reason.message)})`;
    case "draining":
      return "waiting for the last requests to leave the canary";
    case "baking":
      return `the old revision is kept as the way back until ${timeText(reason.until)}`;
    case "commandRefused":
      return `${commandText(reason.command)} is refused: ${oneLine(reason.why)}`;
    case "canaryReady":
      return "the canary is ready: it gets its first requests";
    case "routerConfirmed":
      return `the router shows ${weightsText(reason.weights)}`;
    case "checkPassed":
    case "checkFailed":
    case "checkBlind":
    case "stepPassed":
      return reason.check === null
        ? judgementText(reason)
        : `${checkLine(reason.check)}; ${judgementText(reason)}`;
    case "drift":
      return `somebody else set ${weightsText(reason.seen)}: set back to ${weightsText(reason.want)}, and the step's checks begin anew`;
    case "promoteRequested":
      return reason.full
        ? "`upramp promote --full`: all requests go to the new revision now"
        : "`upramp promote`: going on";
    case "promoted":
      return "promoted: all requests go to the new revision; the old one is kept as the way back while baking";
    case "bakeOver":
      return "baked: the old revision is removed";
    case "drained":
      return "no request goes to the canary any more: it is removed";
    case "rolledBack":
      return `rolled back: ${causeText(reason.why)}. ${afterRollback(reason.why)}`;
    case "stackLocked":
      return `stopped: another update holds the stack (${oneLine(reason.message)}). Requests stay where they are. When that update is over: \`upramp run\`; if it died: \`pulumi cancel\`, then \`upramp run\``;
    case "primaryLost":
      return `stopped: ${causeText(reason.why)}, but the primary has nothing ready and the canary has, so requests stay where they are. Mend the primary, then \`upramp rollback\`; or keep the canary: \`upramp promote --full\``;
    case "gaveUp":
      return `stopped: ${actionText(reason.action)} failed ${times(reason.attempts)} (${oneLine(reason.message)}). Mend the cause, look with \`upramp status\`, go on with \`upramp run\``;
    case "failedChecks":
    case "blindChecks":
    case "canaryFailedToStart":
    case "canaryNotReady":
    case "canaryLost":
    case "routerSilent":
    case "splitContested":
    case "rolloutTooLong":
    case "policyViolation":
    case "applyFailed":
    case "rollbackRequested":
    case "wantedIsPrimary":
      return `going back: ${causeText(reason)}`;
  }
}

type Judgement = Extract<
  Reason,
  { kind: "checkPassed" | "checkFailed" | "checkBlind" | "stepPassed" }
>;

/** True for a decision on a check that does not end the rollout. */
export function isJudgement(reason: Reason): reason is Judgement {
  const { kind } = reason;
  return (
    kind === "checkPassed" ||
    kind === "checkFailed" ||
    kind === "checkBlind" ||
    kind === "stepPassed"
  );
}

/** What a check led to, without the measured values. */
export function judgementText(reason: Judgement): string {
  switch (reason.kind) {
    case "checkPassed":
      return `passed check ${reason.passed} of ${reason.needed} at this step`;
    case "checkFailed":
      return `failed check ${reason.failed} of ${reason.max}: no more weight for now`;
    case "checkBlind":
      return `blind check ${reason.blind} of ${reason.max} in a row: counts neither way`;
    case "stepPassed":
      return `step ${reason.step + 1} passed`;
  }
}

/** What made a rollout go back, as a part of a sentence. */
export function causeText(why: RollbackReason): string {
  switch (why.kind) {
    case "failedChecks":
      return `${checkLine(why.check)} (failed check ${why.failed} of ${why.max})`;
    case "blindChecks":
      return `${checkLine(why.check)} (blind check ${why.blind} of ${why.max} in a row), and nothing is promoted on missing data`;
    case "canaryFailedToStart":
      return `the canary did not start (${oneLine(why.message)})`;
    case "canaryNotReady":
      return `the canary has ${why.ready} of ${why.wanted} ready after ${durationText(why.waitedMs)}${inBrackets(why.message)}`;
    case "canaryLost":
      return `nothing of the new revision is ready any more${inBrackets(why.message)}`;
    case "routerSilent":
      return `the router did not show ${weightsText(why.want)} within ${durationText(why.waitedMs)}; ${seenText(why)}`;
    case "splitContested":
      return `somebody else keeps setting ${weightsText(why.seen)}, put back ${times(why.corrections)}`;
    case "rolloutTooLong":
      return `the rollout took longer than ${durationText(why.limitMs)}`;
    case "policyViolation":
      return `a policy forbids the next step (${oneLine(why.message)})`;
    case "applyFailed":
      return `${actionText(why.action)} failed ${times(why.attempts)} (${oneLine(why.message)})`;
    case "rollbackRequested":
      return "`upramp rollback`";
    case "wantedIsPrimary":
      return "the wanted revision is the primary's again";
  }
}

/** What to do after a rollback, as one sentence. */
function afterRollback(why: RollbackReason): string {
  switch (why.kind) {
    case "failedChecks":
      return `Mend the revision; ${again}`;
    case "blindChecks":
      return `Look at the metrics with \`upramp check\`; ${again}`;
    case "canaryFailedToStart":
    case "canaryNotReady":
    case "canaryLost":
      return `Look at the log of the new revision; ${again}`;
    case "routerSilent":
      return `Look at the router with \`upramp status\`; ${again}`;
    case "splitContested":
      return `Find who else sets the weights; ${again}`;
    case "rolloutTooLong":
      return `Raise limits.rollout or shorten the steps; ${again}`;
    case "policyViolation":
      return `Mend what the policy names; ${again}`;
    case "applyFailed":
      return `Mend the cause; ${again}`;
    case "rollbackRequested":
      return `It is not tried again until it changes, or with \`upramp run --retry\``;
    case "wantedIsPrimary":
      return "Nothing is remembered as failed";
  }
}

const again = "a changed revision is tried at the next run, the same one with `upramp run --retry`";

const causeNames: Readonly<Record<RollbackReason["kind"], string>> = {
  failedChecks: "failed checks",
  blindChecks: "no usable metrics",
  canaryFailedToStart: "it did not start",
  canaryNotReady: "it did not become ready",
  canaryLost: "it died",
  routerSilent: "the router did not follow",
  splitContested: "somebody else kept moving the weights",
  rolloutTooLong: "it took too long",
  policyViolation: "a policy forbade it",
  applyFailed: "the update failed",
  rollbackRequested: "on request",
  wantedIsPrimary: "the wish was taken back",
};

/** A few words for a kind of rollback reason; the kind itself when a later upramp wrote it. */
function causeName(kind: string): string {
  const names: Readonly<Record<string, string>> = causeNames;
  return names[kind] ?? kind;
}

/** Every metric's measured value against its range. */
export function checkLine(check: CheckResult): string {
  return check.results.length === 0 ? "no metrics" : check.results.map(metricText).join(", ");
}

/** Every weight of a split. */
function weightsText({ blue, green }: Weights): string {
  return `blue ${blue} %, green ${green} %`;
}

function seenText({
  seen,
  obstacle,
}: {
  readonly seen: Weights | null;
  readonly obstacle?: string | undefined;
}): string {
  if (seen !== null) return `it shows ${weightsText(seen)}`;
  return obstacle === undefined ? "it does not answer" : oneLine(obstacle);
}

function commandText(command: "promote" | "promoteFull" | "rollback"): string {
  return command === "promoteFull" ? "`upramp promote --full`" : `\`upramp ${command}\``;
}

const actions: Readonly<Record<string, string>> = {
  deployCanary: "bringing up the canary",
  shiftTraffic: "moving requests",
  correctDrift: "putting the weights back",
  promote: "the promotion",
  removeCanary: "removing the canary",
  removeOld: "removing the old revision",
};

/** What an action does, for people; the action's own name when a later upramp wrote it. */
export function actionText(action: string): string {
  return actions[action] ?? action;
}

function times(count: number): string {
  return count === 1 ? "once" : `${count} times`;
}

function inBrackets(words: string | undefined): string {
  return words === undefined ? "" : ` (${oneLine(words)})`;
}

function oneLine(words: string): string {
  const line = words.replace(/\s+/g, " ").trim();
  return line.length <= wordsMax ? line : `${line.slice(0, wordsMax)}…`;
}
