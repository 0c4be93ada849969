import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PassThrough } from "node:stream";
import { text } from "node:stream/consumers";
import { liveStartTime } from "../../infra/local/process-identity.ts";
import { waitUntil } from "../cluster/wait-until.ts";
import { closingLine } from "../../tools/test-counts.ts";
import { type GroupResult, runGroup } from "../../tools/test-group-run.ts";
import type { TestGroup } from "../../tools/test-groups.ts";
import { runGroups } from "../../tools/test-run.ts";

/** Groups of these tests take a fraction of a second on an idle machine. */
const endBoundMs = 30_000;

describe("running groups of tests", function () {
  this.timeout(endBoundMs);
  let folder: string;
  let runner: ChildProcess | undefined;

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "upramp-groups-"));
  });
  afterEach(() => {
    runner?.kill("SIGKILL");
    rmSync(folder, { recursive: true, force: true });
  });

  /** A group that is a script. It may use `report(passed, failed)`, `out(text)` and `err(text)`. */
  function group(name: string, lines: readonly string[], expectedS = 0): TestGroup {
    const script = join(folder, `${name}.mjs`);
    const tools = [
      `import { writeFileSync, writeSync } from "node:fs";`,
      `import { spawn } from "node:child_process";`,
      `const report = (passed, failed) => writeFileSync(process.env.UPRAMP_TEST_COUNTS, JSON.stringify({ passed, failed, skipped: 0 }));`,
      `const out = (text) => writeSync(1, text);`,
      `const err = (text) => writeSync(2, text);`,
      // As the processes of the local target are: in a session of its own, outliving its parent.
      `const outlive = (file) => { const child = spawn(process.execPath, ["-e", "setInterval(() => {}, 1000)"], { detached: true, stdio: "ignore" }); child.unref(); writeFileSync(file, String(child.pid)); };`,
    ];
    writeFileSync(script, [...tools, ...lines].join("\n"));
    return { name, args: [script], expectedS };
  }

  /** Runs groups to their end; also gives all that was printed. */
  async function run(groups: readonly TestGroup[], jobs = 2): Promise<[string, GroupResult[]]> {
    const out = new PassThrough();
    const printed = text(out);
    const { signal } = new AbortController();
    const results = await runGroups(groups, { jobs, signal, streams: { out, live: out } });
    out.end();
    return [await printed, [...results]];
  }

  function alone(one: TestGroup, boundMs?: number): Promise<GroupResult> {
    return runGroup(one, {
      folder: join(folder, "own"),
      isLive: false,
      signal: new AbortController().signal,
      ...(boundMs === undefined ? {} : { boundMs }),
    });
  }

  /** A dead process that nobody has waited for does not count. */
  const isRunning = (pid: number): boolean => liveStartTime(pid) !== null;
  const pidIn = (file: string): number => Number(readFileSync(file, "utf8"));

  it("tells once more at the end what failed, and only that", async () => {
    const bad = group("bad", [
      `out("  ✔ works\\n\\n  1 passing (1s)\\n  1 failing\\n\\n  1) breaks:\\n     Error: why\\n");`,
      "report(1, 1);",
      "process.exitCode = 1;",
    ]);
    const broken = group("broken", [`err("lost its way\\n");`, "process.exitCode = 3;"]);
    const good = group("good", [`out("all is well\\n");`, "report(1, 0);"]);
    const [printed] = await run([bad, broken, good]);
    const end = printed.slice(printed.indexOf("== failed in"), printed.indexOf("== groups"));
    assert.equal(
      end,
      "== failed in bad\n  1 failing\n\n  1) breaks:\n     Error: why\n\n== failed in broken\nlost its way\n\n",
    );
  });

  it("keeps each one's output together, in order, whichever stream it went to", async () => {
    const lines = ["one", "two", "three"];
    const talk = (name: string): TestGroup =>
      group(name, [
        ...lines.map((line, index) => {
          const write = index % 2 === 0 ? "out" : "err";
          return `${write}("${name} ${line}\\n"); await new Promise((r) => setTimeout(r, 30));`;
        }),
        "report(3, 0);",
      ]);
    const [printed, results] = await run([talk("left"), talk("right")]);
    for (const name of ["left", "right"]) {
      const said = lines.map((line) => `${name} ${line}\n`).join("");
      assert.match(printed, new RegExp(`== ${name}: 3 passed, 0 failed \\(\\d+ s\\)\\n${said}`));
    }
    assert.deepEqual(
      results.map(({ counts }) => closingLine(counts)),
      ["3 passed, 0 failed", "3 passed, 0 failed"],
    );
  });

  it("starts the longest first and lists all at the end", async () => {
    const short = group("short", ["report(1, 0);"], 1);
    const long = group("long", ["report(1, 1);", "process.exitCode = 1;"], 9);
    const [printed] = await run([short, long], 1);
    assert.ok(printed.indexOf("-- long: started") < printed.indexOf("-- short: started"), printed);
    const list = printed.slice(printed.indexOf("== groups"));
    assert.match(list, /^long +\d+ s +1 passed, 1 failed\nshort +\d+ s +1 passed, 0 failed\n/m);
  });

  it("prints all that a killed group has said, and keeps its temporary files", async () => {
    const broken = group("broken", [
      `writeFileSync(process.env.TMPDIR + "/trace", "");`,
      `for (let n = 0; n < 20_000; n += 1) out("line " + n + " of what it says before it ends\\n");`,
      `err("last words\\n");`,
      `process.kill(process.pid, "SIGKILL");`,
    ]);
    const [printed, [, second]] = await run([group("fine", ["report(1, 0);"]), broken]);
    assert.match(printed, /line 0 of [^]*line 19999 of .*\nlast words\n/);
    assert.match(printed, /broken was ended by SIGKILL before it could count\./);
    assert.equal(
      closingLine(second?.counts ?? { passed: 9, failed: 9, skipped: 9 }),
      "0 passed, 1 failed",
    );
    const kept = /Its temporary files are in (.*)\n/.exec(printed)?.[1] ?? "";
    assert.ok(existsSync(join(kept, "trace")), kept);
    // The other one's are gone.
    assert.deepEqual(readdirSync(join(kept, "..", "..")).length, 1);
    rmSync(join(kept, "..", ".."), { recursive: true });
  });

  it("ends what has outlived a group, and names it", async () => {
    const pidFile = join(folder, "pid");
    const result = await alone(group("leaving", [`outlive("${pidFile}");`, "report(1, 0);"]));
    assert.equal(closingLine(result.counts), "1 passed, 0 failed");
    assert.match(result.leftovers.join(), /setInterval/);
    assert.equal(isRunning(pidIn(pidFile)), false);
  });

  it("ends a group that hangs, with all that it started, and prints what it said", async () => {
    const pidFile = join(folder, "pid");
    const hanging = group("hanging", [
      `outlive("${pidFile}");`,
      `out("still here\\n");`,
      "setInterval(() => undefined, 1000);",
    ]);
    const result = await alone(hanging, 1_500);
    assert.equal(closingLine(result.counts), "0 passed, 1 failed");
    assert.match(result.problem ?? "", /was stopped after/);
    assert.equal(readFileSync(result.logPath ?? "", "utf8"), "still here\n");
    assert.equal(isRunning(pidIn(pidFile)), false);
  });

  it("does not start another group, nor leave anything behind, after Ctrl-C", async () => {
    const files = ["first", "second"].map((name) => join(folder, `${name}.pid`));
    const waiting = files.map((file, index) =>
      group(`waiting-${index}`, [
        `outlive("${file}");`,
        `writeFileSync("${file}.self", String(process.pid));`,
        "setInterval(() => undefined, 1000);",
      ]),
    );
    const late = group("late", [`writeFileSync("${join(folder, "late")}", "");`, "report(1, 0);"]);
    const script = join(folder, "runner.ts");
    const tools = join(import.meta.dirname, "..", "..", "tools");
    writeFileSync(
      script,
      [
        `import { exitCodeOf, interruptionSignal } from "${tools}/interruption.ts";`,
        `import { runGroups } from "${tools}/test-run.ts";`,
        `const signal = interruptionSignal();`,
        `const groups = ${JSON.stringify([...waiting, late])};`,
        `const streams = { out: process.stdout, live: process.stderr };`,
        `try { await runGroups(groups, { jobs: 2, signal, streams }); }`,
        `catch (error) { process.exitCode = exitCodeOf(error, signal); }`,
      ].join("\n"),
    );
    const temporary = mkdtempSync(join(folder, "tmp-"));
    runner = spawn(process.execPath, [script], {
      stdio: "ignore",
      env: { ...process.env, TMPDIR: temporary },
    });
    const exit = once(runner, "exit");
    await waitUntil("both groups run", endBoundMs, () =>
      files.every((file) => existsSync(`${file}.self`)),
    );
    const pids = files.flatMap((file) => [pidIn(file), pidIn(`${file}.self`)]);
    assert.ok(pids.every(isRunning));
    runner.kill("SIGINT");
    assert.deepEqual(await exit, [130, null]);
    assert.deepEqual(pids.filter(isRunning), []);
    assert.ok(!existsSync(join(folder, "late")));
    assert.deepEqual(readdirSync(temporary), []);
  });
});
