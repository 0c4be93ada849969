import { z } from "zod";
import { reasonSchema, verdictSchema, weightsSchema, checkSchema } from "../reason-schema.ts";
import { actionKindSchema, phaseSchema } from "../state-schema.ts";

/** The lines of a rollout for machines, described in docs/json-output.md. The reporter is typed by them. */

const version = z.literal(1);
/** UTC, ISO 8601. */
const time = z.iso.datetime();
const weight = z.int().min(0).max(100);
const counter = z.int().nonnegative();

const identity = z.strictObject({ id: z.string(), name: z.string() });

/** In every line that knows the record. */
const whereabouts = {
  service: z.string(),
  phase: phaseSchema,
  step: counter.nullable(),
  weight: weight.nullable(),
  weights: weightsSchema,
  primary: identity,
  wanted: identity,
  failed: identity.nullable(),
  rollout: z
    .strictObject({
      id: z.string(),
      startedAt: time,
      from: identity,
      to: identity,
      failedChecks: counter,
      blindChecks: counter,
    })
    .nullable(),
  pending: actionKindSchema.nullable(),
};
const whereaboutsSchema = z.strictObject(whereabouts);
export type Whereabouts = z.input<typeof whereaboutsSchema>;

const plan = {
  steps: z.array(z.strictObject({ weight, checks: counter, hold: z.boolean() })).readonly(),
  intervalMs: counter,
  failedChecksMax: counter,
  blindChecksMax: counter,
  bakeMs: counter,
};
const planSchema = z.strictObject(plan);
export type ShownPlan = z.input<typeof planSchema>;

const explanation = {
  reason: reasonSchema,
  message: z.string(),
  verdict: verdictSchema.nullable(),
  metrics: checkSchema.shape.results,
};
const explanationSchema = z.strictObject(explanation);
export type Explanation = z.input<typeof explanationSchema>;

/** One line of `upramp run`, `promote` or `rollback` with `--json`. */
export const rolloutLineSchema = z.discriminatedUnion("type", [
  z.strictObject({ type: z.literal("started"), version, time, ...whereabouts, ...plan }),
  z.strictObject({
    type: z.literal("decided"),
    version,
    time,
    ...whereabouts,
    ...explanation,
    notable: z.boolean(),
    checkAgainAt: time,
  }),
  z.strictObject({
    type: z.literal("acted"),
    version,
    time,
    action: actionKindSchema,
    tookMs: z.number().nonnegative(),
    failure: z
      .strictObject({
        kind: z.enum(["locked", "workload", "policy", "other"]),
        message: z.string(),
      })
      .nullable(),
  }),
  z.strictObject({
    type: z.literal("ended"),
    version,
    time,
    ...whereabouts,
    outcome: z.enum(["promoted", "upToDate", "rolledBack", "stopped", "interrupted", "underWay"]),
    reason: explanation.reason.nullable(),
    message: explanation.message.nullable(),
    // after an interrupt there are none
    verdict: explanation.verdict.optional(),
    metrics: explanation.metrics.optional(),
  }),
]);
export type RolloutLine = z.input<typeof rolloutLineSchema>;
