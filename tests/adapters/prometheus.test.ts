import assert from "node:assert/strict";
import { PrometheusClient, type PrometheusOptions } from "../../rollout/adapters/prometheus.ts";
import type { Sample } from "../../rollout/core/analysis.ts";
import { AnsweringServer, type CannedAnswer } from "./answering-server.ts";

const never = new AbortController().signal;

function success(data: unknown, more: object = {}): CannedAnswer {
  return { body: JSON.stringify({ status: "success", data, ...more }) };
}

function failure(errorType: string, error: string, status = 400): CannedAnswer {
  return { status, body: JSON.stringify({ status: "error", errorType, error }) };
}

const oneSeries = { resultType: "vector", result: [{ metric: {}, value: [1, "0.5"] }] };

describe("Prometheus client", () => {
  let server: AnsweringServer;

  beforeEach(async () => {
    server = await AnsweringServer.start();
    server.answer = () => success(oneSeries);
  });

  afterEach(() => server.close());

  function client(more: Partial<PrometheusOptions> = {}): PrometheusClient {
    return new PrometheusClient({ address: server.address, ...more });
  }

  async function sampleOf(answer: CannedAnswer): Promise<Sample> {
    server.answer = () => answer;
    return client().query("up", 0, never);
  }

  async function unavailable(answer: CannedAnswer, words: RegExp): Promise<void> {
    const sample = await sampleOf(answer);
    assert.ok(sample.kind === "unavailable", JSON.stringify(sample));
    assert.match(sample.message, words);
  }

  describe("asks", () => {
    it("by POST, with query, time in seconds and a bound on the server's own time", async () => {
      const promql = 'sum(rate(x{a="b&c"}[30s])) > 1';
      await client({ timeoutMs: 3_000 }).query(promql, 1_700_000_000_250, never);
      const [asked] = server.asked;
      assert.equal(asked?.method, "POST");
      assert.equal(asked.url, "/api/v1/query");
      assert.match(asked.headers["content-type"] ?? "", /^application\/x-www-form-urlencoded/);
      const form = Object.fromEntries(new URLSearchParams(asked.body));
      assert.deepEqual(form, { query: promql, time: "1700000000.250", timeout: "3000ms" });
    });

    it("below the path of the address, with or without a slash at its end", async () => {
      await client({ address: `${server.address}/mimir/prometheus` }).query("up", 0, never);
      await client({ address: `${server.address}/mimir/prometheus//` }).query("up", 0, never);
      const urls = server.asked.map(({ url }) => url);
      assert.deepEqual(urls, Array(2).fill("/mimir/prometheus/api/v1/query"));
    });

    it("without credentials when it has none", async () => {
      await client().query("up", 0, never);
      assert.equal(server.asked[0]?.headers.authorization, undefined);
    });

    it("with a bearer token", async () => {
      await client({ credentials: { kind: "bearer", token: "t0k" } }).query("up", 0, never);
      assert.equal(server.asked[0]?.headers.authorization, "Bearer t0k");
    });

    it("with a user and a password, in any letters", async () => {
      const credentials = { kind: "basic", user: "ann", password: "p:ä" } as const;
      await client({ credentials }).query("up", 0, never);
      const [, encoded = ""] = server.asked[0]?.headers.authorization?.split(" ") ?? [];
      assert.equal(Buffer.from(encoded, "base64").toString(), "ann:p:ä");
    });
  });

  describe("is unavailable", () => {
    it("when the server is busy, with its words", () =>
      unavailable(
        failure("timeout", "query timed out in expression evaluation", 503),
        /^timeout: query timed out/,
      ));

    it("when something else answers 200", () =>
      unavailable({ body: "<html>Grafana</html>" }, /not that of a Prometheus query API/));

    it("when the answer is JSON of another shape", () =>
      unavailable(
        { body: '{"status":"success","data":{"resultType":"vector","result":[{"value":"5"}]}}' },
        /not that of a Prometheus/,
      ));

    it("when the proxy before it fails, with its words on one line", () =>
      unavailable({ status: 502, body: "Bad\n  Gateway" }, /^HTTP 502: Bad Gateway$/));

    it("when it is not allowed to ask, and names the variables", () =>
      unavailable({ status: 401, body: "who?" }, /HTTP 401.*UPRAMP_PROMETHEUS_TOKEN/));

    it("when it is sent elsewhere, and names where", () =>
      unavailable(
        { status: 302, headers: { location: "https://sso.example/login" } },
        /redirects to https:\/\/sso\.example\/login/,
      ));

    it("when the server does not answer in time", async () => {
      server.answer = () => ({ hangs: true });
      const sample = await client({ timeoutMs: 150 }).query("up", 0, never);
      assert.deepEqual(sample, { kind: "unavailable", message: "no answer within 150 ms" });
    });

    it("when it is interrupted meanwhile", async () => {
      server.answer = () => ({ hangs: true });
      const interrupt = new AbortController();
      const asking = client().query("up", 0, interrupt.signal);
      interrupt.abort();
      assert.deepEqual(await asking, { kind: "unavailable", message: "interrupted" });
    });

    it("when nothing listens there", async () => {
      const { address } = server;
      await server.close();
      const sample = await new PrometheusClient({ address }).query("up", 0, never);
      assert.ok(sample.kind === "unavailable");
      assert.match(sample.message, /ECONNREFUSED/);
      server = await AnsweringServer.start();
    });

    it("when the host has no address", async () => {
      const sample = await client({ address: "http://prometheus.invalid:9090" }).query(
        "up",
        0,
        never,
      );
      assert.ok(sample.kind === "unavailable");
      assert.match(sample.message, /prometheus\.invalid/);
    });

    it("when the answer is larger than any good one", () =>
      unavailable({ body: " ".repeat(9 * 1_024 * 1_024) }, /larger than/));

    it("when storage gave only a part of the data", () =>
      unavailable(
        success(oneSeries, { warnings: ["store 10.0.0.3 timed out"] }),
        /partial data: store 10\.0\.0\.3/,
      ));

    it("when the answer is a range, a string or a native histogram", async () => {
      await unavailable(success({ resultType: "matrix", result: [] }), /range vector/);
      await unavailable(success({ resultType: "string", result: [1, "x"] }), /string/);
      const histogram = { metric: {}, histogram: [1, { count: "1", sum: "1" }] };
      await unavailable(
        success({ resultType: "vector", result: [histogram] }),
        /histogram_quantile/,
      );
    });

    it("with no more of an error page than fits a line", async () => {
      const sample = await sampleOf({ status: 500, body: "x".repeat(10_000) });
      assert.ok(sample.kind === "unavailable");
      assert.ok(sample.message.length < 400);
    });
  });

  it("keeps the number and passes on PromQL's own warnings", async () => {
    const heard: string[] = [];
    server.answer = () => success(oneSeries, { warnings: ["PromQL warning: bucket label"] });
    const asking = client({ onWarning: (warning, promql) => heard.push(`${promql}: ${warning}`) });
    assert.deepEqual(await asking.query("up", 0, never), { kind: "value", value: 0.5 });
    assert.deepEqual(heard, ["up: PromQL warning: bucket label"]);
  });

  it("reads numbers as Prometheus writes them", async () => {
    for (const [written, value] of [
      ["1e-07", 1e-7],
      ["+Inf", Infinity],
      ["-Inf", -Infinity],
      ["NaN", NaN],
      ["-0", -0],
    ] as const) {
      const data = { resultType: "scalar", result: [1.5, written] };
      assert.deepEqual(await sampleOf(success(data)), { kind: "value", value });
    }
  });

  describe("before anything moves", () => {
    it("finds the server in reach", async () => {
      assert.equal(await client().reachable(never), null);
    });

    it("says address, fault and what to do when it is not", async () => {
      server.answer = () => ({ status: 503, body: "Service Unavailable" });
      const said = (await client().reachable(never)) ?? "";
      assert.ok(said.includes(server.address), said);
      assert.match(said, /HTTP 503: Service Unavailable/);
      assert.match(said, /Check that it runs/);
    });

    it("takes a query that has a number, and one that has no data yet", async () => {
      assert.equal(await client().checkQuery("up", never), null);
      server.answer = () => success({ resultType: "vector", result: [] });
      assert.equal(await client().checkQuery("up", never), null);
    });

    it("refuses a query that does not parse, with address, query, the server's words and what to do", async () => {
      server.answer = () => failure("bad_data", "1:5: parse error: unclosed left parenthesis");
      const said = (await client().checkQuery("sum(", never)) ?? "";
      assert.ok(said.includes(server.address), said);
      assert.match(said, /rejects a query: bad_data: 1:5: parse error/);
      assert.match(said, /query: sum\(\n/);
      assert.match(said, /Correct the metric's query/);
    });

    it("refuses a query that cannot be computed on the series there are", async () => {
      server.answer = () => failure("execution", "many-to-many matching not allowed", 422);
      assert.match((await client().checkQuery("a * b", never)) ?? "", /many-to-many/);
    });

    it("refuses a query with many series, and says what to do", async () => {
      const result = [1, 2, 3].map((value) => ({ metric: {}, value: [1, `${value}`] }));
      server.answer = () => success({ resultType: "vector", result });
      assert.match((await client().checkQuery("up", never)) ?? "", /3 series.*sum\(/s);
    });

    it("does not blame the query when the server is out of reach", async () => {
      server.answer = () => ({ status: 502 });
      const said = (await client().checkQuery("up", never)) ?? "";
      assert.match(said, /^cannot query Prometheus at .*HTTP 502/);
    });
  });
});
