import { z } from "zod";
import { serviceOutputsSchema } from "../../infra/contract.ts";
import { recordSchema } from "../adapters/record-schema.ts";
import { checkSchema, reasonSchema, weightsSchema } from "../reason-schema.ts";
import { rolloutLineSchema } from "../report/json-lines.ts";

/** Every line that a command writes with `--json`; described in docs/json-output.md. */

const version = z.literal(1);
const counter = z.int().nonnegative();
const atMs = z.number().nonnegative();
const { assignment, configured, rollout } = serviceOutputsSchema.shape;
const slot = assignment.shape.primary;
const readiness = z.looseObject({ ready: counter, wanted: counter });

const statusLine = z.strictObject({
  type: z.literal("status"),
  version,
  service: z.string(),
  assignment,
  configured,
  traffic: z.strictObject({
    weights: weightsSchema.nullable(),
    ready: z.strictObject({ blue: readiness, green: readiness }).nullable(),
    obstacle: z.string().optional(),
  }),
  /** `since` in ms since 1970. */
  holder: z.strictObject({ who: z.string(), since: z.number() }).nullable(),
  record: recordSchema.nullable(),
});

const planEntry = z.discriminatedUnion("kind", [
  z.strictObject({ kind: z.literal("nothing"), atMs, reason: reasonSchema }),
  z.strictObject({
    kind: z.literal("deploy"),
    atMs,
    revision: z.string(),
    slot,
    readyMaxMs: counter,
  }),
  z.strictObject({
    kind: z.literal("step"),
    atMs,
    step: counter,
    weight: counter,
    checks: counter,
    checkEveryMs: counter,
    readBackMaxMs: counter,
  }),
  z.strictObject({ kind: z.literal("hold"), atMs, step: counter, weight: counter }),
  z.strictObject({ kind: z.literal("promote"), atMs, slot, readBackMaxMs: counter }),
  z.strictObject({ kind: z.literal("bake"), atMs, forMs: counter }),
  z.strictObject({ kind: z.literal("remove"), atMs, slot }),
  z.strictObject({ kind: z.literal("goBack"), atMs, reason: reasonSchema }),
  z.strictObject({ kind: z.literal("end"), atMs, phase: z.string(), reason: reasonSchema }),
]);

const planLine = z.strictObject({
  type: z.literal("plan"),
  version,
  entries: z.array(planEntry),
  metrics: rollout.shape.metrics,
  failedChecksMax: counter,
  limits: rollout.shape.limits,
  leastMs: atMs,
  expectedMs: atMs,
  promotes: z.boolean(),
});

const checkLine = z.strictObject({ type: z.literal("check"), version, check: checkSchema });

const doctorLine = z.looseObject({
  type: z.literal("doctor"),
  version,
  ready: z.boolean(),
  readyLocally: z.boolean(),
  tools: z.array(
    z.looseObject({
      name: z.string(),
      state: z.enum(["found", "missing", "not needed"]),
      path: z.string().optional(),
      version: z.string().optional(),
      advice: z.string().optional(),
    }),
  ),
});

const demoLine = z.strictObject({
  type: z.literal("demo"),
  version,
  sent: counter,
  failedByBad: counter,
  failedOtherwise: counter,
  answeredBy: z.record(z.string(), counter),
  exposedSeconds: z.number().nonnegative(),
  promoted: z.boolean(),
  rolledBack: z.boolean(),
});

/** One line of any command, with exactly the fields of this version. */
export const outputLineSchema = z.discriminatedUnion("type", [
  rolloutLineSchema,
  statusLine,
  planLine,
  checkLine,
  doctorLine,
  demoLine,
]);

/** The same as JSON Schema, for those who read the lines: unknown fields are allowed, since later ones may be added. */
export function outputJsonSchema(): object {
  const schema = z.toJSONSchema(outputLineSchema, {
    reused: "ref",
    override: ({ jsonSchema }) => {
      if (jsonSchema.additionalProperties === false) delete jsonSchema.additionalProperties;
      // what every number and every time is anyway
      if (jsonSchema.maximum === Number.MAX_SAFE_INTEGER) delete jsonSchema.maximum;
      if (jsonSchema.format === "date-time") delete jsonSchema.pattern;
    },
  });
  return {
    $schema: schema.$schema,
    title: "One line of upramp's output with --json",
    description: "docs/json-output.md of the package says what the fields mean.",
    ...schema,
  };
}
