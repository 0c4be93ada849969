import { readFileSync, writeFileSync } from "node:fs";
import { z } from "zod";
import { errorCode } from "./error-code.ts";

const countsSchema = z.object({ passed: z.number(), failed: z.number(), skipped: z.number() });

/** How the tests of one suite came out. */
export type TestCounts = Readonly<z.output<typeof countsSchema>>;

/** Nothing has run. */
export const noCounts: TestCounts = { passed: 0, failed: 0, skipped: 0 };

const fileVariable = "UPRAMP_TEST_COUNTS";

/** The environment that has a suite write its counts to a file instead of printing them. */
export function countsEnvironment(file: string): Record<string, string> {
  return { [fileVariable]: file };
}

/**
 * Where this suite's counts are to go: to the file that the environment names, else to standard
 * output as the closing line. Takes the name out of the environment, so that a suite that a test
 * starts does not write there.
 */
export function countsReport(): (counts: TestCounts) => void {
  const file = process.env[fileVariable];
  delete process.env[fileVariable];
  return (counts) => {
    if (file === undefined) console.log(closingLine(counts));
    else writeFileSync(file, JSON.stringify(counts));
  };
}

/** What a suite has written; undefined when it wrote nothing, or not all. */
export function readCounts(file: string): TestCounts | undefined {
  try {
    return countsSchema.safeParse(JSON.parse(readFileSync(file, "utf8"))).data;
  } catch (error) {
    if (error instanceof SyntaxError || errorCode(error) === "ENOENT") return undefined;
    throw error;
  }
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
    noCounts,
  );
}
