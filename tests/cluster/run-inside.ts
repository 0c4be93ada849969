import { globSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import Mocha from "mocha";
import { stopSharedCluster } from "./test-cluster.ts";

/** A test waits for rollouts of real processes; none here takes a minute. */
const testTimeoutMs = 60_000;

/** Runs the suites on the cluster, stops it, and ends with the plain line `N passed, N failed`. */
async function run(args: readonly string[]): Promise<number> {
  const { values, positionals } = parseArgs({
    args: [...args],
    options: { grep: { type: "string" } },
    allowPositionals: true,
  });
  const folder = fileURLToPath(new URL(".", import.meta.url));
  const files =
    positionals.length > 0
      ? positionals
      : globSync("**/*.test.ts", { cwd: folder }).map((path) => `${folder}${path}`);
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
  const skipped = pending === 0 ? "" : `, ${pending} skipped`;
  console.log(`${passes} passed, ${failures} failed${skipped}`);
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
