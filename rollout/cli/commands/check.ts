import { judgeCheck, type CheckResult, type Sample, type Verdict } from "../../core/analysis.ts";
import { newRecord } from "../../core/state.ts";
import { renderQuery } from "../../core/template.ts";
import { checkText } from "../../report/check-text.ts";
import { exitCode } from "../exit-codes.ts";
import type { Output } from "../output.ts";
import { Service, type ServiceOptions } from "../service.ts";

/** One analysis now: of the canary while a rollout runs, else of the primary. Counts nowhere. */
export async function check(
  options: ServiceOptions,
  output: Output,
  signal: AbortSignal,
): Promise<number> {
  const service = await Service.open(options, false);
  const outputs = await service.outputs(signal);
  const metrics = service.metrics(outputs);
  const loaded = await service.store(outputs).load();
  const record = loaded ?? newRecord(outputs.service, outputs.assignment, outputs.configured);
  const now = Date.now();
  const { metrics: specs } = outputs.rollout;
  const samples = await Promise.all(
    specs.map(async (metric): Promise<Sample> => {
      const rendered = renderQuery(metric, outputs.metrics, outputs.service, record.state, now);
      if (rendered.kind === "error") return { kind: "unavailable", message: rendered.message };
      return metrics.query(rendered.query, now, signal);
    }),
  );
  const result: CheckResult = judgeCheck(now, specs, samples);
  output.result({ type: "check", check: result }, () => checkText(result));
  return codeOf(result.verdict);
}

/** As a rollout would take it: a failure goes back, a blind check needs a person. */
function codeOf(verdict: Verdict): number {
  switch (verdict) {
    case "pass":
      return exitCode.ok;
    case "fail":
      return exitCode.rolledBack;
    case "inconclusive":
    case "error":
      return exitCode.stopped;
  }
}
