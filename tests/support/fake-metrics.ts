import type { Sample } from "../../rollout/core/analysis.ts";
import type { MetricsClient } from "../../rollout/ports.ts";

/** A metrics server that answers from a function of the query and the time, and remembers what it was asked. */
export class FakeMetrics implements MetricsClient {
  readonly asked: { readonly promql: string; readonly at: number }[] = [];
  answer: (promql: string, at: number) => Sample;

  constructor(answer: (promql: string, at: number) => Sample) {
    this.answer = answer;
  }

  async query(promql: string, at: number, signal: AbortSignal): Promise<Sample> {
    await Promise.resolve();
    if (signal.aborted) return { kind: "unavailable", message: "aborted" };
    this.asked.push({ promql, at });
    const sample = this.answer(promql, at);
    // given up while it was under way
    return signal.aborted ? { kind: "unavailable", message: "aborted" } : sample;
  }
}
