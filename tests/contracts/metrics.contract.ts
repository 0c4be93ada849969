import assert from "node:assert/strict";
import type { Sample } from "../../rollout/core/analysis.ts";
import type { MetricsClient } from "../../rollout/ports.ts";

/** A metrics server that knows the queries below. */
export interface MetricsUnderTest {
  readonly client: MetricsClient;
  unreachable(): Promise<void>;
  close(): Promise<void>;
}

/** Queries with the same answer on any Prometheus, whatever it has scraped. */
export const knownQueries = {
  one: "vector(42.5)",
  scalar: "7 * 6",
  evaluationTime: "time()",
  none: "absent(vector(1))",
  many: 'vector(1) or label_replace(vector(2), "a", "b", "", "")',
  notANumber: "vector(0) / 0",
  infinite: "vector(1) / 0",
  negativeInfinite: "vector(-1) / 0",
  rangeVector: "up[1m]",
  broken: "sum(",
} as const;

/** What every MetricsClient keeps. */
export function metricsContract(makeServer: () => Promise<MetricsUnderTest>): void {
  let server: MetricsUnderTest;
  const never = new AbortController().signal;
  const at = 1_700_000_000_500;

  before(async function () {
    this.timeout(600_000);
    server = await makeServer();
  });

  after(() => server.close());

  async function gives(query: keyof typeof knownQueries, expected: Sample): Promise<void> {
    assert.deepEqual(await server.client.query(knownQueries[query], at, never), expected);
  }

  it("gives the number of one series", () => gives("one", { kind: "value", value: 42.5 }));

  it("gives a scalar as a number", () => gives("scalar", { kind: "value", value: 42 }));

  it("asks at the time that it is told", () =>
    gives("evaluationTime", { kind: "value", value: at / 1_000 }));

  it("gives none when there is no series", () => gives("none", { kind: "none" }));

  it("says how many series there are instead of picking one", () =>
    gives("many", { kind: "many", series: 2 }));

  it("passes on what is no number, for the analysis to judge", async () => {
    await gives("notANumber", { kind: "value", value: NaN });
    await gives("infinite", { kind: "value", value: Infinity });
    await gives("negativeInfinite", { kind: "value", value: -Infinity });
  });

  for (const query of ["rangeVector", "broken"] as const) {
    it(`is unavailable with the server's words for a query it cannot answer (${query})`, async () => {
      const sample = await server.client.query(knownQueries[query], at, never);
      assert.ok(sample.kind === "unavailable", JSON.stringify(sample));
      assert.notEqual(sample.message, "");
    });
  }

  it("does not reject once its signal is aborted", async () => {
    const sample = await server.client.query(knownQueries.one, at, AbortSignal.abort());
    assert.equal(sample.kind, "unavailable");
  });

  it("is unavailable, and does not reject, when the server is out of reach", async () => {
    await server.unreachable();
    const sample = await server.client.query(knownQueries.one, at, never);
    assert.ok(sample.kind === "unavailable", JSON.stringify(sample));
    assert.notEqual(sample.message, "");
  });
}
