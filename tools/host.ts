import { homedir } from "node:os";
import { isAbsolute, join } from "node:path";
import { UserError } from "../rollout/errors.ts";

/** The kinds of machine that upramp knows tools for. */
export type Platform = "linux-x64" | "linux-arm64" | "darwin-x64" | "darwin-arm64";

/** Where tools are looked for and kept. Tests make their own; everything else takes `thisHost()`. */
export interface Host {
  readonly platform: Platform;
  /** The environment that PATH and the settings of Go, pip and apt are read from. */
  readonly env: NodeJS.ProcessEnv;
  /** Absolute folder that holds everything upramp keeps for the user: `tools/` and Node's compile cache. */
  readonly cacheFolder: string;
}

/** The machine this process runs on. Throws a UserError on a platform without tools. */
export function thisHost(): Host {
  return {
    platform: platformOf(process.platform, process.arch),
    env: process.env,
    cacheFolder: cacheFolderOf(process.platform, process.env, homedir()),
  };
}

/** The platform for Node's names of system and processor, or a UserError. */
export function platformOf(system: string, processor: string): Platform {
  if (
    (system === "linux" || system === "darwin") &&
    (processor === "x64" || processor === "arm64")
  ) {
    return `${system}-${processor}`;
  }
  const advice = system === "win32" ? " On Windows, run upramp inside WSL 2." : "";
  throw new UserError(
    `upramp runs on Linux and macOS, on x64 and arm64; this machine is ${system} ${processor}.${advice}`,
  );
}

/** `$XDG_CACHE_HOME/upramp`, else `~/Library/Caches/upramp` on macOS, else `~/.cache/upramp`. */
export function cacheFolderOf(system: string, env: NodeJS.ProcessEnv, home: string): string {
  const xdg = env["XDG_CACHE_HOME"];
  // The XDG specification: a relative path is invalid and must be ignored.
  if (xdg !== undefined && isAbsolute(xdg)) return join(xdg, "upramp");
  return system === "darwin"
    ? join(home, "Library", "Caches", "upramp")
    : join(home, ".cache", "upramp");
}

/** The folder of the cache that holds one folder a tool and version. */
export function toolsFolderOf(host: Host): string {
  return join(host.cacheFolder, "tools");
}
