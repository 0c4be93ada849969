import { parseRevision } from "../../../infra/contract.ts";
import { withConfigured } from "../../core/decide.ts";
import { plan as makePlan } from "../../core/plan.ts";
import { newRecord } from "../../core/state.ts";
import { planText } from "../../report/plan-text.ts";
import { exitCode } from "../exit-codes.ts";
import type { Output } from "../output.ts";
import { queryFaults } from "../preflight.ts";
import { Service, type ServiceOptions } from "../service.ts";
import { UserError } from "../../errors.ts";

export interface PlanOptions extends ServiceOptions {
  readonly revision?: string | undefined;
}

/** Prints what `run` would go through from here, and refuses what it would refuse; changes nothing. */
export async function plan(
  options: PlanOptions,
  output: Output,
  signal: AbortSignal,
): Promise<number> {
  const wanted =
    options.revision === undefined ? null : parseRevision(options.revision, "--revision");
  const service = await Service.open(options, false);
  const outputs = await service.outputs(signal);
  const loaded = await service.store(outputs).load();
  const known = loaded ?? newRecord(outputs.service, outputs.assignment, outputs.configured);
  const seen = withConfigured(known, outputs.configured);
  const record = wanted === null ? seen : { ...seen, wanted };
  const faults = await queryFaults(outputs, record, service.metrics(outputs), signal);
  if (faults.length > 0) throw new UserError(faults.join("\n"));
  const result = makePlan(outputs.rollout, record, Date.now());
  output.result({ type: "plan", ...result }, () => planText(result));
  return exitCode.ok;
}
