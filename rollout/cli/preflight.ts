import type { ServiceOutputs } from "../../infra/contract.ts";
import type { PrometheusClient } from "../adapters/prometheus.ts";
import { SystemClock } from "../adapters/system-clock.ts";
import { primaryRevision, type Revision } from "../core/assignment.ts";
import { isUnfinished, withConfigured } from "../core/decide.ts";
import type { RolloutSpec } from "../core/spec.ts";
import type { RolloutRecord } from "../core/state.ts";
import { renderQuery } from "../core/template.ts";
import { UserError } from "../errors.ts";
import { refuseWrongConfigs } from "./policy-packs.ts";
import type { TrafficReader } from "../ports.ts";
import type { Service } from "./service.ts";

/** How long a router may take to show what an update just before has sent it. */
const routerBoundMs = 10_000;
const pollMs = 500;

/**
 * What must hold before anything moves: the program and the policy packs take their configuration, the router shows a
 * split, Prometheus answers and takes every query. A rollout that is under way is not stopped here: it may have to go back, and for that it
 * needs none of them. Gives the specification of the checkout, which the rollout's first update brings into the
 * stack; null where none begins. Throws a UserError.
 */
export async function preflight(
  service: Service,
  outputs: ServiceOutputs,
  wanted: Revision | null,
  signal: AbortSignal,
): Promise<RolloutSpec | null> {
  const record = await service.record(outputs);
  if (isUnfinished(record)) return null;
  const next = wanted ?? withConfigured(record, outputs.configured).wanted;
  if (next.id === primaryRevision(outputs.assignment).id) return null;
  return (await refuseFaults(service, outputs, record, signal)).rollout;
}

/** The outputs that an `up` from this checkout would give, if it can be driven; else a UserError. */
export async function refuseFaults(
  service: Service,
  outputs: ServiceOutputs,
  record: RolloutRecord,
  signal: AbortSignal,
): Promise<ServiceOutputs> {
  await refuseWrongConfigs(service.policyPacks);
  const rehearsed = await service.stack.rehearse(outputs, signal);
  const faults = [
    ...(await routerFaults(service.traffic(outputs), signal)),
    ...(await queryFaults(rehearsed, record, service.metrics(rehearsed), signal)),
  ];
  if (faults.length > 0) throw new UserError(faults.join("\n"));
  return rehearsed;
}

/** Why the router cannot be driven, in its own words; empty when it shows a split. */
async function routerFaults(
  router: TrafficReader,
  signal: AbortSignal,
): Promise<readonly string[]> {
  const clock = new SystemClock();
  for (const until = clock.now() + routerBoundMs; ; await clock.sleep(pollMs, signal)) {
    const { weights, ready, obstacle = "it does not answer" } = await router.read(signal);
    if (weights !== null && ready !== null) return [];
    if (clock.now() < until && !signal.aborted) continue;
    const hint = "`pulumi refresh`, then `pulumi up`, put back what is gone or say what is missing";
    return [`the router shows no split: ${obstacle}; ${hint}`];
  }
}

/** Why metrics could not be judged, one text each; empty when all can. */
async function queryFaults(
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
