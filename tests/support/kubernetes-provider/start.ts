import { accessSync, constants, readdirSync } from "node:fs";
import { homedir } from "node:os";
import { delimiter, join } from "node:path";
import { startProviderProcess } from "../provider-process.ts";

/** Folder with `pulumi-resource-kubernetes`, for PATH: how a plain `pulumi up` finds the stand-in. */
export const standInFolder = join(import.meta.dirname, "bin");

/** A provider that engines can use. */
export interface KubernetesProviderProcess {
  readonly kind: "official" | "stand-in";
  /** Where the stand-in listens; undefined for the official one, which engines start themselves. */
  readonly port: number | undefined;
  /** To add to the environment of `pulumi`. */
  readonly env: Readonly<Record<string, string>>;
  stop(): Promise<void>;
}

/** How to start it. */
export interface StartOptions {
  /** `stand-in` even where the official one is installed; default `official` where it is. */
  readonly prefer?: "official" | "stand-in";
  /** Default 10,000 ms, as the official one: quiet time of a Service's Endpoints before it is ready. */
  readonly settleMs?: number;
  /** Added to the environment of the stand-in, such as KUBECONFIG. */
  readonly env?: Readonly<Record<string, string>>;
}

/**
 * Which provider there is: the path of the official one when it is installed (Pulumi's plugin folder
 * or PATH), and the stand-in always.
 */
export function kubernetesProviderAvailable(): {
  readonly kind: "official" | "stand-in";
  readonly path: string | undefined;
} {
  const path = officialPath();
  return path === undefined ? { kind: "stand-in", path } : { kind: "official", path };
}

/**
 * The provider for the engines of a test. The stand-in is a process of its own that ends with this
 * one, whatever ends it.
 *
 * @throws Error with the process's words when it does not start
 */
export async function startKubernetesProvider(
  options: StartOptions = {},
): Promise<KubernetesProviderProcess> {
  if (options.prefer !== "stand-in" && kubernetesProviderAvailable().kind === "official") {
    return { kind: "official", port: undefined, env: {}, stop: async () => undefined };
  }
  const settle =
    options.settleMs === undefined
      ? {}
      : { KUBERNETES_PROVIDER_SETTLE_MS: String(options.settleMs) };
  const { firstLine, stop } = await startProviderProcess({
    name: "kubernetes",
    script: join(import.meta.dirname, "main.ts"),
    env: { ...options.env, ...settle, KUBERNETES_PROVIDER_STDIN: "1" },
  });
  const port = Number(firstLine);
  return {
    kind: "stand-in",
    port,
    env: { PULUMI_DEBUG_PROVIDERS: `kubernetes:${port}` },
    stop,
  };
}

function officialPath(): string | undefined {
  const plugins = join(process.env["PULUMI_HOME"] ?? join(homedir(), ".pulumi"), "plugins");
  const installed = foldersIn(plugins)
    .filter((name) => /^resource-kubernetes-v4\.\d+\.\d+$/.test(name))
    .map((name) => join(plugins, name));
  const onPath = (process.env["PATH"] ?? "")
    .split(delimiter)
    .filter((folder) => folder !== "" && folder !== standInFolder);
  return [...installed, ...onPath]
    .map((folder) => join(folder, "pulumi-resource-kubernetes"))
    .find(isExecutable);
}

function foldersIn(path: string): readonly string[] {
  try {
    return readdirSync(path);
  } catch {
    return [];
  }
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
