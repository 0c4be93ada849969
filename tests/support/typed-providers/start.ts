import { join } from "node:path";
import { pulumiEnvironment } from "../../../tools/environment.ts";
import { progressTo } from "../../../tools/progress.ts";
import { startProviderProcess } from "../provider-process.ts";
import { clusterVariable, type ReachableCluster } from "./reachable-cluster.ts";
import type { PackageName } from "./token-types.ts";

/** Stand-ins that engines can use. */
export interface TypedProviders {
  /** To add to the environment of `pulumi`: PULUMI_DEBUG_PROVIDERS. */
  readonly env: Readonly<Record<string, string>>;
  readonly stop: () => Promise<void>;
}

/** How stand-ins are started. */
export interface TypedProvidersOptions {
  /** Answers in the place of every EKS cluster; else nothing does. */
  readonly cluster?: ReachableCluster;
}

/**
 * Starts stand-ins for these packages: providers that make nothing and check every input against the package's
 * own declarations (see `TypedProvider` for what they do not check). They are one process that ends with
 * this one, whatever ends it.
 *
 * @throws Error with the process's words when it does not start
 */
export async function startTypedProviders(
  packages: readonly PackageName[],
  { cluster }: TypedProvidersOptions = {},
): Promise<TypedProviders> {
  const { firstLine, stop } = await startProviderProcess({
    name: packages.join(", "),
    script: join(import.meta.dirname, "main.ts"),
    args: packages,
    ...(cluster === undefined ? {} : { env: clusterVariable(cluster) }),
  });
  return { env: { PULUMI_DEBUG_PROVIDERS: firstLine }, stop };
}

/** The same, with all else that an engine's environment needs for a program of this process. */
export async function startTypedEngine(packages: readonly PackageName[]): Promise<TypedProviders> {
  const progress = progressTo(process.stderr);
  const env = await pulumiEnvironment({ program: "inline", progress });
  const providers = await startTypedProviders(packages);
  return { ...providers, env: { ...env, ...providers.env } };
}
