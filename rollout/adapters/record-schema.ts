import { z } from "zod";
import { driveSchema, serviceOutputsSchema } from "../../infra/contract.ts";
import { historyMax, type RolloutRecord } from "../core/state.ts";
import { UserError } from "../errors.ts";
import { reasonSchema, rollbackReasonSchema, verdictSchema } from "../reason-schema.ts";
import { actionKindSchema, phaseSchema } from "../state-schema.ts";
import { parseJson } from "./parse-json.ts";

/**
 * The rollout record as it is stored. Every field is named: a record with another one was not written by
 * this schema version. A change of the record's shape needs a new `schemaVersion`.
 */

const schemaVersion = 1;

const assignment = driveSchema.shape.assignment;
const revision = serviceOutputsSchema.shape.configured;
const slot = assignment.shape.primary;
/** Milliseconds since the epoch. */
const time = z.number();
const duration = z.number().nonnegative();
const counter = z.int().nonnegative();

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
  why: rollbackReasonSchema,
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
    lastVerdict: verdictSchema,
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
    why: rollbackReasonSchema,
    finishedAt: time,
  }),
]);

const action = z.strictObject({
  kind: actionKindSchema,
  assignment,
  forward: z.boolean(),
});

export const recordSchema = z.strictObject({
  schemaVersion: z.literal(schemaVersion),
  service: z.string(),
  wanted: revision,
  configured: z.string(),
  failed: z
    .strictObject({ id: z.string(), name: z.string(), why: rollbackReasonSchema })
    .nullable(),
  state,
  pending: z.strictObject({ action, attempts: counter, notBefore: time }).nullable(),
  history: z
    .array(
      z.strictObject({
        at: time,
        phase: phaseSchema,
        step: z.int().nullable(),
        weight: z.int().min(0).max(100),
        reason: reasonSchema,
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
