import type { ServiceOutputs } from "../../infra/contract.ts";
import type { PrometheusClient } from "../adapters/prometheus.ts";
import { primaryRevision, type Revision } from "../core/assignment.ts";
import { isUnfinished } from "../core/decide.ts";
import { newRecord, type RolloutRecord } from "../core/state.ts";
import { renderQuery } from "../core/template.ts";
import { UserError } from "../errors.ts";

/**
 * What must hold before anything moves: Prometheus answers and takes every query. A rollout that is
 * under way is not stopped here: it may have to go back, and for that it needs no metrics.
 */
export async function preflight(
  outputs: ServiceOutputs,
  loaded: RolloutRecord | null,
  wanted: Revision | null,
  metrics: PrometheusClient,
  signal: AbortSignal,
): Promise<void> {
  const record = loaded ?? newRecord(outputs.service, outputs.assignment, outputs.configured);
  if (isUnfinished(record)) return;
  const next =
    wanted ?? (record.configured === outputs.configured.id ? record.wanted : outputs.configured);
  if (next.id === primaryRevision(outputs.assignment).id) return;
  const faults = await queryFaults(outputs, record, metrics, signal);
  if (faults.length > 0) throw new UserError(faults.join("\n"));
}

/** Why metrics could not be judged, one text each; empty when all can. */
export async function queryFaults(
  outputs: ServiceOutputs,
  record: RolloutRecord,
  metrics: PrometheusClient,
  signal: AbortSignal,
): Promise<readonly string[]> {
  const unreachable = await metrics.reachable(signal);
  if (unreachable !== null) return [unreachable];
  const faults: string[] = [];
  for (const metric of outputs.rollout.metrics) {
    const rendered = renderQuery(
      metric,
      outputs.metrics,
      outputs.service,
      record.state,
      Date.now(),
    );
    const fault =
      rendered.kind === "error"
        ? rendered.message
        : await metrics.checkQuery(rendered.query, signal);
    if (fault !== null) faults.push(`metric "${metric.name}": ${fault}`);
  }
  return faults;
}
