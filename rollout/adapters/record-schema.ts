import { z } from "zod";
import { driveSchema, serviceOutputsSchema } from "../../infra/contract.ts";
import type { CheckResult } from "../core/analysis.ts";
import { historyMax, type RolloutRecord } from "../core/state.ts";
import { UserError } from "../errors.ts";

/**
 * The rollout record as it is stored. Every field is named: a record with another one was not written by
 * this schema version. A change of the record's shape needs a new `schemaVersion`.
 */

const schemaVersion = 1;

const assignment = driveSchema.shape.assignment;
const weights = assignment.shape.weights;
const revision = serviceOutputsSchema.shape.configured;
const slot = assignment.shape.primary;
/** Milliseconds since the epoch. */
const time = z.number();
const duration = z.number().nonnegative();
const counter = z.int().nonnegative();

const verdict = z.enum(["pass", "fail", "inconclusive", "error"]);

const check: z.ZodType<CheckResult> = z.strictObject({
  at: time,
  verdict,
  results: z.array(
    z.strictObject({
      metric: z.string(),
      verdict,
      value: z.number().optional(),
      min: z.number().optional(),
      max: z.number().optional(),
      detail: z.string().optional(),
    }),
  ),
});

/** An object of one `kind`. */
const of = <K extends string, T extends z.ZodRawShape>(
  kind: K,
  shape: T,
): z.ZodObject<{ kind: z.ZodLiteral<K> } & T, z.core.$strict> =>
  z.strictObject({ kind: z.literal(kind), ...shape });

const ready = { ready: counter, wanted: counter };
const wantedAndSeen = {
  want: weights,
  seen: weights.nullable(),
  obstacle: z.string().optional(),
};
const failedCount = { check, failed: counter, max: counter };
const blindCount = { check, blind: counter, max: counter };
const attempt = { message: z.string(), attempt: counter };
const message = { message: z.string() };
const fromTo = { from: z.string(), to: z.string() };
const gaveUp = { action: z.string(), message: z.string(), attempts: counter };

const rollbackReasons = [
  of("failedChecks", failedCount),
  of("blindChecks", blindCount),
  of("canaryFailedToStart", message),
  of("canaryNotReady", { ...ready, waitedMs: duration, message: z.string().optional() }),
  of("canaryLost", { message: z.string().optional() }),
  of("routerSilent", { ...wantedAndSeen, waitedMs: duration }),
  of("splitContested", { want: weights, seen: weights, corrections: counter }),
  of("rolloutTooLong", { limitMs: duration }),
  of("policyViolation", message),
  of("applyFailed", gaveUp),
  of("rollbackRequested", {}),
  of("wantedIsPrimary", {}),
] as const;
const rollbackReason = z.discriminatedUnion("kind", rollbackReasons);

const reason = z.discriminatedUnion("kind", [
  of("upToDate", {}),
  of("alreadyFailed", { revision: z.string(), why: z.string() }),
  of("newRevision", fromTo),
  of("revisionChanged", fromTo),
  of("waitingForReady", ready),
  of("waitingForRouter", wantedAndSeen),
  of("waitingForCheck", {}),
  of("waitingForPromote", { step: counter, check: check.nullable() }),
  of("waitingForLock", attempt),
  of("retrying", attempt),
  of("draining", {}),
  of("baking", { until: time, check: check.nullable() }),
  of("commandRefused", {
    command: z.enum(["promote", "promoteFull", "rollback"]),
    why: z.string(),
  }),
  of("canaryReady", {}),
  of("routerConfirmed", { weights }),
  of("checkPassed", { check, passed: counter, needed: counter }),
  of("checkFailed", failedCount),
  of("checkBlind", blindCount),
  of("stepPassed", { step: counter, check: check.nullable() }),
  of("drift", { want: weights, seen: weights }),
  of("promoteRequested", { full: z.boolean() }),
  of("promoted", {}),
  of("bakeOver", {}),
  of("drained", {}),
  ...rollbackReasons,
  of("rolledBack", { why: rollbackReason }),
  of("stackLocked", message),
  of("primaryLost", { why: rollbackReason }),
  of("gaveUp", gaveUp),
]);

const rollout = z.strictObject({
  id: z.string(),
  startedAt: time,
  fromSlot: slot,
  from: revision,
  to: revision,
  failedChecks: counter,
  blindChecks: counter,
  corrections: counter,
  heldMs: duration,
});

const running = {
  rollout,
  assignment,
  since: time,
  confirmedAt: time.nullable(),
  lastCheckAt: time.nullable(),
};

/** −1 while the canary is brought up. */
const stepIndex = z.int().min(-1);

const finalizingPromoted = z.strictObject({
  phase: z.literal("finalizing"),
  ...running,
  outcome: z.literal("promoted"),
  stage: z.enum(["baking", "removing"]),
});

const finalizingRolledBack = z.strictObject({
  phase: z.literal("finalizing"),
  ...running,
  outcome: z.literal("rolledBack"),
  stage: z.enum(["shifting", "removing"]),
  why: rollbackReason,
  corrections: counter,
});

const state = z.discriminatedUnion("phase", [
  z.strictObject({ phase: z.literal("idle"), assignment }),
  z.strictObject({
    phase: z.literal("progressing"),
    ...running,
    step: stepIndex,
    passed: counter,
    unreadySince: time.nullable(),
  }),
  z.strictObject({
    phase: z.literal("waiting"),
    ...running,
    step: stepIndex,
    heldSince: time,
    lastVerdict: verdict,
  }),
  z.strictObject({ phase: z.literal("promoting"), ...running }),
  z.discriminatedUnion("outcome", [finalizingPromoted, finalizingRolledBack]),
  z.strictObject({
    phase: z.literal("succeeded"),
    assignment,
    rollout,
    finishedAt: time,
  }),
  z.strictObject({
    phase: z.literal("failed"),
    assignment,
    rollout,
    why: rollbackReason,
    finishedAt: time,
  }),
]);

const phase = z.enum([
  "idle",
  "progressing",
  "waiting",
  "promoting",
  "finalizing",
  "succeeded",
  "failed",
]);

const action = z.strictObject({
  kind: z.enum([
    "deployCanary",
    "shiftTraffic",
    "correctDrift",
    "promote",
    "removeCanary",
    "removeOld",
  ]),
  assignment,
  forward: z.boolean(),
});

export const recordSchema = z.strictObject({
  schemaVersion: z.literal(schemaVersion),
  service: z.string(),
  wanted: revision,
  configured: z.string(),
  failed: z.strictObject({ id: z.string(), name: z.string(), why: rollbackReason }).nullable(),
  state,
  pending: z.strictObject({ action, attempts: counter, notBefore: time }).nullable(),
  history: z
    .array(
      z.strictObject({
        at: time,
        phase,
        step: z.int().nullable(),
        weight: z.int().min(0).max(100),
        reason,
      }),
    )
    .max(historyMax),
}) satisfies z.ZodType<RolloutRecord>;

/**
 * Reads a stored record. `place` names it in errors, `toGoOn` says how to go on without it.
 * Throws a UserError for a record of a newer upramp and for one that is damaged.
 */
export function parseRecord(text: string, place: string, toGoOn: string): RolloutRecord {
  const json = parseJson(text);
  const version = z.object({ schemaVersion: z.number() }).safeParse(json).data?.schemaVersion;
  if (version !== undefined && version > schemaVersion) {
    throw new UserError(
      `${place} was written by a newer upramp: schemaVersion ${version}, and this one knows ${schemaVersion}. ` +
        "Update upramp, then run the command again.",
    );
  }
  const parsed = recordSchema.safeParse(json);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  const fault =
    json === undefined ? "not JSON" : `${issue?.path.join(".") ?? ""}: ${issue?.message ?? ""}`;
  throw new UserError(`${place} is not a whole rollout record (${fault}). ${toGoOn}`);
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
