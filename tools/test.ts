// `npm test`: gets the tools, runs every test that this machine can run, in groups side by side, and
// ends with one line `N passed, N failed`. Test files given as arguments run alone. `--only cluster`
// runs the test cluster's tests alone (`npm run test:cluster`); arguments after it are theirs.
// `--jobs N` sets how many groups run at a time.
import { globSync } from "node:fs";
import { relative, resolve } from "node:path";
import { UserError } from "../rollout/errors.ts";
import { canRun } from "../tests/cluster/namespace.ts";
import { readClusterArgs } from "../tests/cluster/run-args.ts";
import { getGroups } from "./group.ts";
import { exitCodeOf, interruptionSignal } from "./interruption.ts";
import { packageFolder } from "./launch.mjs";
import { progressTo } from "./progress.ts";
import { readTestArgs, type TestArgs } from "./test-args.ts";
import { addCounts, closingLine, noCounts, type TestCounts } from "./test-counts.ts";
import {
  clusterGroups,
  contextGroup,
  isOnCluster,
  mochaGroup,
  plainGroups,
  type TestGroup,
} from "./test-groups.ts";
import { runGroups } from "./test-run.ts";

const interruption = interruptionSignal();
const progress = progressTo(process.stderr);

async function test({ isClusterOnly, jobs, rest }: TestArgs): Promise<void> {
  const files = globSync("tests/**/*.test.ts", { cwd: packageFolder }).toSorted();
  const plain = isClusterOnly ? [] : plainTests(files, rest);
  const cluster = isClusterOnly || rest.length === 0 ? clusterTests(files, rest) : [];
  // All before any test: a build would make the tests slow that wait with a bound.
  await getGroups(["demo", "test"], progress, { signal: interruption });
  const isReady = !cluster.some(({ needsCluster }) => needsCluster) || (await getClusterTools());
  const groups = isReady ? [...plain, ...cluster] : plain;
  const streams = { out: process.stdout, live: process.stderr };
  const results = await runGroups(groups, { jobs, signal: interruption, streams });
  const lacking: TestCounts = { ...noCounts, failed: isReady ? 0 : 1 };
  const all = addCounts([...results.map(({ counts }) => counts), lacking]);
  console.log(closingLine(all));
  if (all.failed > 0 || all.passed === 0) process.exitCode = 1;
}

function plainTests(files: readonly string[], args: readonly string[]): TestGroup[] {
  if (args.length > 0) return [mochaGroup("given", args)];
  return plainGroups(files.filter((file) => !isOnCluster(file)));
}

function clusterTests(files: readonly string[], args: readonly string[]): TestGroup[] {
  const { context, grep, files: given } = readClusterArgs(args);
  const all = files.filter(isOnCluster);
  if (context !== undefined) return [contextGroup(given.length > 0 ? args : [...args, ...all])];
  const wanted = given.map((file) => relative(packageFolder, resolve(file)));
  return clusterGroups(wanted.length > 0 ? wanted : all, grep);
}

/** Whether what the test cluster is made of is there, or not needed as this machine cannot hold one. */
async function getClusterTools(): Promise<boolean> {
  if (!canRun().able) return true;
  try {
    await getGroups(["cluster"], progress, { signal: interruption });
    return true;
  } catch (error) {
    if (interruption.aborted || !(error instanceof UserError)) throw error;
    console.error(`upramp: the cluster's tests cannot run: ${error.message}`);
    return false;
  }
}

try {
  await test(readTestArgs(process.argv.slice(2)));
} catch (error) {
  process.exitCode = exitCodeOf(error, interruption);
}
