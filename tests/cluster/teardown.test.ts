import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { canRun, enterNamespace, isInsideNamespace, nsenterArgs } from "./namespace.ts";
import { folderVariable } from "./test-cluster.ts";
import { waitUntil } from "./wait-until.ts";

const startAndStop = fileURLToPath(new URL("start-and-stop.ts", import.meta.url));

/** A second cluster starts beside the one of this run. */
const clusterBoundMs = 60_000;

describe("the end of a cluster", function () {
  let folder: string;

  before(function () {
    if (!isInsideNamespace()) this.skip();
    // A namespace inside the namespace: what it runs can be counted from here.
    assert.deepEqual(canRun(), { able: true });
  });

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "upramp-teardown-"));
  });

  afterEach(() => {
    rmSync(folder, { recursive: true, force: true });
  });

  it("leaves no process behind when it is stopped", async function () {
    this.timeout(clusterBoundMs);
    const before = pids();
    const command = enterNamespace([process.execPath, startAndStop, "stop"], {
      env: { [folderVariable]: join(folder, "cluster") },
      stdio: ["ignore", "pipe", "inherit"],
    });
    let said = "";
    command.child.stdout?.on("data", (chunk: Buffer) => (said += chunk.toString()));
    assert.equal(await command.exitCode, 0);
    // Inside, after the stop: the shell that is process 1, and the program itself.
    assert.match(said, /processes left: 2\n/);
    assert.deepEqual(added(before), []);
  });

  it("leaves no process behind when its namespace is killed", async function () {
    this.timeout(clusterBoundMs);
    const before = pids();
    const command = enterNamespace([process.execPath, startAndStop, "stay"], {
      env: { [folderVariable]: join(folder, "cluster") },
      stdio: ["ignore", "ignore", "inherit"],
    });
    const ready = join(folder, "cluster", "ready");
    await waitUntil("the cluster is ready", clusterBoundMs, () => existsSync(ready));
    assert.ok(added(before).length > 5);
    command.kill();
    assert.equal(await command.exitCode, 137);
    await waitUntil("all its processes are gone", 5_000, () => added(before).length === 0);
  });

  it("lets a command in from outside", async () => {
    const command = enterNamespace(["sleep", "60"], { stdio: "ignore" });
    const args = nsenterArgs(await command.innerPid(), ["ip", "route", "show", "table", "local"]);
    const routes = execFileSync("nsenter", args, { encoding: "utf8" });
    command.kill();
    assert.match(routes, /local 10\.244\.0\.0\/16 dev lo/);
  });
});

function pids(): Set<string> {
  return new Set(readdirSync("/proc").filter((name) => /^\d+$/.test(name)));
}

/** Processes that were not there before, without those of the shared cluster. */
function added(before: ReadonlySet<string>): string[] {
  return [...pids()].filter((pid) => !before.has(pid)).flatMap((pid) => ofOtherNamespace(pid));
}

/** Its command line, if the process is in a pid namespace below this one. */
function ofOtherNamespace(pid: string): string[] {
  try {
    const levels = /^NSpid:\s*(.*)$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1] ?? "";
    const isBelow = levels.split(/\s+/).length > ownLevels;
    return isBelow ? [readFileSync(`/proc/${pid}/cmdline`, "utf8").replaceAll("\0", " ")] : [];
  } catch {
    return [];
  }
}

const ownLevels =
  process.platform === "linux"
    ? (/^NSpid:\s*(.*)$/m.exec(readFileSync("/proc/self/status", "utf8"))?.[1] ?? "").split(/\s+/)
        .length
    : 0;
