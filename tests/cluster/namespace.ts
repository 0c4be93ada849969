import { spawn, spawnSync, type ChildProcess, type StdioOptions } from "node:child_process";
import { accessSync, constants, readFileSync } from "node:fs";
import { delimiter, join } from "node:path";
import { addressRange } from "./addresses.ts";
import { waitUntil } from "./wait-until.ts";

/** Set inside the namespace, so that a program knows where it is. */
const insideVariable = "UPRAMP_CLUSTER_NAMESPACE";

/** `ip` and `chroot` are in sbin, which users' PATH often lacks. */
const searchPath = [process.env["PATH"] ?? "", "/usr/sbin", "/sbin"].join(delimiter);

/** Programs of the machine that the cluster calls, with the package that brings each. */
const neededPrograms = {
  unshare: "util-linux",
  nsenter: "util-linux",
  setpriv: "util-linux",
  mount: "mount (util-linux)",
  chroot: "coreutils",
  ip: "iproute2",
  openssl: "openssl",
} as const;

/**
 * Brings the namespace up and then runs the command as a child, not by exec: process 1 must be a
 * shell, which reaps orphans, and not Node, which does not.
 */
const setUp = [
  "ip link set lo up",
  `ip route add local ${addressRange} dev lo`,
  'ulimit -n "$(ulimit -Hn)"',
].join(" && ");
const setUpAndRun = `${setUp} || exit 125; "$@"; code=$?; exit "$code"`;

const unshareArgs = ["-Urn", "-pf", "--kill-child", "--mount-proc"];

/** Whether this machine can hold the cluster, and if not, why not and what would change it. */
export type Ability = { readonly able: true } | { readonly able: false; readonly reason: string };

/** Finds out by doing: makes a namespace of the cluster's kind and ends it. Takes about 30 ms. */
export function canRun(): Ability {
  if (process.platform !== "linux") {
    return { able: false, reason: `needs Linux namespaces; this is ${process.platform}` };
  }
  for (const [program, packageName] of Object.entries(neededPrograms)) {
    if (!isOnPath(program)) {
      return { able: false, reason: `${program} is not on PATH; install ${packageName}` };
    }
  }
  const trial = spawnSync(
    "unshare",
    [...unshareArgs, "sh", "-c", `${setUp} && mount -t tmpfs none /tmp`],
    {
      env: { ...process.env, PATH: searchPath },
      encoding: "utf8",
      timeout: 10_000,
    },
  );
  if (trial.status === 0) return { able: true };
  const words = (trial.error?.message ?? trial.stderr).trim().split("\n").at(-1) ?? "";
  return {
    able: false,
    reason:
      `unprivileged user namespaces are refused here (${words}); ` +
      "see the sysctls user.max_user_namespaces, kernel.unprivileged_userns_clone and " +
      "kernel.apparmor_restrict_unprivileged_userns",
  };
}

/** Whether this process runs inside a namespace made by {@link enterNamespace}. */
export function isInsideNamespace(): boolean {
  return process.env[insideVariable] === "1";
}

/** A command that runs inside its own user, network, pid and mount namespace. */
export interface NamespacedCommand {
  /** `unshare` itself. It ignores SIGTERM and SIGINT: see {@link NamespacedCommand.signal}. */
  readonly child: ChildProcess;
  /** Exit code of the command; 137 when the namespace was killed, 125 when it could not be set up. */
  readonly exitCode: Promise<number>;
  /** Pid of process 1 of the namespace as seen from here, for `nsenter`. */
  innerPid(): Promise<number>;
  /** Asks the command to stop. */
  signal(name: NodeJS.Signals): Promise<void>;
  /** Removes the namespace and every process in it at once. */
  kill(): void;
}

/** How {@link enterNamespace} runs its command. */
export interface NamespaceOptions {
  /** Added to this process's environment. */
  readonly env?: Readonly<Record<string, string>>;
  /** As for `spawn`; default `inherit`. */
  readonly stdio?: StdioOptions;
}

/**
 * Runs a command inside a new namespace, in which every address of the cluster's range is local and
 * nothing outside can be reached. When this process dies, the namespace and all in it die too.
 */
export function enterNamespace(
  command: readonly [string, ...string[]],
  options: NamespaceOptions = {},
): NamespacedCommand {
  const child = spawn(
    "setpriv",
    ["--pdeathsig", "KILL", "unshare", ...unshareArgs, "sh", "-c", setUpAndRun, "sh", ...command],
    {
      env: { ...process.env, PATH: searchPath, ...options.env, [insideVariable]: "1" },
      stdio: options.stdio ?? "inherit",
    },
  );
  const exitCode = new Promise<number>((resolve, reject) => {
    child.once("error", reject);
    child.once("exit", (code) => resolve(code ?? 137));
  });
  const innerPid = (): Promise<number> =>
    waitUntil("the namespace has its first process", 5_000, () => childPids(child.pid)[0]);
  return {
    child,
    exitCode,
    innerPid,
    async signal(name) {
      const commandPid = childPids(await innerPid())[0];
      if (commandPid !== undefined) process.kill(commandPid, name);
    },
    kill() {
      child.kill("SIGKILL");
    },
  };
}

/** Arguments for `nsenter` that run a command inside a namespace whose first process is `pid`. */
export function nsenterArgs(pid: number, command: readonly string[]): string[] {
  return ["-t", String(pid), "-U", "-n", "-m", "-p", "--preserve-credentials", "--", ...command];
}

function childPids(pid: number | undefined): number[] {
  if (pid === undefined) return [];
  try {
    return readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8")
      .split(" ")
      .filter(Boolean)
      .map(Number);
  } catch {
    return [];
  }
}

function isOnPath(program: string): boolean {
  return searchPath.split(delimiter).some((folder) => {
    try {
      accessSync(join(folder, program), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}
