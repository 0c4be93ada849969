import type { z } from "zod";
import {
  ContractError,
  configNamespace,
  driveKey,
  parse,
  parseRevision,
  platformWritten,
  rolloutWritten,
  serviceWritten,
} from "./contract.ts";
import type {
  Drive,
  PlatformSettings,
  Revision,
  RolloutSpec,
  ServiceSettings,
} from "./contract.ts";
import { eksPlatformWritten, type EksPlatformSettings } from "./eks-contract.ts";
import {
  kubernetesPlatformWritten,
  kubernetesServiceWritten,
  type KubernetesPlatformSettings,
} from "./kubernetes-contract.ts";
import {
  pipelineSecretsWritten,
  pipelineWritten,
  type PipelineSettings,
} from "./pipeline-contract.ts";
import { refuseCopies } from "./service/copies.ts";
import { parseDrive } from "./service/drive.ts";
import { parseWorkload } from "./service/workload-revision.ts";

/** The configuration of a stack, checked. */
export type StackConfig =
  | {
      readonly kind: "pipeline";
      readonly settings: PipelineSettings;
      /** Variables of every run whose values are secret. */
      readonly secrets: Readonly<Record<string, string>>;
    }
  | {
      readonly kind: "platform";
      readonly target: "local";
      readonly platform: PlatformSettings;
    }
  | {
      readonly kind: "platform";
      readonly target: "kubernetes";
      readonly platform: KubernetesPlatformSettings;
    }
  | {
      readonly kind: "platform";
      readonly target: "eks";
      readonly platform: EksPlatformSettings;
    }
  | {
      readonly kind: "service";
      readonly target: "local";
      /** Name of the platform stack, as written. */
      readonly platform: string;
      readonly service: Omit<ServiceSettings, "revision">;
      readonly revision: Revision;
      readonly rollout: RolloutSpec;
      /** What the driver wants of this one update; null in a plain one. */
      readonly drive: Drive | null;
    }
  | {
      readonly kind: "service";
      readonly target: "kubernetes";
      /** Name of the platform stack, as written. */
      readonly platform: string;
      /** As written: `CanaryService` takes it as a program of one's own would give it. */
      readonly service: z.input<typeof kubernetesServiceWritten>;
      readonly rollout: z.input<typeof rolloutWritten>;
    };

const kinds = ["platform", "service", "pipeline"] as const;

/** The one key whose value has to be secret: it goes into settings of Pulumi Cloud, and never into outputs. */
const secretsKey = "secrets";

const allowedKeys = {
  platform: ["kind", "platform"],
  service: ["kind", "platform", "service", "rollout", driveKey],
  pipeline: ["kind", "pipeline", secretsKey],
} as const satisfies Record<(typeof kinds)[number], readonly string[]>;

/** Where values come from; a record of all configuration, keys with their namespace, values as text. */
export interface ConfigSource {
  readonly values: Readonly<Record<string, string>>;
  /** Whether the value of a key, with its namespace, is secret or holds something secret. */
  readonly isSecret: (key: string) => boolean;
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Directory that relative paths in the configuration start from. */
  readonly directory: string;
}

/** Reads the whole configuration of a stack. Throws one ContractError with every fault. */
export function readConfig(source: ConfigSource): StackConfig {
  const prefix = `${configNamespace}:`;
  const own = new Map(
    Object.entries(source.values)
      .filter(([key]) => key.startsWith(prefix))
      .map(([key, value]) => [key.slice(prefix.length), value]),
  );
  const kind = kinds.find((known) => known === own.get("kind"));
  if (kind === undefined) {
    const found = own.get("kind");
    const shown = found === undefined ? "is not set" : `= "${found}"`;
    throw new ContractError(`${prefix}kind ${shown}: set it to ${kinds.join(" or ")}`);
  }
  const allowed: readonly string[] = allowedKeys[kind];
  const unknown = [...own.keys()].filter((key) => !allowed.includes(key));
  if (unknown.length > 0) throw new ContractError(unknownKeys(kind, unknown));
  const secret = [...own.keys()]
    .filter((key) => key !== secretsKey)
    .map((key) => `${prefix}${key}`)
    .filter(source.isSecret);
  if (secret.length > 0) {
    throw new ContractError(
      `${secret.join(", ")} holds a secret, and all of it would stand in the outputs in plain text: ` +
        "let the service read its secret at its start, such as from a file",
    );
  }
  switch (kind) {
    case "platform":
      return readPlatform(own);
    case "service":
      return readService(own, source);
    case "pipeline":
      return readPipeline(own, source);
  }
}

function readPipeline(own: ReadonlyMap<string, string>, source: ConfigSource): StackConfig {
  const place = `${configNamespace}:${secretsKey}`;
  const secrets = parse(pipelineSecretsWritten, objectAt(own, secretsKey), place);
  const isPlain = own.has(secretsKey) && !source.isSecret(place);
  if (isPlain) {
    const [name = "NAME"] = Object.keys(secrets);
    throw new ContractError(
      `${place} stands in plain text: pulumi config set --secret --path ${place}.${name}`,
    );
  }
  const pipeline = objectAt(own, "pipeline");
  const settings = parse(pipelineWritten, pipeline, `${configNamespace}:pipeline`);
  return { kind: "pipeline", settings, secrets };
}

function unknownKeys(kind: keyof typeof allowedKeys, unknown: readonly string[]): string {
  const known = allowedKeys[kind]
    .filter((key) => key !== driveKey)
    .map((key) => `${configNamespace}:${key}`)
    .join(", ");
  return unknown
    .map((key) => {
      const weightLike = /weight|traffic|split|canary/i.test(key);
      const why = weightLike
        ? "; weights are moved by `upramp run` only, and its steps are set in upramp:rollout"
        : "";
      return `${configNamespace}:${key} is not known for kind ${kind}${why}. Allowed: ${known}`;
    })
    .join("\n");
}

function readPlatform(own: ReadonlyMap<string, string>): StackConfig {
  const place = `${configNamespace}:platform`;
  const { target, written } = withTarget(objectAt(own, "platform"), place, platformTargets);
  switch (target) {
    case "local":
      return { kind: "platform", target, platform: parse(platformWritten, written, place) };
    case "kubernetes": {
      const platform = parse(kubernetesPlatformWritten, { target, ...written }, place);
      return { kind: "platform", target, platform };
    }
    case "eks": {
      const platform = parse(eksPlatformWritten, { target, ...written }, place);
      return { kind: "platform", target, platform };
    }
  }
}

function readService(own: ReadonlyMap<string, string>, source: ConfigSource): StackConfig {
  const platform = own.get("platform");
  if (platform === undefined || platform === "" || platform.startsWith("{")) {
    throw new ContractError(
      `${configNamespace}:platform of a service stack is the name of its platform stack, such as "dev"`,
    );
  }
  const place = `${configNamespace}:service`;
  const { target, written } = withTarget(objectAt(own, "service"), place, serviceTargets);
  const rollout = objectAt(own, "rollout");
  const spec = parse(rolloutWritten, rollout, `${configNamespace}:rollout`);
  const drive = parseDrive(own.get(driveKey), source.environment);
  switch (target) {
    case "local": {
      const { revision, ...service } = parse(serviceWritten, written, place);
      refuseCopies(spec, "target local copies no requests");
      if (revision === undefined) {
        throw new ContractError(
          `${place}.revision is not set: write the command line that starts the service`,
        );
      }
      return {
        kind: "service",
        target,
        platform,
        service,
        revision: parseRevision(revision, `${place}.revision`, source.directory),
        rollout: spec,
        drive,
      };
    }
    case "kubernetes": {
      const { revision } = parse(kubernetesServiceWritten, written, place);
      parseWorkload(revision, `${place}.revision`, source.directory);
      return {
        kind: "service",
        target,
        platform,
        // checked just now, by the schemas that these types are of
        service: written as z.input<typeof kubernetesServiceWritten>,
        rollout: rollout as z.input<typeof rolloutWritten>,
      };
    }
  }
}

const platformTargets = ["local", "kubernetes", "eks"] as const;
/** To a service a cluster is a cluster, whoever made it. */
const serviceTargets = ["local", "kubernetes"] as const;

/** Where a stack's objects live, and what else is written. */
function withTarget<Target extends string>(
  object: unknown,
  place: string,
  targets: readonly Target[],
): { readonly target: Target; readonly written: object } {
  if (typeof object !== "object" || object === null || Array.isArray(object)) {
    throw new ContractError(`${place} = ${JSON.stringify(object)}: must be an object`);
  }
  const { target: found = "local", ...written } = object as { readonly target?: unknown };
  const target = targets.find((known) => known === found);
  if (target !== undefined) return { target, written };
  throw new ContractError(
    `${place}.target = ${JSON.stringify(found)}: set it to ${targets.join(" or ")}`,
  );
}

/** An object of the configuration; the engine hands it over as JSON. Nothing written is an empty object. */
function objectAt(own: ReadonlyMap<string, string>, key: string): unknown {
  const text = own.get(key);
  return text === undefined || text === "" ? {} : parseJson(text, `${configNamespace}:${key}`);
}

function parseJson(text: string, place: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    throw new ContractError(
      `${place} = ${JSON.stringify(text)}: must be an object, not plain text`,
    );
  }
}
