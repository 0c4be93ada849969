// `npm test`: gets the tools, runs every suite that this machine can run, and ends with one line
// `N passed, N failed`. Test files given as arguments run alone. `--only cluster` runs the test
// cluster's suite alone (`npm run test:cluster`); arguments after it are that suite's.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { z } from "zod";
import { getGroups } from "./group.ts";
import { exitCodeOf, interruptionSignal } from "./interruption.ts";
import { packageFolder } from "./launch.mjs";
import { progressTo } from "./progress.ts";
import { addCounts, closingLine, parseClosingLine, type TestCounts } from "./test-counts.ts";

/** A suite that hangs must not use up the time of a whole CI run. */
const suiteTimeoutMs = 30 * 60_000;
/** The cluster's suite is a program of its own, since it runs inside a network namespace. */
const clusterSuite = join("tests", "cluster", "run.ts");

const interruption = interruptionSignal();
const oneFailure: TestCounts = { passed: 0, failed: 1, skipped: 0 };
const countsSchema = z.object({ passed: z.number(), failed: z.number(), skipped: z.number() });

/** Mocha over tests/**, without the cluster's. Its counts come through a file, its text as it is. */
async function runMocha(files: readonly string[]): Promise<TestCounts> {
  const folder = await mkdtemp(join(tmpdir(), "upramp-test-"));
  try {
    const countsFile = join(folder, "counts.json");
    const args = [
      join("node_modules", "mocha", "bin", "mocha.js"),
      "--reporter=tools/mocha-reporter.ts",
      ...(files.length === 0 ? ["--ignore=tests/cluster/**", "tests/**/*.test.ts"] : files),
    ];
    const code = await runNode(args, { UPRAMP_TEST_COUNTS: countsFile });
    const counts = await readCounts(countsFile);
    if (counts === undefined) {
      console.error(`The test run broke off with code ${code} before it could count.`);
      return oneFailure;
    }
    // A run that fails without a failed test (an error after the last one) has still failed.
    return code !== 0 && counts.failed === 0 ? addCounts([counts, oneFailure]) : counts;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function readCounts(file: string): Promise<TestCounts | undefined> {
  if (!existsSync(file)) return undefined;
  return countsSchema.parse(JSON.parse(await readFile(file, "utf8")));
}

/** The cluster's suite, whose own closing line is taken out of what it prints. */
async function runCluster(args: readonly string[]): Promise<TestCounts> {
  let counts: TestCounts | undefined;
  const code = await runNode([clusterSuite, ...args], {}, (line) => {
    const closing = parseClosingLine(line);
    if (closing === undefined) console.log(line);
    else counts = closing;
  });
  if (counts === undefined) {
    console.error(`The cluster's suite broke off with code ${code} before it could count.`);
    return oneFailure;
  }
  return code !== 0 && counts.failed === 0 ? addCounts([counts, oneFailure]) : counts;
}

/** Runs a script with this Node and returns its exit code; with `onLine`, its output comes there. */
async function runNode(
  args: readonly string[],
  variables: Record<string, string>,
  onLine?: (line: string) => void,
): Promise<number> {
  const timeout = AbortSignal.timeout(suiteTimeoutMs);
  const child = spawn(process.execPath, args, {
    cwd: packageFolder,
    env: { ...process.env, ...variables },
    stdio: ["ignore", onLine === undefined ? "inherit" : "pipe", "inherit"],
  });
  const stop = (): void => void child.kill(timeout.aborted ? "SIGKILL" : "SIGTERM");
  const signals = AbortSignal.any([timeout, interruption]);
  signals.addEventListener("abort", stop, { once: true });
  if (onLine !== undefined && child.stdout !== null) {
    createInterface({ input: child.stdout }).on("line", onLine);
  }
  const closing: readonly unknown[] = await once(child, "close");
  if (timeout.aborted)
    console.error(`${args[0]} was stopped after ${suiteTimeoutMs / 60_000} min.`);
  interruption.throwIfAborted();
  const [code] = closing;
  return typeof code === "number" ? code : 1;
}

async function test(args: readonly string[]): Promise<void> {
  const isOnlyCluster = args[0] === "--only" && args[1] === "cluster";
  const hasCluster = existsSync(join(packageFolder, clusterSuite));
  const withCluster = isOnlyCluster || (args.length === 0 && hasCluster);
  const withMocha = !isOnlyCluster;
  // The cluster's suite gets its own tools, or says why this machine cannot hold it.
  if (withMocha) {
    await getGroups(["demo", "test"], progressTo(process.stderr), { signal: interruption });
  }
  const counts: TestCounts[] = [];
  if (withMocha) counts.push(await runMocha(args));
  if (withCluster) counts.push(await runCluster(args.slice(2)));
  const all = addCounts(counts);
  console.log(closingLine(all));
  if (all.failed > 0 || all.passed === 0) process.exitCode = 1;
}

try {
  await test(process.argv.slice(2));
} catch (error) {
  process.exitCode = exitCodeOf(error, interruption);
}
