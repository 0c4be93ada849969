import type { RolloutRecord } from "../core/state.ts";
import { durationText } from "./duration-text.ts";
import { lastRollout, weightSpans, type WeightSpan } from "./rollout-history.ts";

/** Characters for the plot itself; with the axis it fits a terminal of 80 columns. */
const columns = 60;
const rows = 4;
const blocks = " ▁▂▃▄▅▆▇█";
const eighths = blocks.length - 1;

/** Weight of the new revision over the time of the last rollout, for a terminal; "" before the first. */
export function weightChart(record: RolloutRecord): string {
  const spans = weightSpans(lastRollout(record));
  const from = spans[0]?.from;
  const to = spans.at(-1)?.to;
  if (from === undefined || to === undefined) return "";
  const heights = Array.from({ length: columns }, (_, column) => {
    // the last column is the end itself, so that it shows where the rollout came to
    const at = from + ((to - from) * column) / (columns - 1);
    return Math.round((weightAt(spans, at) / 100) * rows * eighths);
  });
  const lines = Array.from({ length: rows }, (_, index) => {
    const below = (rows - 1 - index) * eighths;
    const cells = heights.map((height) => blocks[Math.min(eighths, Math.max(0, height - below))]);
    return `${label(index)} ${cells.join("")}`.trimEnd();
  });
  const end = durationText(to - from);
  return [
    ...lines,
    `  0 % └${"─".repeat(columns)}`,
    `       0 s${end.padStart(columns - "0 s".length)}`,
  ].join("\n");
}

function label(row: number): string {
  if (row === 0) return "100 % ┤";
  return row === rows / 2 ? " 50 % ┤" : "      │";
}

function weightAt(spans: readonly WeightSpan[], at: number): number {
  return spans.findLast(({ from }) => from <= at)?.weight ?? 0;
}
