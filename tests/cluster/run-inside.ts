import { parseArgs } from "node:util";
import Mocha from "mocha";
import { countsReport } from "../../tools/test-counts.ts";
import { stopSharedCluster } from "./test-cluster.ts";

/** A test waits for rollouts of real processes; none here takes a minute. */
const testTimeoutMs = 60_000;

/** Runs the suites on the cluster, stops it, and says how many tests passed and failed. */
async function run(args: readonly string[]): Promise<number> {
  const { values, positionals: files } = parseArgs({
    args: [...args],
    options: { grep: { type: "string" } },
    allowPositionals: true,
  });
  const report = countsReport();
  const mocha = new Mocha({
    timeout: testTimeoutMs,
    slow: 10_000,
    forbidOnly: true,
    rootHooks: {
      afterAll: async function () {
        await stopSharedCluster();
      },
    },
    ...(values.grep === undefined ? {} : { grep: values.grep }),
  });
  for (const file of files.toSorted()) mocha.addFile(file);
  await mocha.loadFilesAsync();
  const stats = await new Promise<Mocha.Stats | undefined>((resolve) => {
    const runner = mocha.run(() => resolve(runner.stats));
  });
  const { passes = 0, failures = 0, pending = 0 } = stats ?? {};
  report({ passed: passes, failed: failures, skipped: pending });
  return failures > 0 || passes + pending === 0 ? 1 : 0;
}

let code = 1;
process.once("SIGTERM", interrupt);
process.once("SIGINT", interrupt);
try {
  code = await run(process.argv.slice(2));
} finally {
  await stopSharedCluster();
}
process.exit(code);

function interrupt(): void {
  void stopSharedCluster().finally(() => process.exit(130));
}
