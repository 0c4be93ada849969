import type { MetricSpec } from "./spec.ts";

/** What asking for one metric gave. `many` and `unavailable` are errors, never a pick or a guess. */
export type Sample =
  | { readonly kind: "value"; readonly value: number }
  | { readonly kind: "none" }
  | { readonly kind: "many"; readonly series: number }
  | { readonly kind: "unavailable"; readonly message: string };

/** `inconclusive`: asked and no number. `error`: could not ask, or the answer is ambiguous. Both are blind. */
export type Verdict = "pass" | "fail" | "inconclusive" | "error";

/** True for a check that says nothing about the canary. */
export function isBlind(check: CheckResult): boolean {
  return check.verdict === "inconclusive" || check.verdict === "error";
}

export interface MetricResult {
  readonly metric: string;
  readonly verdict: Verdict;
  /** The measured number; absent when there is none. */
  readonly value?: number | undefined;
  readonly min?: number | undefined;
  readonly max?: number | undefined;
  /** Why there is no number. */
  readonly detail?: string | undefined;
}

/** One evaluation of all metrics at one time. */
export interface CheckResult {
  readonly at: number;
  readonly verdict: Verdict;
  readonly results: readonly MetricResult[];
}

/** Judges one sample: NaN and infinities are no number, so inconclusive; a bound itself is inside. */
export function judgeSample(metric: MetricSpec, sample: Sample): MetricResult {
  const base = { metric: metric.name, min: metric.min, max: metric.max };
  switch (sample.kind) {
    case "none":
      return { ...base, verdict: "inconclusive", detail: "no data" };
    case "many":
      return { ...base, verdict: "error", detail: `${sample.series} series instead of one` };
    case "unavailable":
      return { ...base, verdict: "error", detail: sample.message };
    case "value": {
      const { value } = sample;
      if (!Number.isFinite(value)) {
        return { ...base, verdict: "inconclusive", detail: `no number (${value})` };
      }
      const inside =
        (metric.min === undefined || value >= metric.min) &&
        (metric.max === undefined || value <= metric.max);
      return { ...base, verdict: inside ? "pass" : "fail", value };
    }
  }
}

/** Worst first: a measured failure outweighs a metric that could not be read. */
const severity = ["fail", "error", "inconclusive", "pass"] as const satisfies readonly Verdict[];

/** Judges all metrics at one time. No metrics at all is inconclusive: nothing passes on missing data. */
export function judgeCheck(
  at: number,
  metrics: readonly MetricSpec[],
  samples: readonly Sample[],
): CheckResult {
  const results = metrics.map((metric, index) =>
    judgeSample(metric, samples[index] ?? { kind: "none" }),
  );
  const verdict =
    severity.find((candidate) => results.some((result) => result.verdict === candidate)) ??
    "inconclusive";
  return { at, verdict, results };
}
