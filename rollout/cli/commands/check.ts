import type { Verdict } from "../../core/analysis.ts";
import { checkText } from "../../report/check-text.ts";
import { takeCheck } from "../../take-check.ts";
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
  const { service: name, rollout: spec, metrics: queries } = outputs;
  const { state } = await service.record(outputs);
  const subject = { service: name, spec, queries };
  const result = await takeCheck(subject, state, service.metrics(outputs), Date.now(), signal);
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
