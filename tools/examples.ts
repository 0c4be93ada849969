// `npm run examples`: gets the tools, previews every example by the real engine, and ends with one line
// `N passed, N failed`. Examples of clusters of AWS run on stand-ins for the providers; those that look at a cluster
// first run on the test cluster, and are skipped where this machine cannot hold one.
import { globSync } from "node:fs";
import { availableParallelism } from "node:os";
import { UserError } from "../rollout/errors.ts";
import { canRun } from "../tests/cluster/namespace.ts";
import { getGroups } from "./group.ts";
import { exitCodeOf, interruptionSignal } from "./interruption.ts";
import { packageFolder } from "./launch.mjs";
import { progressTo } from "./progress.ts";
import { addCounts, closingLine } from "./test-counts.ts";
import { clusterGroups, mochaGroup } from "./test-groups.ts";
import { runGroups } from "./test-run.ts";

const interruption = interruptionSignal();

async function examples(args: readonly string[]): Promise<void> {
  if (args.length > 0) {
    throw new UserError(
      `npm run examples takes no arguments, and got ${args.join(" ")}. One alone: ` +
        "npm test -- tests/examples/FILE.test.ts, npm run test:cluster -- tests/cluster/end-to-end/examples.test.ts",
    );
  }
  const tools = canRun().able
    ? (["demo", "test", "cluster"] as const)
    : (["demo", "test"] as const);
  await getGroups(tools, progressTo(process.stderr), { signal: interruption });
  const files = globSync("tests/examples/*.test.ts", { cwd: packageFolder }).toSorted();
  const groups = [
    mochaGroup("examples", files),
    ...clusterGroups(["tests/cluster/end-to-end/examples.test.ts"]),
  ];
  const results = await runGroups(groups, {
    jobs: availableParallelism(),
    signal: interruption,
    streams: { out: process.stdout, live: process.stderr },
  });
  const all = addCounts(results.map(({ counts }) => counts));
  console.log(closingLine(all));
  if (all.failed > 0 || all.passed === 0) process.exitCode = 1;
}

try {
  await examples(process.argv.slice(2));
} catch (error) {
  process.exitCode = exitCodeOf(error, interruption);
}
