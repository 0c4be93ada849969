import { judgeCheck, type CheckResult, type Sample } from "./core/analysis.ts";
import type { RolloutSpec } from "./core/spec.ts";
import type { RolloutState } from "./core/state.ts";
import { renderQuery } from "./core/template.ts";
import type { MetricsClient, QuerySource } from "./ports.ts";

/** What a check is about: a service, its metrics and what its router brings to their templates. */
export interface CheckSubject {
  readonly service: string;
  readonly spec: RolloutSpec;
  readonly queries: QuerySource;
}

/** Asks all metrics at one time about the slot that `state` says is judged, and judges the answers. */
export async function takeCheck(
  { service, spec, queries }: CheckSubject,
  state: RolloutState,
  metrics: MetricsClient,
  at: number,
  signal: AbortSignal,
): Promise<CheckResult> {
  const samples = await Promise.all(
    spec.metrics.map(async (metric): Promise<Sample> => {
      const rendered = renderQuery(metric, queries, service, state, at);
      if (rendered.kind === "error") return { kind: "unavailable", message: rendered.message };
      return metrics.query(rendered.query, at, signal);
    }),
  );
  return judgeCheck(at, spec.metrics, samples);
}
