import {
  ContractError,
  configNamespace,
  driveKey,
  driveSchema,
  driverVariable,
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

/** The configuration of a stack, complete and checked. */
export type StackConfig =
  | { readonly kind: "platform"; readonly platform: PlatformSettings }
  | {
      readonly kind: "service";
      /** Name of the platform stack, as written. */
      readonly platform: string;
      readonly service: Omit<ServiceSettings, "revision">;
      readonly revision: Revision;
      readonly rollout: RolloutSpec;
      /** What the driver wants of this one update; null in a plain one. */
      readonly drive: Drive | null;
    };

const kinds = ["platform", "service"] as const;

const allowedKeys = {
  platform: ["kind", "platform"],
  service: ["kind", "platform", "service", "rollout", driveKey],
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
  const secret = [...own.keys()].map((key) => `${prefix}${key}`).filter(source.isSecret);
  if (secret.length > 0) {
    throw new ContractError(
      `${secret.join(", ")} holds a secret, and all of it would stand in the outputs in plain text: ` +
        "let the service read its secret at its start, such as from a file",
    );
  }
  return kind === "platform" ? readPlatform(own) : readService(own, source);
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
  return {
    kind: "platform",
    platform: parse(platformWritten, objectAt(own, "platform"), "upramp:platform"),
  };
}

function readService(own: ReadonlyMap<string, string>, source: ConfigSource): StackConfig {
  const platform = own.get("platform");
  if (platform === undefined || platform === "" || platform.startsWith("{")) {
    throw new ContractError(
      `${configNamespace}:platform of a service stack is the name of its platform stack, such as "dev"`,
    );
  }
  const { revision, ...service } = parse(
    serviceWritten,
    objectAt(own, "service"),
    "upramp:service",
  );
  if (revision === undefined) {
    throw new ContractError(
      "upramp:service.revision is not set: write the command line that starts the service",
    );
  }
  return {
    kind: "service",
    platform,
    service,
    revision: parseRevision(revision, "upramp:service.revision", source.directory),
    rollout: parse(rolloutWritten, objectAt(own, "rollout"), "upramp:rollout"),
    drive: readDrive(own, source.environment),
  };
}

function readDrive(
  own: ReadonlyMap<string, string>,
  environment: ConfigSource["environment"],
): Drive | null {
  const place = `${configNamespace}:${driveKey}`;
  const text = own.get(driveKey);
  if (text === undefined) return null;
  if (environment[driverVariable] !== "1") {
    throw new ContractError(
      `${place} is set, but only upramp may set it, for one update at a time: ` +
        `remove it with \`pulumi config rm ${place}\` and change weights with \`upramp run\``,
    );
  }
  return parse(driveSchema, parseJson(text, place), place);
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
