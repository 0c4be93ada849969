import type { CheckResult, Verdict } from "../core/analysis.ts";
import { metricText } from "./metric-text.ts";
import { plainText } from "./plain-text.ts";

const meanings: Readonly<Record<Verdict, string>> = {
  pass: "pass: every metric is in its range",
  fail: "fail: a metric is out of its range",
  inconclusive: "inconclusive: a metric has no number, so nothing is judged",
  error: "error: a metric could not be asked for, or its answer is ambiguous",
};

/** One check for people: its verdict and what it means, then a line for each metric. */
export function checkText(check: CheckResult): string {
  const width = Math.max(0, ...check.results.map(({ verdict }) => verdict.length));
  const lines = check.results.map(
    (result) => `  ${result.verdict.padEnd(width)}  ${plainText(metricText(result))}`,
  );
  return [meanings[check.verdict], ...lines].join("\n");
}
