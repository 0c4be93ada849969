import type { RolloutRecord } from "../../core/state.ts";
import { weightChart } from "../../report/chart.ts";
import type { Answer } from "./traffic.ts";

export interface DemoResult {
  readonly good: RolloutRecord;
  readonly bad: RolloutRecord;
  readonly answers: readonly Answer[];
  readonly badVersion: string;
  readonly directory: string;
  readonly kept: boolean;
}

export interface DemoSummary {
  readonly sent: number;
  /** Failed by the bad version itself. */
  readonly failedByBad: number;
  /** Failed in any other way: by a good version, by the router, or unanswered. Must be 0. */
  readonly failedOtherwise: number;
  readonly answeredBy: Readonly<Record<string, number>>;
  /** Seconds from the first to the last request that the bad version answered. */
  readonly exposedSeconds: number;
  readonly promoted: boolean;
  readonly rolledBack: boolean;
}

export function summarize(result: DemoResult): DemoSummary {
  const { answers, badVersion } = result;
  const failed = answers.filter(({ status }) => status === 0 || status >= 500);
  const byBad = failed.filter(({ version }) => version === badVersion);
  const exposed = answers.filter(({ version }) => version === badVersion).map(({ at }) => at);
  const answeredBy: Record<string, number> = {};
  for (const { version } of answers) {
    const who = version ?? "nobody";
    answeredBy[who] = (answeredBy[who] ?? 0) + 1;
  }
  return {
    sent: answers.length,
    failedByBad: byBad.length,
    failedOtherwise: failed.length - byBad.length,
    answeredBy,
    exposedSeconds:
      exposed.length === 0 ? 0 : (Math.max(...exposed) - Math.min(...exposed)) / 1_000,
    promoted: result.good.state.phase === "succeeded",
    rolledBack: result.bad.state.phase === "failed",
  };
}

export function summaryText(result: DemoResult, summary: DemoSummary): string {
  const { sent, failedByBad, failedOtherwise, answeredBy, exposedSeconds } = summary;
  const who = Object.entries(answeredBy)
    .toSorted(([a], [b]) => a.localeCompare(b))
    .map(([version, count]) => `${version} ${count}`)
    .join(", ");
  const lines = [
    "",
    `v2, good: ${summary.promoted ? "promoted" : "NOT promoted"}`,
    weightChart(result.good),
    `v3, bad: ${summary.rolledBack ? "rolled back" : "NOT rolled back"}, ${exposedSeconds.toFixed(1)} s from the first to the last request it answered`,
    weightChart(result.bad),
    `requests   ${sent} sent (${who})`,
    `failed     ${failedByBad} by v3 itself, ${failedOtherwise} otherwise`,
  ];
  if (result.kept) {
    lines.push(
      `kept       ${result.directory} (backend, logs, reports)`,
      `look       PULUMI_CONFIG_PASSPHRASE=demo npx upramp status -s demo-podinfo -C ${result.directory}`,
    );
  }
  return lines.join("\n");
}
