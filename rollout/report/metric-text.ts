import type { MetricResult } from "../core/analysis.ts";

/** The measured value against its range: "request-duration 612 > 500", "request-success-rate: no data (≥ 99)". */
export function metricText(result: MetricResult): string {
  const { metric, value, detail } = result;
  if (value === undefined) return `${metric}: ${detail ?? "no number"} (${rangeText(result)})`;
  return `${metric} ${valueText(result)} ${againstRange(result, value)}`;
}

/** The range alone: "≥ 99", "≤ 500", "1 to 10". */
export function rangeText({ min, max }: Pick<MetricResult, "min" | "max">): string {
  if (min !== undefined && max !== undefined) return `${min} to ${max}`;
  if (min !== undefined) return `≥ ${min}`;
  return max === undefined ? "no range" : `≤ ${max}`;
}

/** The measured number, rounded for people; "–" when there is none. */
export function valueText({ value, min, max }: MetricResult): string {
  if (value === undefined) return "–";
  const bounds = [min, max].filter((bound) => bound !== undefined);
  // 98.996 against 99 must not read "99": as many digits as it takes to stay on its side of each bound
  for (let digits = 4; digits < 17; digits += 1) {
    const rounded = Number(value.toPrecision(digits));
    if (bounds.every((bound) => Math.sign(rounded - bound) === Math.sign(value - bound))) {
      return String(rounded);
    }
  }
  return String(value);
}

function againstRange({ min, max }: MetricResult, value: number): string {
  if (min !== undefined && max !== undefined) {
    return value >= min && value <= max ? `in ${min} to ${max}` : `not in ${min} to ${max}`;
  }
  if (min !== undefined) return value >= min ? `≥ ${min}` : `< ${min}`;
  if (max !== undefined) return value <= max ? `≤ ${max}` : `> ${max}`;
  return "";
}
