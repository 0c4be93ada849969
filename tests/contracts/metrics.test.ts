import type { Sample } from "../../rollout/core/analysis.ts";
import { FakeMetrics } from "../support/fake-metrics.ts";
import { knownQueries, metricsContract, type MetricsUnderTest } from "./metrics.contract.ts";
import { realPrometheus } from "./real-prometheus.ts";
import { signedPrometheus } from "./signed-prometheus.ts";

/** What Prometheus would say. */
function known(query: string, at: number): Sample {
  switch (query) {
    case knownQueries.one:
      return { kind: "value", value: 42.5 };
    case knownQueries.scalar:
      return { kind: "value", value: 42 };
    case knownQueries.evaluationTime:
      return { kind: "value", value: at / 1_000 };
    case knownQueries.none:
      return { kind: "none" };
    case knownQueries.many:
      return { kind: "many", series: 2 };
    case knownQueries.notANumber:
      return { kind: "value", value: NaN };
    case knownQueries.infinite:
      return { kind: "value", value: Infinity };
    case knownQueries.negativeInfinite:
      return { kind: "value", value: -Infinity };
    default:
      return { kind: "unavailable", message: `bad_data: ${query}` };
  }
}

async function fakeServer(): Promise<MetricsUnderTest> {
  await Promise.resolve();
  const client = new FakeMetrics(known);
  return {
    client,
    async unreachable() {
      await Promise.resolve();
      client.answer = () => ({ kind: "unavailable", message: "connection refused" });
    },
    async close() {},
  };
}

describe("contract of MetricsClient", () => {
  describe("FakeMetrics", () => metricsContract(fakeServer));
  describe("PrometheusClient on a real Prometheus", () => metricsContract(realPrometheus));
  describe("PrometheusClient with signed queries", () => metricsContract(signedPrometheus));
});
