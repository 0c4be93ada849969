// What `bin/upramp.js` and `tools/bootstrap.mjs` share. Plain JavaScript that runs on any Node
// from 18 on, before packages are installed: everything else of upramp needs Node 24.
import { spawn, execFileSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { constants } from "node:os";
import { dirname, join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";

/** The first Node that runs TypeScript as it is, without a flag or a warning. */
export const nodeMajorMin = 24;

/** The folder of this package. */
export const packageFolder = join(dirname(fileURLToPath(import.meta.url)), "..");

/**
 * A Node that is new enough: the one running, else the one that the npm package `node` brought to a checkout, or
 * beside this package where it is installed.
 * @returns {string | undefined} its path
 */
export function findNode() {
  if (majorOf(process.versions.node) >= nodeMajorMin) return process.execPath;
  const folders = [join(packageFolder, "node_modules"), join(packageFolder, "..")];
  return folders.map((folder) => join(folder, ".bin", "node")).find(isNewEnough);
}

/** @param {string} node */
function isNewEnough(node) {
  if (!existsSync(node)) return false;
  try {
    const version = execFileSync(node, ["--version"], { encoding: "utf8", timeout: 10_000 });
    return majorOf(version.replace(/^v/, "")) >= nodeMajorMin;
  } catch {
    return false; // Installed without its install script, or for another machine.
  }
}

/** @param {string} version */
function majorOf(version) {
  return Number(version.split(".")[0]);
}

/**
 * Runs a script of this package with the given Node in the place of this process, and never
 * returns: exit code and signals are the child's.
 * @param {string} node
 * @param {string} script path from the package's folder
 * @param {readonly string[]} args
 */
export function become(node, script, args) {
  const argv = [node, join(packageFolder, script), ...args];
  const env = { ...process.env };
  // Behind a proxy, Node's fetch uses it only when told so at the start.
  if (env["HTTPS_PROXY"] || env["https_proxy"]) env["NODE_USE_ENV_PROXY"] ??= "1";
  if (typeof process.execve === "function") process.execve(node, argv, env);
  superviseInstead(node, argv.slice(1), env);
}

// Older Nodes cannot replace their process, so this one stays, waits and passes signals on.
/**
 * @param {string} node
 * @param {readonly string[]} args
 * @param {NodeJS.ProcessEnv} env
 */
function superviseInstead(node, args, env) {
  const child = spawn(node, args, { stdio: "inherit", env });
  /** @type {NodeJS.Signals[]} */
  const passedOn = ["SIGINT", "SIGTERM", "SIGHUP"];
  /** @type {Set<string>} */
  const passed = new Set();
  for (const signal of passedOn) {
    process.on(signal, () => {
      // Ctrl-C and a closed terminal reach every process in the foreground at once; npm then
      // passes the signal on a second time. The child must get it once.
      if (signal !== "SIGTERM" && isInForeground()) return;
      if (passed.has(signal)) return;
      passed.add(signal);
      setTimeout(() => passed.delete(signal), 500).unref();
      child.kill(signal);
    });
  }
  child.once("error", (error) => {
    process.stderr.write(`upramp: ${node} cannot be started: ${error.message}\n`);
    process.exit(1);
  });
  child.once("exit", (code, signal) => {
    if (signal === null) process.exit(code ?? 1);
    // Die of the same signal, so that a shell sees what happened; if it is not fatal, say it by code.
    for (const name of passedOn) process.removeAllListeners(name);
    process.kill(process.pid, signal);
    setTimeout(() => process.exit(128 + constants.signals[signal]), 100);
  });
}

/** Whether this process belongs to the terminal's foreground group, which gets its Ctrl-C. */
function isInForeground() {
  try {
    if (process.platform === "linux") {
      // proc(5): after the name in parentheses come state, ppid, pgrp, session, tty_nr, tpgid.
      const stat = readFileSync("/proc/self/stat", "utf8");
      const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
      return fields[2] === fields[5];
    }
    const answer = execFileSync("ps", ["-o", "pgid=,tpgid=", "-p", String(process.pid)], {
      encoding: "utf8",
      timeout: 1_000,
    });
    const [group, foreground] = answer.trim().split(/\s+/);
    return group === foreground;
  } catch {
    return false;
  }
}
