import { withConfigured } from "../../core/decide.ts";
import { plan as makePlan } from "../../core/plan.ts";
import { planText } from "../../report/plan-text.ts";
import { exitCode } from "../exit-codes.ts";
import type { Output } from "../output.ts";
import { refuseFaults } from "../preflight.ts";
import { Service, type ServiceOptions } from "../service.ts";
import { wantedRevision } from "../wanted-revision.ts";

export interface PlanOptions extends ServiceOptions {
  readonly revision?: string | undefined;
}

/** Prints what `run` would go through from here, and refuses what it would refuse; changes nothing. */
export async function plan(
  options: PlanOptions,
  output: Output,
  signal: AbortSignal,
): Promise<number> {
  const service = await Service.open(options, true);
  try {
    return await printPlan(service, options.revision, output, signal);
  } finally {
    service.close();
  }
}

async function printPlan(
  service: Service,
  revision: string | undefined,
  output: Output,
  signal: AbortSignal,
): Promise<number> {
  const outputs = await service.outputs(signal);
  const wanted = await wantedRevision(revision, outputs);
  const seen = withConfigured(await service.record(outputs), outputs.configured);
  const record = wanted === null ? seen : { ...seen, wanted };
  const rehearsed = await refuseFaults(service, outputs, record, signal);
  const result = makePlan(rehearsed.rollout, record, Date.now());
  output.result({ type: "plan", ...result }, () => planText(result));
  return exitCode.ok;
}
