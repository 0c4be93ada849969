// The way into everything that `npm run` starts, on any Node from 18 on and with nothing installed:
// brings the npm packages, which bring Node 24, and goes on with that.
import { spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { become, findNode, nodeMajorMin, packageFolder } from "./launch.mjs";

/**
 * Command → script, and arguments that come before the user's.
 * @type {Record<string, { script: string, args: readonly string[] }>}
 */
const commands = {
  setup: { script: "tools/setup.ts", args: [] },
  demo: { script: "rollout/cli/main.ts", args: ["demo"] },
  upramp: { script: "rollout/cli/main.ts", args: [] },
  test: { script: "tools/test.ts", args: [] },
  "test:cluster": { script: "tools/test.ts", args: ["--only", "cluster"] },
  examples: { script: "tools/examples.ts", args: [] },
  cluster: { script: "tests/cluster/main.ts", args: [] },
  pulumi: { script: "tools/pulumi.ts", args: [] },
  "benchmark:step": { script: "benchmarks/step.ts", args: [] },
};

const exitUsage = 2;

/** Whether node_modules holds what package-lock.json asks for, by npm's own record of it. */
function packagesAreCurrent() {
  const record = join(packageFolder, "node_modules", ".package-lock.json");
  if (!existsSync(record) || !existsSync(join(packageFolder, "node_modules", ".bin", "node"))) {
    return false;
  }
  const wanted = packagesOf(join(packageFolder, "package-lock.json"));
  const present = packagesOf(record);
  return Object.entries(wanted).every(([path, entry]) => {
    if (path === "" || entry.link === true) return true;
    const installed = present[path];
    // npm leaves out optional packages that are for another platform.
    if (installed === undefined) return entry.optional === true || entry.devOptional === true;
    return installed.version === entry.version && installed.integrity === entry.integrity;
  });
}

/**
 * @typedef {{ version?: string, integrity?: string, link?: boolean, optional?: boolean, devOptional?: boolean }} LockEntry
 */

/**
 * The packages of a lock file of npm. One that cannot be read has none: npm ci then writes it anew.
 * @param {string} file
 * @returns {Record<string, LockEntry>}
 */
function packagesOf(file) {
  try {
    // npm's own format, version 3: zod may not be installed yet to check it.
    const lock = /** @type {{ packages?: Record<string, LockEntry> }} */ (
      JSON.parse(readFileSync(file, "utf8"))
    );
    return lock.packages ?? {};
  } catch {
    return {};
  }
}

function bringPackages() {
  process.stderr.write("upramp: installing npm packages (npm ci)\n");
  // Under `npm run`, npm says where it is itself; else it is on PATH.
  const npm = process.env["npm_execpath"];
  const isScript = npm?.endsWith(".js") === true;
  const file = isScript ? process.execPath : "npm";
  const args = ["ci", "--no-audit", "--no-fund", "--loglevel=error"];
  if (isScript) args.unshift(npm);
  // npm's own chatter is no result: it goes to standard error.
  const result = spawnSync(file, args, { cwd: packageFolder, stdio: ["ignore", 2, 2] });
  if (result.error !== undefined) {
    fail(
      `npm cannot be started (${result.error.message}). Install Node with npm: https://nodejs.org`,
    );
  }
  if (result.status !== 0) fail("npm ci failed; see above.", result.status ?? 1);
}

/**
 * @param {string} message
 * @returns {never}
 */
function fail(message, code = 1) {
  process.stderr.write(`upramp: ${message}\n`);
  process.exit(code);
}

const [name = "", ...args] = process.argv.slice(2);
const command = Object.hasOwn(commands, name) ? commands[name] : undefined;
if (command === undefined) {
  const names = Object.keys(commands).join("|");
  fail(`usage: node tools/bootstrap.mjs <${names}> [arguments]`, exitUsage);
}
if (!packagesAreCurrent()) bringPackages();
const node = findNode();
if (node === undefined) {
  fail(
    `Node ${nodeMajorMin} is not there: the npm package \`node\` did not bring it. ` +
      "Its install script must be allowed to run (no `ignore-scripts` in the npm settings); " +
      "or install Node 24 from https://nodejs.org.",
  );
}
become(node, command.script, [...command.args, ...args]);
