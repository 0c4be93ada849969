import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type GroupResult, runGroup } from "./test-group-run.ts";
import type { TestGroup } from "./test-groups.ts";
import { TestOutput, type TestOutputStreams } from "./test-output.ts";
import { longestFirst, runBounded } from "./test-schedule.ts";

/** How groups are run. */
export interface TestRunOptions {
  /** How many at a time, 1 or more. */
  readonly jobs: number;
  /** Ends all that run, with all that they started; the run then rejects with the reason. */
  readonly signal: AbortSignal;
  readonly streams: TestOutputStreams;
}

/**
 * Runs groups side by side and prints each one's output in one piece when it has ended; a group that
 * is alone prints as it runs. The temporary files of groups without a failure are removed.
 */
export async function runGroups(
  groups: readonly TestGroup[],
  options: TestRunOptions,
): Promise<readonly GroupResult[]> {
  const { jobs, signal, streams } = options;
  const isLive = groups.length === 1;
  const output = new TestOutput(groups.length, streams);
  const folder = await mkdtemp(join(tmpdir(), "upramp-test-"));
  let keeps = false;
  try {
    const results = await runBounded(
      longestFirst(groups).map((group, index) => ({ group, folder: join(folder, String(index)) })),
      jobs,
      async ({ group, folder: own }) => {
        if (!isLive) output.started(group);
        const result = await runGroup(group, { folder: own, isLive, signal });
        await output.ended(result);
        if (result.counts.failed > 0) keeps = true;
        else await rm(own, { recursive: true, force: true });
        return result;
      },
    );
    if (!isLive) output.summary(results);
    return results;
  } finally {
    output.close();
    if (!keeps || signal.aborted) await rm(folder, { recursive: true, force: true });
  }
}
