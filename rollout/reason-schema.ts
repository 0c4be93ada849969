import { z } from "zod";
import { driveSchema } from "../infra/contract.ts";
import type { CheckResult } from "./core/analysis.ts";
import type { Reason, RollbackReason } from "./core/reason.ts";

/** Why things were decided, as it is stored and as it is told to machines. */

export const weightsSchema = driveSchema.shape.assignment.shape.weights;

/** Milliseconds since the epoch. */
const time = z.number();
const duration = z.number().nonnegative();
const counter = z.int().nonnegative();

export const verdictSchema = z.enum(["pass", "fail", "inconclusive", "error"]);

export const checkSchema = z.strictObject({
  at: time,
  verdict: verdictSchema,
  results: z
    .array(
      z.strictObject({
        metric: z.string(),
        verdict: verdictSchema,
        value: z.number().optional(),
        min: z.number().optional(),
        max: z.number().optional(),
        detail: z.string().optional(),
      }),
    )
    .readonly(),
}) satisfies z.ZodType<CheckResult>;

/** An object of one `kind`. */
const of = <K extends string, T extends z.ZodRawShape>(
  kind: K,
  shape: T,
): z.ZodObject<{ kind: z.ZodLiteral<K> } & T, z.core.$strict> =>
  z.strictObject({ kind: z.literal(kind), ...shape });

const ready = { ready: counter, wanted: counter };
const wantedAndSeen = {
  want: weightsSchema,
  seen: weightsSchema.nullable(),
  obstacle: z.string().optional(),
};
const failedCount = { check: checkSchema, failed: counter, max: counter };
const blindCount = { check: checkSchema, blind: counter, max: counter };
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
  of("splitContested", { want: weightsSchema, seen: weightsSchema, corrections: counter }),
  of("rolloutTooLong", { limitMs: duration }),
  of("policyViolation", message),
  of("applyFailed", gaveUp),
  of("rollbackRequested", {}),
  of("wantedIsPrimary", {}),
] as const;
export const rollbackReasonSchema = z.discriminatedUnion(
  "kind",
  rollbackReasons,
) satisfies z.ZodType<RollbackReason>;

export const reasonSchema = z.discriminatedUnion("kind", [
  of("upToDate", {}),
  of("alreadyFailed", { revision: z.string(), why: z.string() }),
  of("newRevision", fromTo),
  of("revisionChanged", fromTo),
  of("waitingForReady", ready),
  of("waitingForRouter", wantedAndSeen),
  of("waitingForCheck", {}),
  of("waitingForPromote", { step: counter, check: checkSchema.nullable() }),
  of("waitingForLock", attempt),
  of("retrying", attempt),
  of("draining", {}),
  of("baking", { until: time, check: checkSchema.nullable() }),
  of("commandRefused", {
    command: z.enum(["promote", "promoteFull", "rollback"]),
    why: z.string(),
  }),
  of("canaryReady", {}),
  of("routerConfirmed", { weights: weightsSchema }),
  of("checkPassed", { check: checkSchema, passed: counter, needed: counter }),
  of("checkFailed", failedCount),
  of("checkBlind", blindCount),
  of("stepPassed", { step: counter, check: checkSchema.nullable() }),
  of("drift", { want: weightsSchema, seen: weightsSchema }),
  of("promoteRequested", { full: z.boolean() }),
  of("promoted", {}),
  of("bakeOver", {}),
  of("drained", {}),
  ...rollbackReasons,
  of("rolledBack", { why: rollbackReasonSchema }),
  of("stackLocked", message),
  of("primaryLost", { why: rollbackReasonSchema }),
  of("gaveUp", gaveUp),
]) satisfies z.ZodType<Reason>;
