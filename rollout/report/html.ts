import type { MetricResult, Verdict } from "../core/analysis.ts";
import { primaryRevision } from "../core/assignment.ts";
import type { Reason } from "../core/reason.ts";
import type { RolloutSpec } from "../core/spec.ts";
import { isResting, type HistoryEntry, type Rollout, type RolloutRecord } from "../core/state.ts";
import { durationText } from "./duration-text.ts";
import { htmlStyle } from "./html-style.ts";
import { Markup, markup } from "./markup.ts";
import { metricText, rangeText } from "./metric-text.ts";
import { entryPosition, positionOf } from "./position.ts";
import { checkLine, isJudgement, judgementText, reasonText } from "./reason-text.ts";
import { checkOf, lastRollout, weightSpans } from "./rollout-history.ts";
import { metricSvg, weightSvg, type CheckMark, type Moment } from "./svg-charts.ts";
import { offsetText } from "./time-axis.ts";

type Tone = "pass" | "fail" | "blind" | "running";

/**
 * One page, whole in itself, that explains the rollout that runs or ran last: how it ended and why, the
 * weight and every metric over time, and each decision. Well-formed as XML too.
 */
export function renderHtml(record: RolloutRecord, spec: RolloutSpec): string {
  const entries = lastRollout(record);
  const title = titleText(record);
  const page = markup`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8"/>
<meta name="viewport" content="width=device-width, initial-scale=1"/>
<title>${title}</title>
<style>${new Markup(htmlStyle)}</style>
</head>
<body>
<main>
${header(record)}
${why(record, entries)}
${facts(record, spec, entries)}
${charts(record, spec, entries)}
${decisions(spec, entries)}
${footer(record, spec)}
</main>
</body>
</html>
`;
  return page.text;
}

function titleText(record: RolloutRecord): string {
  const { text } = ending(record);
  const name = rolloutOf(record)?.to.name ?? primaryRevision(record.state.assignment).name;
  return `${record.service} ${name}: ${text.toLowerCase()}`;
}

function rolloutOf({ state }: RolloutRecord): Rollout | null {
  return "rollout" in state ? state.rollout : null;
}

/** How it ended, or that it has not. */
function ending(record: RolloutRecord): { readonly tone: Tone; readonly text: string } {
  const { state, history } = record;
  const last = history.at(-1)?.reason.kind;
  if (state.phase === "succeeded") return { tone: "pass", text: "Promoted" };
  if (state.phase === "failed") return { tone: "fail", text: "Rolled back" };
  if (last === "gaveUp" || last === "stackLocked" || last === "primaryLost") {
    return { tone: "blind", text: "Stopped" };
  }
  if (state.phase === "idle") return { tone: "running", text: "Idle" };
  if (state.phase === "waiting") return { tone: "running", text: "Held" };
  const goingBack = state.phase === "finalizing" && state.outcome === "rolledBack";
  return goingBack ? { tone: "fail", text: "Going back" } : { tone: "running", text: "Under way" };
}

function header(record: RolloutRecord): Markup {
  const { tone, text } = ending(record);
  const rollout = rolloutOf(record);
  const names =
    rollout === null
      ? markup`${primaryRevision(record.state.assignment).name}`
      : markup`<span class="from">${rollout.from.name} →</span> ${rollout.to.name}`;
  return markup`<header><div class="service">${record.service}</div><h1>${names}</h1><span class="badge ${tone}">${text}</span></header>`;
}

/** What decided, in the words of the text report. */
function why(record: RolloutRecord, entries: readonly HistoryEntry[]): Markup | null {
  const text = whyText(entries);
  if (text === null) return null;
  return markup`<section class="why ${ending(record).tone}"><h2>Why</h2>${sentences(text)}</section>`;
}

function whyText(entries: readonly HistoryEntry[]): string | null {
  const last = entries.at(-1);
  if (last === undefined) return null;
  if (last.reason.kind !== "bakeOver") return reasonText(last.reason, utcTime);
  const promotion = entries.findLast(
    ({ reason }) => reason.kind === "stepPassed" || reason.kind === "promoteRequested",
  );
  const reason = promotion?.reason;
  if (reason?.kind !== "stepPassed") return reasonText(reason ?? last.reason, utcTime);
  const measured =
    reason.check === null ? "" : ` The last check measured ${checkLine(reason.check)}.`;
  return `Every step passed its checks.${measured}`;
}

/** The first sentence stands out; what to do next follows it. Commands are set as code. */
function sentences(text: string): Markup[] {
  const [first = "", ...rest] = capitalized(text).split(/(?<=[^.]\.) (?=[A-Z`])/);
  return [first, rest.join(" ")]
    .filter((part) => part !== "")
    .map((part) => markup`<p>${withCode(part)}</p>`);
}

function withCode(text: string): Markup[] {
  return text
    .split("`")
    .map((part, index) => (index % 2 === 1 ? markup`<code>${part}</code>` : markup`${part}`));
}

function capitalized(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

function facts(record: RolloutRecord, spec: RolloutSpec, entries: readonly HistoryEntry[]): Markup {
  const rollout = rolloutOf(record);
  const { state } = record;
  const from = entries[0]?.at ?? 0;
  const to =
    isResting(state) && "finishedAt" in state ? state.finishedAt : (entries.at(-1)?.at ?? from);
  const highest = Math.max(0, ...entries.map(({ weight }) => weight));
  const rows: [string, string][] = [
    ["Began", utcDate(from)],
    [isResting(state) ? "Took" : "Running for", durationText(to - from)],
    ["Highest weight", `${highest} %`],
    ["Checks", `${entries.filter(({ reason }) => checkOf(reason) !== null).length}`],
  ];
  if (rollout !== null) {
    rows.push(["Failed checks", `${rollout.failedChecks} of ${spec.failedChecksMax}`]);
    rows.push(["Blind in a row", `${rollout.blindChecks} of ${spec.limits.blindChecksMax}`]);
  }
  if (!isResting(state)) rows.push(["Now at", positionOf(spec, state).place]);
  const items = rows.map(([name, value]) => markup`<div><dt>${name}</dt><dd>${value}</dd></div>`);
  return markup`<section><dl class="facts">${items}</dl></section>`;
}

function charts(
  record: RolloutRecord,
  spec: RolloutSpec,
  entries: readonly HistoryEntry[],
): Markup | null {
  const spans = weightSpans(entries);
  if (spans.length === 0) return null;
  const checks = checkMarks(spec, entries);
  const metrics = spec.metrics.map(({ name, min, max }): MetricResult => {
    return { metric: name, verdict: "pass", min, max };
  });
  const figures = metrics.map(
    (metric) =>
      markup`<figure><figcaption><h3>${metric.metric}</h3><span>${rangeText(metric)}</span></figcaption>${metricSvg(metric, spans, checks)}</figure>`,
  );
  const name = rolloutOf(record)?.to.name;
  const heading = name === undefined ? "Requests" : `Requests to ${name}`;
  return markup`<section class="chart"><h2>${heading}</h2><div class="scroll">${weightSvg(spans, checks, moments(entries))}</div>${legend}</section>
<section><h2>Metrics against their ranges</h2><div class="metrics">${figures}</div></section>`;
}

const legendItems = [
  ["check passed", markup`<circle class="mark pass" cx="7" cy="7" r="5"/>`],
  ["check failed", markup`<path class="mark fail" d="M 2 2 L 12 12 M 12 2 L 2 12"/>`],
  ["blind check (no usable answer)", markup`<path class="mark blind" d="M 7 0 L 14 12 H 0 Z"/>`],
] as const;

const legend = markup`<ul class="legend">${legendItems.map(
  ([text, drawn]) =>
    markup`<li><svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 14 14" aria-hidden="true">${drawn}</svg>${text}</li>`,
)}</ul>`;

/** Each check with the weight it was taken at: that of the decision before. */
function checkMarks(spec: RolloutSpec, entries: readonly HistoryEntry[]): CheckMark[] {
  return entries.flatMap((entry, index) => {
    const check = checkOf(entry.reason);
    if (check === null) return [];
    const weight = entries[index - 1]?.weight ?? entryPosition(spec, entry).weight;
    return [{ at: entry.at, verdict: check.verdict, weight, results: check.results }];
  });
}

function moments(entries: readonly HistoryEntry[]): Moment[] {
  return entries.flatMap((entry, index): Moment[] => {
    const { at, reason } = entry;
    if (reason.kind === "promoted") return [{ at, label: "promoted", tone: "pass" }];
    const before = entries[index - 1];
    const turned = isGoingBack(entry) && (before === undefined || !isGoingBack(before));
    return turned ? [{ at, label: "going back", tone: "fail" }] : [];
  });
}

/** The weight is gone and the phase is the last but one: only a rollback looks so. */
function isGoingBack({ phase, weight }: HistoryEntry): boolean {
  return phase === "finalizing" && weight === 0;
}

function decisions(spec: RolloutSpec, entries: readonly HistoryEntry[]): Markup | null {
  const first = entries[0];
  if (first === undefined) return null;
  const rows = entries.map((entry) => decisionRow(spec, entry, first.at));
  return markup`<section><h2>Decisions</h2><div class="scroll"><table>
<thead><tr><th>Time (UTC)</th><th>Where</th><th class="weight">Weight</th><th>Verdict</th><th>Measured</th><th>Why</th></tr></thead>
<tbody>${rows}</tbody></table></div></section>`;
}

function decisionRow(spec: RolloutSpec, entry: HistoryEntry, from: number): Markup {
  const { place, weight } = entryPosition(spec, entry);
  const check = checkOf(entry.reason);
  return markup`<tr><td class="time">+${offsetText(entry.at - from)}<small>${utcTime(entry.at)}</small></td><td class="place">${place}</td><td class="weight">${weight} %</td><td>${check === null ? null : verdictChip(check.verdict)}</td><td>${check === null ? null : measured(check.results)}</td><td class="why-cell">${withCode(capitalized(rowText(entry.reason)))}</td></tr>
`;
}

/** The measured values have a column of their own. */
function rowText(reason: Reason): string {
  if (reason.kind === "failedChecks") {
    return `going back: failed check ${reason.failed} of ${reason.max}`;
  }
  if (reason.kind === "blindChecks") {
    return `going back: blind check ${reason.blind} of ${reason.max} in a row`;
  }
  return isJudgement(reason) ? judgementText(reason) : reasonText(reason, utcTime);
}

function verdictChip(verdict: Verdict): Markup {
  return markup`<span class="verdict ${toneOf(verdict)}">${verdict}</span>`;
}

function measured(results: readonly MetricResult[]): Markup {
  const items = results.map(
    (result) => markup`<li class="${toneOf(result.verdict)}">${metricText(result)}</li>`,
  );
  return markup`<ul class="measured">${items}</ul>`;
}

function toneOf(verdict: Verdict): Tone {
  return verdict === "pass" || verdict === "fail" ? verdict : "blind";
}

function footer(record: RolloutRecord, spec: RolloutSpec): Markup {
  const steps = spec.steps
    .map(
      ({ weight, checks, hold }) =>
        `${weight} %${checks > 1 ? ` × ${checks}` : ""}${hold ? " (hold)" : ""}`,
    )
    .join(", ");
  const rollout = rolloutOf(record);
  const ids = rollout === null ? "" : ` Revisions ${rollout.from.id} → ${rollout.to.id}.`;
  return markup`<footer>Steps ${steps}; a check every ${durationText(spec.intervalMs)}; kept for ${durationText(spec.bakeMs)} after promotion.${ids} Written by upramp from the rollout record.</footer>`;
}

function utcTime(at: number): string {
  return new Date(at).toISOString().slice(11, 19);
}

function utcDate(at: number): string {
  return `${new Date(at).toISOString().slice(0, 19).replace("T", " ")} UTC`;
}
