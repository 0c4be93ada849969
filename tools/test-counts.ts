/** How the tests of one suite came out. */
export interface TestCounts {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
}

const closingPattern = /^(\d+) passed, (\d+) failed(?:, (\d+) skipped)?$/;

/** The counts of a closing line, or undefined where the line is none. */
export function parseClosingLine(line: string): TestCounts | undefined {
  const match = closingPattern.exec(line.trim());
  if (match === null) return undefined;
  return {
    passed: Number(match[1]),
    failed: Number(match[2]),
    skipped: Number(match[3] ?? "0"),
  };
}

/** The line that ends a test run: `N passed, N failed`, and `, N skipped` where some were. */
export function closingLine(counts: TestCounts): string {
  const skipped = counts.skipped === 0 ? "" : `, ${counts.skipped} skipped`;
  return `${counts.passed} passed, ${counts.failed} failed${skipped}`;
}

/** The sum of several suites. */
export function addCounts(all: readonly TestCounts[]): TestCounts {
  return all.reduce(
    (sum, counts) => ({
      passed: sum.passed + counts.passed,
      failed: sum.failed + counts.failed,
      skipped: sum.skipped + counts.skipped,
    }),
    { passed: 0, failed: 0, skipped: 0 },
  );
}
