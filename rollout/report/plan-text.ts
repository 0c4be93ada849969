import type { Plan, PlanEntry } from "../core/plan.ts";
import { durationText } from "./duration-text.ts";
import { rangeText } from "./metric-text.ts";
import { plainText } from "./plain-text.ts";
import { reasonText } from "./reason-text.ts";

/** The plan for people: a line an entry with the soonest time it can begin, then what is asked and what ends it. */
export function planText(plan: Plan): string {
  const { entries, metrics, limits, failedChecksMax, leastMs, expectedMs } = plan;
  const lines = entries.map(
    (entry) => `${`+${durationText(entry.atMs)}`.padStart(8)}  ${plainText(entryText(entry))}`,
  );
  if (leastMs === 0) return lines.join("\n");
  return [
    ...lines,
    "",
    "every check asks:",
    ...metrics.map(
      (metric) =>
        `  ${metric.name} ${rangeText(metric)}, over the last ${durationText(metric.windowMs)} at most`,
    ),
    "it goes back when:",
    `  ${failedChecksMax} checks failed in all, or ${limits.blindChecksMax} in a row gave no answer`,
    `  the canary is not ready within ${durationText(limits.readyMs)}, or dies`,
    `  the router does not show a split within ${durationText(limits.readBackMs)}`,
    `  it lasts longer than ${durationText(limits.rolloutMs)}, holds not counted`,
    "",
    `a good rollout takes at least ${durationText(leastMs)}, usually about ${durationText(expectedMs)}`,
    ...(plan.promotes
      ? []
      : ["within these limits not even a good version is promoted: raise limits.rollout"]),
  ].join("\n");
}

function entryText(entry: PlanEntry): string {
  switch (entry.kind) {
    case "nothing":
    case "goBack":
    case "end":
      return reasonText(entry.reason, (at) => new Date(at).toISOString());
    case "deploy":
      return `bring up ${entry.revision} in slot ${entry.slot}, no weight, ready within ${durationText(entry.readyMaxMs)}`;
    case "step":
      return `step ${entry.step + 1}: weight ${entry.weight} %, ${entry.checks} passed check${entry.checks === 1 ? "" : "s"}, one every ${durationText(entry.checkEveryMs)}`;
    case "hold":
      return `hold at ${entry.weight} % until \`upramp promote\``;
    case "promote":
      return `promote: all requests to slot ${entry.slot}, which becomes primary`;
    case "bake":
      return `bake ${durationText(entry.forMs)}: checks go on, the old slot stays as the way back`;
    case "remove":
      return `remove the old version from slot ${entry.slot}`;
  }
}
