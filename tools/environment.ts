import { realpath } from "node:fs/promises";
import { delimiter, dirname, join } from "node:path";
import { findTool, type FoundTool, isProgram, pathFolders } from "./find.ts";
import { type GetOptions, getTool } from "./get.ts";
import { type Host, thisHost } from "./host.ts";
import type { ToolProgress } from "./progress.ts";
import type { ToolName } from "./table.ts";

/** Settings of `pulumiEnvironment`. */
export interface PulumiEnvironmentOptions extends GetOptions {
  /**
   * `inline`: the Automation API runs the program in its own process, with policy packs.
   * `project`: a plain `pulumi up` starts the project's program through a language host.
   */
  readonly program: "inline" | "project";
  readonly progress: ToolProgress;
}

/**
 * The variables to lay over the environment for every pulumi process, PATH among them. Gets the
 * CLI where it is not there. Backend, passphrase and every other `PULUMI_*` are the user's.
 */
export async function pulumiEnvironment(
  options: PulumiEnvironmentOptions,
): Promise<Record<string, string>> {
  const host = options.host ?? thisHost();
  const cli = await getTool("pulumi", options.progress, options);
  // Programs, policy packs and dynamic providers are run with `node` from PATH: with this Node.
  const folders = [dirname(process.execPath), dirname(cli.path)];
  const variables: Record<string, string> = { PULUMI_SKIP_UPDATE_CHECK: "true" };
  if (!(await bringsNodeSupport(cli, pathFolders(host)))) {
    const companion = await getTool(companionFor(options.program), options.progress, options);
    folders.push(dirname(companion.path));
    // Looking for plugins to download costs each update seconds where downloads cannot be reached.
    variables["PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION"] = "true";
  }
  variables["NODE_COMPILE_CACHE"] = join(host.cacheFolder, "node-compile-cache");
  for (const name of Object.keys(variables)) {
    const own = host.env[name];
    if (own !== undefined) variables[name] = own;
  }
  variables["PATH"] = [...new Set([...folders, ...pathFolders(host)])].join(delimiter);
  return variables;
}

/**
 * The variables by which a program of target `local` finds Envoy and Prometheus that are in the
 * cache; one that is not there is left out. Downloads nothing.
 */
export async function localTargetEnvironment(
  host: Host = thisHost(),
): Promise<Record<string, string>> {
  const [envoy, prometheus] = await Promise.all([
    findTool("envoy", host),
    findTool("prometheus", host),
  ]);
  return {
    ...(envoy === undefined ? {} : { UPRAMP_ENVOY: envoy.path }),
    ...(prometheus === undefined ? {} : { UPRAMP_PROMETHEUS: prometheus.path }),
  };
}

/**
 * The official CLI brings its Node language host and the starter of policy packs beside it (or, by
 * some package managers, on PATH). A CLI without them needs one of ours; never both at once: the
 * old language host on PATH makes the engine ask it for policy packs, which it cannot start.
 */
export async function bringsNodeSupport(
  cli: FoundTool,
  userPath: readonly string[],
): Promise<boolean> {
  for (const folder of [dirname(await realpath(cli.path)), ...userPath]) {
    if (await isProgram(join(folder, "pulumi-language-nodejs"))) return true;
  }
  return false;
}

function companionFor(program: PulumiEnvironmentOptions["program"]): ToolName {
  return program === "inline" ? "pulumi-analyzer-policy-nodejs" : "pulumi-language-nodejs";
}
