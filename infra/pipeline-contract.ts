import { z } from "zod";
import { duration } from "./duration.ts";

/** What a stack of kind `pipeline` takes: how Pulumi Deployments runs the rollouts of service stacks. */

const variable = /^[A-Za-z_]\w*$/;

/** Names of variables whose values nobody should read in a checkout. */
const secretLike = /TOKEN|SECRET|PASSPHRASE|PASSWORD|PRIVATE_KEY|ACCESS_KEY/i;

const environmentWritten = z.record(z.string(), z.string()).superRefine((environment, context) => {
  for (const name of Object.keys(environment)) {
    if (!variable.test(name)) {
      context.addIssue({ code: "custom", path: [name], message: "is not a variable name" });
    } else if (secretLike.test(name)) {
      const message = `looks secret: pulumi config set --secret --path upramp:secrets.${name}`;
      context.addIssue({ code: "custom", path: [name], message });
    }
  }
});

const sourceWritten = z.strictObject({
  /** `gitlab`, `github` and others that the organization has connected to Pulumi Cloud. */
  provider: z.string().min(1).default("github"),
  /** `owner/name`. */
  repository: z.string().regex(/^[^/\s]+(\/[^/\s]+)+$/, 'is no repository: write "owner/name"'),
  branch: z.string().min(1).default("main"),
  /** Folder of Pulumi.yaml in the repository. */
  directory: z
    .string()
    .refine((path) => !path.startsWith("/"), "begins with /: it is a path inside the repository")
    .default("."),
});

const oidcWritten = z.strictObject({
  roleArn: z.string().regex(/^arn:aws[\w-]*:iam::\d{12}:role\/\S+$/, "is no ARN of an IAM role"),
  /** How long the credentials are valid; the role's own maximum must allow it. */
  duration: duration
    .refine(
      (ms) => ms >= 900_000 && ms <= 43_200_000,
      "must be between 15m and 12h, as AWS takes it",
    )
    .default(3_600_000),
});

/** Five fields, as cron has them. */
const cron = z
  .string()
  .regex(/^\S+( \S+){4}$/, 'is no schedule: write five fields, such as "*/15 * * * *"');

const serviceWritten = z.strictObject({
  /** Paths in the repository whose change starts a run; all by default. */
  paths: z.array(z.string().min(1)).default([]),
  environment: environmentWritten.default({}),
});

/** A run ends this long before its credentials do, at least: the last step's update takes its time. */
const marginMs = 300_000;

export const pipelineWritten = z
  .strictObject({
    /** In Pulumi Cloud. */
    organization: z.string().min(1),
    /** Project of the service stacks; the pipeline's own by default. */
    project: z.string().min(1).optional(),
    source: sourceWritten,
    oidc: oidcWritten.optional(),
    /** A run ends within this time, finished or not; the next one goes on. */
    timeLimit: duration
      .refine((ms) => ms >= 60_000, "is under a minute: no step ends in it")
      .default(2_700_000),
    /** Starts runs that go on with what an earlier one left. UTC. */
    resume: cron.default("*/15 * * * *"),
    /** Of every run. */
    environment: environmentWritten.default({}),
    /** Commands before anything else of a run. */
    prepare: z.array(z.string().min(1)).default(["npm ci"]),
    executorImage: z.string().min(1).optional(),
    /** Id of a pool of self-hosted agents, such as one that reaches a private cluster. */
    agentPool: z.string().min(1).optional(),
    /** By the name of the service's stack. */
    services: z
      .record(z.string().regex(/^[\w.-]+$/, "is no name of a stack"), serviceWritten)
      .refine((services) => Object.keys(services).length > 0, "names no stack of a service"),
  })
  .superRefine(({ oidc, timeLimit }, context) => {
    if (oidc === undefined || timeLimit + marginMs <= oidc.duration) return;
    context.addIssue({
      code: "custom",
      path: ["timeLimit"],
      message:
        "must be at least 5m shorter than oidc.duration, or a run loses its credentials in the middle of a step",
    });
  });
export type PipelineSettings = z.output<typeof pipelineWritten>;

/** Secret variables of every run, by name. */
export const pipelineSecretsWritten = z.record(
  z.string().regex(variable, "is not a variable name"),
  z.string(),
);

/** What a stack of kind `pipeline` gives. */
export interface PipelineOutputs {
  readonly contract: 1;
  readonly kind: "pipeline";
  /** Full names of the stacks whose rollouts it runs. */
  readonly stacks: readonly string[];
}
