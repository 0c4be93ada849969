import { addCounts, noCounts, type TestCounts } from "./test-counts.ts";

/** How the process of a group of tests ended. */
export interface GroupEnding {
  /** Null when a signal ended it, or when it could not be started. */
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  /** Why it could not be started. */
  readonly error?: string;
  /** It was ended because it took longer than this, in ms. */
  readonly overranMs?: number;
}

/** What a group of tests adds to the whole. */
export interface GroupOutcome {
  readonly counts: TestCounts;
  /** What is wrong with the group as a whole; counted as one failure. */
  readonly problem?: string;
}

/**
 * A group is as good as its tests only if it ran to its end and says so itself: one that broke off,
 * was killed, ran no test or failed without a failed test has one failure more.
 *
 * @param counts what it has reported; undefined: nothing
 */
export function outcomeOf(
  ending: GroupEnding,
  counts: TestCounts | undefined,
  mayBeEmpty: boolean,
): GroupOutcome {
  const problem = problemOf(ending, counts, mayBeEmpty);
  if (problem === undefined) return { counts: counts ?? noCounts };
  return { counts: addCounts([counts ?? noCounts, { ...noCounts, failed: 1 }]), problem };
}

function problemOf(
  { code, signal, error, overranMs }: GroupEnding,
  counts: TestCounts | undefined,
  mayBeEmpty: boolean,
): string | undefined {
  if (error !== undefined) return `could not be started: ${error}`;
  if (overranMs !== undefined) return `was stopped after ${overranMs / 60_000} min`;
  const how = signal === null ? `ended with code ${code}` : `was ended by ${signal}`;
  if (counts === undefined) return `${how} before it could count`;
  if (signal !== null) return how;
  const isEmpty = counts.passed + counts.failed + counts.skipped === 0;
  if (isEmpty) return mayBeEmpty ? undefined : "ran no test";
  return code !== 0 && counts.failed === 0 ? `${how}, though no test failed` : undefined;
}
