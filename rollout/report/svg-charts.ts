import type { MetricResult, Verdict } from "../core/analysis.ts";
import { markup, type Markup } from "./markup.ts";
import { metricText, valueText } from "./metric-text.ts";
import type { WeightSpan } from "./rollout-history.ts";
import { offsetText, timeTicks } from "./time-axis.ts";

/** A check on the time axis. */
export interface CheckMark {
  readonly at: number;
  readonly verdict: Verdict;
  /** Weight at which it was taken, in percent. */
  readonly weight: number;
  readonly results: readonly MetricResult[];
}

/** A moment worth a vertical line. */
export interface Moment {
  readonly at: number;
  readonly label: string;
  readonly tone: "pass" | "fail";
}

/** Room around a plot, in the units of the drawing. */
const margin = { left: 52, right: 16, top: 22, bottom: 26 } as const;

interface Frame {
  readonly width: number;
  readonly height: number;
  readonly from: number;
  readonly to: number;
  readonly low: number;
  readonly high: number;
}

/** Weight of the new revision over time, with a mark for each check and a line for each moment. */
export function weightSvg(
  spans: readonly WeightSpan[],
  checks: readonly CheckMark[],
  moments: readonly Moment[],
): Markup {
  const frame: Frame = { width: 1_000, height: 270, ...extent(spans), low: 0, high: 100 };
  const ticks = [0, 25, 50, 75, 100];
  return drawing(frame, "Weight of the new revision over time", [
    ...ticks.map((value) => horizontal(frame, value, `${value} %`)),
    timeAxis(frame),
    markup`<path class="area" d="${areaPath(frame, spans)}"/>`,
    markup`<path class="line" d="${stepPath(frame, spans)}"/>`,
    ...moments.map((moment) => momentLine(frame, moment)),
    ...checks.map((check) => checkShape(frame, check)),
  ]);
}

/** One metric's measured values over time against its range. */
export function metricSvg(
  metric: MetricResult,
  spans: readonly WeightSpan[],
  checks: readonly CheckMark[],
): Markup {
  const marks = checks.flatMap(({ at, results }) =>
    results.filter((result) => result.metric === metric.metric).map((result) => ({ at, result })),
  );
  const values = marks.flatMap(({ result }) => result.value ?? []);
  const bounds = [metric.min, metric.max].filter((bound) => bound !== undefined);
  const frame: Frame = {
    width: 560,
    height: 190,
    ...extent(spans),
    ...domain([...values, ...bounds]),
  };
  const points = marks.flatMap(({ at, result }) =>
    result.value === undefined ? [] : [`${x(frame, at)},${y(frame, result.value)}`],
  );
  return drawing(frame, `${metric.metric} over time`, [
    rangeBand(frame, metric),
    ...edgeLabels(frame, bounds),
    timeAxis(frame),
    ...bounds.map(
      (bound) =>
        markup`<line class="bound" x1="${margin.left}" x2="${frame.width - margin.right}" y1="${y(frame, bound)}" y2="${y(frame, bound)}"/>`,
    ),
    markup`<polyline class="values" points="${points.join(" ")}"/>`,
    ...marks.map(({ at, result }) => metricShape(frame, at, result)),
    lastValue(frame, marks),
  ]);
}

function drawing(frame: Frame, title: string, parts: readonly (Markup | null)[]): Markup {
  const { width, height } = frame;
  return markup`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" role="img" aria-label="${title}">${parts}</svg>`;
}

function extent(spans: readonly WeightSpan[]): { from: number; to: number } {
  const from = spans[0]?.from ?? 0;
  // a rollout of one moment still has a width
  return { from, to: Math.max(spans.at(-1)?.to ?? 0, from + 1_000) };
}

/** From the lowest to the highest value with some room; a single value is put in the middle. */
function domain(values: readonly number[]): { low: number; high: number } {
  if (values.length === 0) return { low: 0, high: 1 };
  const [low, high] = [Math.min(...values), Math.max(...values)];
  const room = low === high ? Math.max(Math.abs(low) * 0.1, 1) : (high - low) * 0.15;
  return { low: low >= 0 ? Math.max(0, low - room) : low - room, high: high + room };
}

function x(frame: Frame, at: number): number {
  const inner = frame.width - margin.left - margin.right;
  return rounded(margin.left + ((at - frame.from) / (frame.to - frame.from)) * inner);
}

function y(frame: Frame, value: number): number {
  const inner = frame.height - margin.top - margin.bottom;
  return rounded(margin.top + (1 - (value - frame.low) / (frame.high - frame.low)) * inner);
}

function rounded(value: number): number {
  return Math.round(value * 10) / 10;
}

function horizontal(frame: Frame, value: number, label: string): Markup {
  const at = y(frame, value);
  return markup`<line class="grid" x1="${margin.left}" x2="${frame.width - margin.right}" y1="${at}" y2="${at}"/><text class="axis" x="${margin.left - 8}" y="${at + 4}" text-anchor="end">${label}</text>`;
}

/** The bounds as labels at the left; nothing else is needed to read on which side a value is. */
function edgeLabels(frame: Frame, bounds: readonly number[]): Markup[] {
  return bounds.map(
    (bound) =>
      markup`<text class="axis" x="${margin.left - 8}" y="${y(frame, bound) + 4}" text-anchor="end">${bound}</text>`,
  );
}

function timeAxis(frame: Frame): Markup {
  const base = frame.height - margin.bottom;
  const ticks = timeTicks(frame.to - frame.from).map(({ offsetMs, label }) => {
    const at = x(frame, frame.from + offsetMs);
    return markup`<line class="tick" x1="${at}" x2="${at}" y1="${base}" y2="${base + 4}"/><text class="axis" x="${at}" y="${base + 18}" text-anchor="middle">${label}</text>`;
  });
  return markup`<line class="base" x1="${margin.left}" x2="${frame.width - margin.right}" y1="${base}" y2="${base}"/>${ticks}`;
}

function stepPath(frame: Frame, spans: readonly WeightSpan[]): string {
  const points = spans.map(
    ({ from, to, weight }) => `${x(frame, from)} ${y(frame, weight)} H ${x(frame, to)}`,
  );
  return points.length === 0 ? "" : `M ${points.join(" L ")}`;
}

function areaPath(frame: Frame, spans: readonly WeightSpan[]): string {
  const line = stepPath(frame, spans);
  const [first, last] = [spans[0], spans.at(-1)];
  if (first === undefined || last === undefined) return "";
  return `${line} V ${y(frame, 0)} H ${x(frame, first.from)} Z`;
}

function momentLine(frame: Frame, { at, label, tone }: Moment): Markup {
  const position = x(frame, at);
  const late = position > frame.width * 0.8;
  return markup`<line class="moment ${tone}" x1="${position}" x2="${position}" y1="${margin.top - 8}" y2="${frame.height - margin.bottom}"/><text class="moment-label ${tone}" x="${position + (late ? -6 : 6)}" y="${margin.top - 10}" text-anchor="${late ? "end" : "start"}">${label}</text>`;
}

function checkShape(frame: Frame, check: CheckMark): Markup {
  const words = check.results.map(metricText).join(", ");
  const title = `${offsetText(check.at - frame.from)} at ${check.weight} %: ${check.verdict}; ${words}`;
  return shape(x(frame, check.at), y(frame, check.weight), check.verdict, title);
}

/** A blind check has no value: its mark stands on the axis. */
function metricShape(frame: Frame, at: number, result: MetricResult): Markup {
  const title = `${offsetText(at - frame.from)} ${metricText(result)}`;
  const height = result.value === undefined ? frame.height - margin.bottom : y(frame, result.value);
  return shape(x(frame, at), height, result.verdict, title);
}

/** The last measured number, beside its mark: the one that people look for. */
function lastValue(
  frame: Frame,
  marks: readonly { readonly at: number; readonly result: MetricResult }[],
): Markup | null {
  const last = marks.findLast(({ result }) => result.value !== undefined);
  if (last?.result.value === undefined) return null;
  const height = y(frame, last.result.value);
  const below = height < margin.top + 24;
  return markup`<text class="value-label" x="${x(frame, last.at)}" y="${height + (below ? 20 : -11)}" text-anchor="middle">${valueText(last.result)}</text>`;
}

/** Verdicts differ in shape as well as in color. */
function shape(cx: number, cy: number, verdict: Verdict, title: string): Markup {
  switch (verdict) {
    case "pass":
      return markup`<circle class="mark pass" cx="${cx}" cy="${cy}" r="5"><title>${title}</title></circle>`;
    case "fail":
      return markup`<path class="mark fail" d="M ${cx - 6} ${cy - 6} L ${cx + 6} ${cy + 6} M ${cx + 6} ${cy - 6} L ${cx - 6} ${cy + 6}"><title>${title}</title></path>`;
    case "inconclusive":
    case "error":
      return markup`<path class="mark blind" d="M ${cx} ${cy - 7} L ${cx + 7} ${cy + 5} H ${cx - 7} Z"><title>${title}</title></path>`;
  }
}

function rangeBand(frame: Frame, { min, max }: MetricResult): Markup {
  const top = y(frame, Math.min(max ?? frame.high, frame.high));
  const bottom = y(frame, Math.max(min ?? frame.low, frame.low));
  return markup`<rect class="range" x="${margin.left}" y="${top}" width="${frame.width - margin.left - margin.right}" height="${rounded(Math.max(0, bottom - top))}"/>`;
}
