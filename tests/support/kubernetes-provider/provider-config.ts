import { existsSync, readFileSync } from "node:fs";
import { homedir } from "node:os";
import { delimiter, join } from "node:path";
import { KubeConfig } from "@kubernetes/client-node";
import { z } from "zod";
import type { Fields } from "./kubernetes-object.ts";

/** Options arrive as JSON or as its text. */
const flag = z
  .union([z.boolean(), z.enum(["true", "false"])])
  .transform((value) => value === true || value === "true");
const text = z.string().min(1);

/** The options that the stand-in knows. Any other is refused, never ignored. */
const configSchema = z.strictObject({
  clusterIdentifier: text.optional(),
  context: text.optional(),
  enableConfigMapMutable: flag.default(false),
  enablePatchForce: flag.default(false),
  enableSecretMutable: flag.default(false),
  enableServerSideApply: flag.default(true),
  kubeconfig: text.optional(),
  namespace: text.optional(),
  // No deprecation warnings are given anyway.
  suppressDeprecationWarnings: flag.default(false),
  upsertExistingObjects: flag.default(false),
  // The SDK's version, which the engine adds.
  version: text.optional(),
});

/** Configuration of one provider. */
export type ProviderConfig = z.output<typeof configSchema>;

/** One thing that is wrong with a configuration. */
export interface ConfigFailure {
  readonly property: string;
  readonly reason: string;
}

/** Every failure of a configuration, which may hold unknown values. */
export function checkConfig(
  fields: Fields,
  isUnknown: (value: unknown) => boolean,
): ConfigFailure[] {
  const known = Object.entries(fields).filter(([, value]) => !isUnknown(value));
  const result = configSchema.safeParse(Object.fromEntries(known));
  const failures = (result.error?.issues ?? []).flatMap((issue) =>
    issue.code === "unrecognized_keys"
      ? issue.keys.map((key) => ({ property: key, reason: unknownOption }))
      : [{ property: issue.path.join("."), reason: issue.message }],
  );
  if (result.data?.enableServerSideApply === false) {
    failures.push({
      property: "enableServerSideApply",
      reason: "this stand-in only applies server-side; install the official provider for more",
    });
  }
  return failures;
}

const unknownOption =
  `unknown option; this stand-in knows ${Object.keys(configSchema.shape).join(", ")}. ` +
  "Remove it, or install the official kubernetes provider";

/** @throws Error naming each wrong option */
export function parseConfig(fields: Fields): ProviderConfig {
  const failures = checkConfig(fields, () => false);
  if (failures.length > 0) {
    throw new Error(failures.map(({ property, reason }) => `${property}: ${reason}`).join("; "));
  }
  return configSchema.parse(fields);
}

/**
 * The cluster to talk to: `kubeconfig` (its text or its path), else $KUBECONFIG, else
 * ~/.kube/config, in which `context` chooses.
 *
 * @throws Error when there is none or the context is not in it
 */
export function loadKubeConfig(config: Pick<ProviderConfig, "kubeconfig" | "context">): KubeConfig {
  const kubeConfig = new KubeConfig();
  const given = config.kubeconfig;
  if (given !== undefined && (given.includes("\n") || given.trimStart().startsWith("{"))) {
    kubeConfig.loadFromString(given);
  } else {
    const paths = given === undefined ? ambientPaths() : [expandHome(given)];
    const path = paths.find((candidate) => existsSync(candidate));
    if (path === undefined) {
      throw new Error(`no kubeconfig at ${paths.join(", ")}; set the provider option kubeconfig`);
    }
    kubeConfig.loadFromString(readFileSync(path, "utf8"));
    kubeConfig.makePathsAbsolute(join(path, ".."));
  }
  if (config.context !== undefined) {
    if (kubeConfig.getContextObject(config.context) === null) {
      const names = kubeConfig.getContexts().map(({ name }) => name);
      throw new Error(`context "${config.context}" is not in the kubeconfig: ${names.join(", ")}`);
    }
    kubeConfig.setCurrentContext(config.context);
  }
  if (kubeConfig.getCurrentCluster() === null) throw new Error("the kubeconfig names no cluster");
  return kubeConfig;
}

/** Namespace of objects that name none. */
export function defaultNamespace(config: ProviderConfig, kubeConfig: KubeConfig): string {
  const context = kubeConfig.getContextObject(kubeConfig.getCurrentContext());
  return config.namespace ?? context?.namespace ?? "default";
}

/** How two configurations of one provider differ. */
export interface ConfigDiff {
  readonly changed: readonly string[];
  /** The provider, and with it every resource, must be made anew: it is another cluster. */
  readonly replaces: boolean;
}

/** A changed kubeconfig replaces only when its active cluster or `clusterIdentifier` changed. */
export function diffConfig(before: Fields, after: Fields): ConfigDiff {
  const keys = new Set([...Object.keys(before), ...Object.keys(after)]);
  const changed = [...keys].filter((key) => key !== "version" && before[key] !== after[key]);
  const identifiers = [before["clusterIdentifier"], after["clusterIdentifier"]];
  if (identifiers.some((identifier) => identifier !== undefined)) {
    return { changed, replaces: identifiers[0] !== identifiers[1] };
  }
  const clusterChanged =
    (changed.includes("kubeconfig") || changed.includes("context")) &&
    activeCluster(before) !== activeCluster(after);
  return { changed, replaces: clusterChanged };
}

function activeCluster(fields: Fields): string {
  try {
    const { kubeconfig, context } = fields;
    const cluster = loadKubeConfig({
      kubeconfig: typeof kubeconfig === "string" ? kubeconfig : undefined,
      context: typeof context === "string" ? context : undefined,
    }).getCurrentCluster();
    return JSON.stringify(cluster);
  } catch {
    // A kubeconfig that cannot be read any more does not say that the cluster is another.
    return "";
  }
}

function ambientPaths(): readonly string[] {
  const variable = process.env["KUBECONFIG"] ?? "";
  const paths = variable.split(delimiter).filter(Boolean);
  return paths.length > 0 ? paths : [join(homedir(), ".kube", "config")];
}

function expandHome(path: string): string {
  return path.startsWith("~/") ? join(homedir(), path.slice(2)) : path;
}
