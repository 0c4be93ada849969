import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { parse as parseYaml } from "yaml";
import { z } from "zod";
import { splitCommandLine } from "./command-line.ts";
import { duration } from "./duration.ts";
import {
  appMeshTrafficSchema,
  gatewayApiTrafficSchema,
  kubernetesPlatformOutputsSchema,
  kubernetesStoreSchema,
} from "./kubernetes-contract.ts";
import { querySigningSchema, serviceProxySchema } from "./prometheus-contract.ts";

/**
 * The stack contract: what a service stack takes (configuration keys) and what it gives (outputs), and the
 * one parser for both directions. The only file of `infra` that the driver knows.
 */

/** Name of the stack output that holds `ServiceOutputs`. */
export const outputName = "upramp";

/**
 * Configuration key that only the driver sets, for one `up` at a time; it never stands in a checkout.
 * Without it, the program keeps the split, the roles and the revisions that the stack already has.
 */
export const driveKey = "drive";

/** Environment variable that goes with `driveKey`, so that a key copied into a checkout is refused. */
export const driverVariable = "UPRAMP_DRIVER";

export const configNamespace = "upramp";

// ---- slots, revisions, assignment ----------------------------------------------------------------

const slotSchema = z.enum(["blue", "green"]);
export type Slot = z.infer<typeof slotSchema>;

const weight = z.int().min(0).max(100);

const weightsSchema = z
  .strictObject({ blue: weight, green: weight })
  .refine(({ blue, green }) => blue + green === 100, "weights must add up to 100");

const revisionSchema = z.strictObject({
  id: z.string().min(1),
  name: z.string().min(1),
  content: z.unknown(),
});
export type Revision = z.infer<typeof revisionSchema>;

const assignmentSchema = z
  .strictObject({
    primary: slotSchema,
    slots: z.strictObject({ blue: revisionSchema.nullable(), green: revisionSchema.nullable() }),
    weights: weightsSchema,
    capacity: z.int().min(1).optional(),
  })
  .refine(({ primary, slots }) => slots[primary] !== null, "the primary slot is empty")
  .refine(
    ({ slots, weights }) =>
      (slots.blue !== null || weights.blue === 0) && (slots.green !== null || weights.green === 0),
    "an empty slot has weight",
  );
export type Assignment = z.infer<typeof assignmentSchema>;

const failedSchema = z.strictObject({ id: z.string(), name: z.string(), why: z.string() });

/** What the driver tells the program for one `up`. */
export const driveSchema = z.strictObject({
  assignment: assignmentSchema,
  failed: failedSchema.nullable(),
});
export type Drive = z.infer<typeof driveSchema>;

/**
 * Identity of what runs: the first 10 hex digits of the SHA-256 of its content as JSON with sorted keys.
 * The name is for people only and does not count.
 */
export function revisionId(content: unknown): string {
  return createHash("sha256").update(canonicalJson(content)).digest("hex").slice(0, 10);
}

function canonicalJson(value: unknown): string {
  return JSON.stringify(value, (_key, inner: unknown) =>
    typeof inner === "object" && inner !== null && !Array.isArray(inner)
      ? Object.fromEntries(Object.entries(inner).toSorted(([a], [b]) => (a < b ? -1 : 1)))
      : inner,
  );
}

// ---- what runs: a revision as users write it -----------------------------------------------------

const environmentValue = z.union([z.string(), z.number(), z.boolean()]).transform(String);

const environmentWritten = z
  .record(z.string(), environmentValue)
  .superRefine((environment, context) => {
    for (const name of Object.keys(environment)) {
      if (/^[A-Za-z_]\w*$/.test(name)) continue;
      context.addIssue({ code: "custom", path: [name], message: "is not a variable name" });
    }
  });

const revisionWritten = z.strictObject({
  name: z.string().min(1).optional(),
  command: z.string().min(1),
  args: z.array(z.union([z.string(), z.number()]).transform(String)).default([]),
  env: environmentWritten.default({}),
});

/** The content of a revision of target `local`: what is started. `{{ port }}` in args stands for the port. */
const processContentSchema = z.strictObject({
  command: z.string().min(1),
  args: z.array(z.string()),
  env: z.record(z.string(), z.string()),
});
export type ProcessContent = z.infer<typeof processContentSchema>;

/** What a revision of target `local` starts. */
export function processContent(revision: Revision): ProcessContent {
  return parse(processContentSchema, revision.content, `content of revision ${revision.name}`);
}

/**
 * A revision as written: an object `{name?, command, args?, env?}`; the same as JSON text; `@FILE`, a file of
 * YAML or JSON with that object, relative to `directory`; or a command line, split as a shell would, with
 * `NAME=value` words before the command as its env. The name defaults to the variable VERSION, then to the id.
 * Throws ContractError with the place.
 */
export function parseRevision(
  written: unknown,
  place: string,
  directory: string = process.cwd(),
): Revision {
  const data = typeof written === "string" ? revisionData(written, place, directory) : written;
  const { name, ...content } = parse(revisionWritten, data, place);
  const id = revisionId(content);
  return { id, name: name ?? content.env["VERSION"] ?? id, content };
}

function revisionData(text: string, place: string, directory: string): unknown {
  const trimmed = text.trim();
  if (trimmed.startsWith("@")) return revisionFile(trimmed.slice(1), place, directory);
  if (trimmed.startsWith("{")) return parsedText(trimmed, place);
  const split = splitCommandLine(trimmed);
  if (split.kind === "refused") throw new ContractError(`${place} = ${text}: ${split.why}`);
  return { command: split.command, args: split.args, env: split.env };
}

function revisionFile(file: string, place: string, directory: string): unknown {
  let text: string;
  try {
    text = readFileSync(resolve(directory, file), "utf8");
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new ContractError(`${place} = @${file}: the file cannot be read (${why})`);
  }
  return parsedText(text, `${place} (${file})`);
}

/** YAML; JSON is a part of it. */
function parsedText(text: string, place: string): unknown {
  try {
    return parseYaml(text);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new ContractError(`${place}: neither JSON nor YAML: ${why}`);
  }
}

// ---- what users write about the platform and the service -----------------------------------------

const port = z.int().min(1).max(65_535);

/** What users write under `upramp:platform` of a platform stack. */
export const platformWritten = z.strictObject({
  /** Where processes keep their files; relative to the project. Default `.upramp/<stack>`. */
  stateDir: z.string().min(1).optional(),
  envoy: z
    .strictObject({ adminPort: port.optional(), binary: z.string().min(1).optional() })
    .prefault({}),
  prometheus: z
    .strictObject({
      port: port.optional(),
      binary: z.string().min(1).optional(),
      scrapeInterval: duration.refine((ms) => ms >= 100, "is below 100ms").default(1_000),
    })
    .prefault({}),
});
export type PlatformSettings = z.infer<typeof platformWritten>;

/** What users write under `upramp:service` of a service stack. */
export const serviceWritten = z.strictObject({
  name: z
    .string()
    .regex(/^[a-z]([a-z0-9-]{0,38}[a-z0-9])?$/, "use up to 40 of a-z, 0-9 and -, a letter first"),
  /** Port on which users reach the service; a free one is picked, and then kept, when not given. */
  port: port.optional(),
  /** Processes per slot. */
  replicas: z.int().min(1).max(50).default(1),
  readiness: z
    .strictObject({
      path: z.string().startsWith("/").default("/readyz"),
      timeout: duration.default(30_000),
    })
    .prefault({}),
  /** Time a process gets to end by itself. */
  stopGrace: duration.default(5_000),
  /** A command line or an object; see `parseRevision`. */
  revision: z.unknown().optional(),
});
export type ServiceSettings = z.infer<typeof serviceWritten>;

// ---- how to roll out: what users write, and the full form ----------------------------------------

const metricFull = z.strictObject({
  name: z.string(),
  query: z.string().optional(),
  min: z.number().optional(),
  max: z.number().optional(),
  windowMs: z.number().positive(),
  variables: z.record(z.string(), z.string()),
});

/** The complete rollout specification, as it stands in the outputs; same shape as the driver's RolloutSpec. */
export const rolloutSpecSchema = z.strictObject({
  intervalMs: z.number().positive(),
  failedChecksMax: z.int().positive(),
  steps: z.array(z.strictObject({ weight, checks: z.int().positive(), hold: z.boolean() })).min(1),
  metrics: z.array(metricFull).min(1),
  limits: z.strictObject({
    blindChecksMax: z.int().positive(),
    readyMs: z.number().positive(),
    readBackMs: z.number().positive(),
    rolloutMs: z.number().positive(),
    attemptsMax: z.int().positive(),
  }),
  bakeMs: z.number().nonnegative(),
  drainMs: z.number().nonnegative(),
});
export type RolloutSpec = z.infer<typeof rolloutSpecSchema>;

const metricWritten = z
  .strictObject({
    name: z.string().min(1),
    query: z.string().min(1).optional(),
    range: z
      .strictObject({ min: z.number().optional(), max: z.number().optional() })
      .refine(
        ({ min, max }) => min !== undefined || max !== undefined,
        "needs min, max or both: without a range no value can fail",
      )
      .refine(
        ({ min, max }) => min === undefined || max === undefined || min <= max,
        "min is above max: no value can pass",
      ),
    window: duration.optional(),
    variables: z.record(z.string(), z.string()).default({}),
  })
  .transform(({ range, window, ...rest }) => ({ ...rest, ...range, windowMs: window }));

/** Weight 0 is for a first step on copies of requests; who can copy none refuses it. */
const stepWritten = z.union([
  weight,
  z.strictObject({
    weight,
    checks: z.int().positive().optional(),
    hold: z.boolean().default(false),
  }),
]);

/** What users write under `upramp:rollout`. Every field has a default; durations are "10s", "2m". */
export const rolloutWritten = z
  .strictObject({
    interval: duration.default(10_000),
    threshold: z.int().positive().default(3),
    stepWeight: weight.min(1).optional(),
    maxWeight: weight.min(1).optional(),
    steps: z.array(stepWritten).min(1).optional(),
    iterations: z.int().positive().optional(),
    metrics: z
      .array(metricWritten)
      .min(1)
      .default([
        { name: "request-success-rate", min: 99, windowMs: undefined, variables: {} },
        { name: "request-duration", max: 500, windowMs: undefined, variables: {} },
      ]),
    bake: duration.default(30_000),
    drain: duration.default(1_000),
    limits: z
      .strictObject({
        blindChecks: z.int().positive().default(5),
        ready: duration.default(120_000),
        readBack: duration.default(30_000),
        rollout: duration.default(3_600_000),
        attempts: z.int().positive().default(5),
      })
      .prefault({}),
  })
  .transform((written, context): RolloutSpec => {
    const { interval, threshold, metrics, limits, bake, drain } = written;
    return {
      intervalMs: interval,
      failedChecksMax: threshold,
      steps: expandSteps(written, (message, path) =>
        context.addIssue({ code: "custom", message, path }),
      ),
      metrics: metrics.map((metric) => ({ ...metric, windowMs: metric.windowMs ?? interval })),
      limits: {
        blindChecksMax: limits.blindChecks,
        readyMs: limits.ready,
        readBackMs: limits.readBack,
        rolloutMs: limits.rollout,
        attemptsMax: limits.attempts,
      },
      bakeMs: bake,
      drainMs: drain,
    };
  });

interface WrittenSteps {
  readonly stepWeight?: number | undefined;
  readonly maxWeight?: number | undefined;
  readonly steps?: readonly z.infer<typeof stepWritten>[] | undefined;
  readonly iterations?: number | undefined;
}

/**
 * The list of steps: as written; or stepWeight, 2 × stepWeight … maxWeight (100 when not given); or, with
 * neither, one step of 100 (blue/green). `iterations` is the number of passed checks each needs.
 */
function expandSteps(
  written: WrittenSteps,
  refuse: (message: string, path: (string | number)[]) => void,
): RolloutSpec["steps"] {
  const { stepWeight, maxWeight, steps, iterations = 1 } = written;
  const plain = (value: number): RolloutSpec["steps"][number] => ({
    weight: value,
    checks: iterations,
    hold: false,
  });
  if (steps !== undefined) {
    if (stepWeight !== undefined || maxWeight !== undefined) {
      refuse("give either steps or stepWeight with maxWeight, not both", ["steps"]);
    }
    const full = steps.map((step) =>
      typeof step === "number"
        ? plain(step)
        : { weight: step.weight, checks: step.checks ?? iterations, hold: step.hold },
    );
    full.forEach((step, index) => {
      const before = full[index - 1];
      if (before !== undefined && step.weight <= before.weight) {
        const message = `${step.weight} does not rise above ${before.weight}; write the weights in rising order`;
        refuse(message, ["steps", index]);
      }
    });
    return full;
  }
  if (stepWeight === undefined) {
    if (maxWeight !== undefined) refuse("maxWeight needs stepWeight", ["maxWeight"]);
    return [plain(100)];
  }
  const highest = maxWeight ?? 100;
  if (stepWeight > highest) {
    refuse(`stepWeight ${stepWeight} is above maxWeight ${highest}`, ["stepWeight"]);
  }
  const count = Math.max(1, Math.ceil(highest / stepWeight));
  return Array.from({ length: count }, (_, index) =>
    plain(Math.min(highest, stepWeight * (index + 1))),
  );
}

// ---- what a platform stack gives -----------------------------------------------------------------

/** The outputs of a platform stack of target `local`, under the name `outputName`. */
export const platformOutputsSchema = z.strictObject({
  contract: z.literal(1),
  target: z.literal("local"),
  /** Name of the stack. */
  stack: z.string(),
  stateDir: z.string(),
  envoy: z.strictObject({
    /** Base URL of the admin interface. */
    admin: z.url(),
    /** Directory of the files from which Envoy takes its configuration. */
    directory: z.string(),
  }),
  prometheus: z.strictObject({
    /** Base URL of the HTTP API. */
    address: z.url(),
    /** Directory of the files that list what to scrape, one a service. */
    targetsDirectory: z.string(),
  }),
  /** Log files, for people. */
  logs: z.array(z.string()),
});
export type PlatformOutputs = z.infer<typeof platformOutputsSchema>;

// ---- what a service stack gives ------------------------------------------------------------------

const perSlot = <T extends z.ZodType>(schema: T): z.ZodObject<{ blue: T; green: T }> =>
  z.strictObject({ blue: schema, green: schema });

/** Where the driver reads back what the router really does. */
const trafficSource = z.discriminatedUnion("router", [
  z.strictObject({
    router: z.literal("envoy"),
    /** Base URL of Envoy's admin interface. */
    admin: z.url(),
    routeConfig: z.string(),
    clusters: perSlot(z.string()),
  }),
  gatewayApiTrafficSchema,
  appMeshTrafficSchema,
]);
export type TrafficSource = z.infer<typeof trafficSource>;

export { replicasMinAnnotation } from "./kubernetes-contract.ts";
export type { ClusterAccess } from "./cluster-access.ts";
export type {
  AppMeshTrafficSource,
  GatewayApiTrafficSource,
  KubernetesStoreLocation,
  WorkloadNames,
} from "./kubernetes-contract.ts";
export type { ServiceProxy } from "./prometheus-contract.ts";

/** Where the rollout record and the lock are kept. */
const storeLocation = z.discriminatedUnion("kind", [
  z.strictObject({ kind: z.literal("file"), directory: z.string() }),
  kubernetesStoreSchema,
]);
export type StoreLocation = z.infer<typeof storeLocation>;

export const serviceOutputsSchema = z.strictObject({
  contract: z.literal(1),
  service: z.string(),
  target: z.enum(["local", "kubernetes"]),
  assignment: assignmentSchema,
  /** The revision that the configuration of the last plain `up` asked for. */
  configured: revisionSchema,
  failed: failedSchema.nullable(),
  rollout: rolloutSpecSchema,
  /** Where users send requests, as far as the stack knows. */
  endpoint: z.url().optional(),
  metrics: z.strictObject({
    /** Base URL of the Prometheus HTTP API. */
    address: z.url(),
    /** Built-in query templates by metric name. */
    queries: z.record(z.string(), z.string()),
    /** Template variables that differ per slot. */
    variables: perSlot(z.record(z.string(), z.string())),
    /** Set when the address is one inside the cluster, which the driver reaches through the API server. */
    proxy: serviceProxySchema.optional(),
    /** Set when the address is of Amazon Managed Prometheus, whose queries are signed. */
    amp: querySigningSchema.optional(),
  }),
  traffic: trafficSource,
  store: storeLocation,
  /** What the platform gave at the last plain update; an update by the driver goes on with that. */
  platform: z
    .discriminatedUnion("target", [platformOutputsSchema, kubernetesPlatformOutputsSchema])
    .optional(),
  /** Target `kubernetes`: the slot whose revision is being rolled out and was never primary. */
  canary: slotSchema.nullable().optional(),
  /** Target `kubernetes`: id of the revision that a plain update brought up; Pulumi itself waits for it. */
  installed: z.string().optional(),
  /** Log files, for people. */
  logs: z.array(z.string()),
});
export type ServiceOutputs = z.infer<typeof serviceOutputsSchema>;

// ---- parsing with a place ------------------------------------------------------------------------

/** An error the reader can mend: it names the place, the value and the change to make. */
export class ContractError extends Error {
  override readonly name = "ContractError";
  /** By this the SDK knows its RunError: the engine then prints the message, and no "unhandled exception". */
  readonly __pulumiRunError = true;

  constructor(message: string) {
    super(message);
    // where in this package it was noticed helps nobody, and the engine prints it
    this.stack = message;
  }
}

/** Parses outside data, or throws one ContractError that lists every fault with its place. */
export function parse<T extends z.ZodType>(schema: T, value: unknown, place: string): z.output<T> {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const faults = result.error.issues.map((issue) => {
    const found = issue.path.reduce<unknown>(member, value);
    const shown =
      typeof found === "object" || found === undefined ? "" : ` = ${JSON.stringify(found)}`;
    return `${place}${pathText(issue.path)}${shown}: ${issue.message}`;
  });
  throw new ContractError(faults.join("\n"));
}

function member(value: unknown, key: PropertyKey): unknown {
  return typeof value === "object" && value !== null ? Reflect.get(value, key) : undefined;
}

function pathText(path: readonly PropertyKey[]): string {
  return path.map((part) => (typeof part === "number" ? `[${part}]` : `.${String(part)}`)).join("");
}
