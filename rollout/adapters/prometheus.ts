import { z } from "zod";
import type { Sample } from "../core/analysis.ts";
import type { MetricsClient } from "../ports.ts";
import type { AmpAccess } from "./amp-access.ts";
import { boundedFetch, type Answer } from "./bounded-fetch.ts";
import { parseJson } from "./parse-json.ts";
import type { PrometheusCredentials } from "./prometheus-credentials.ts";

export interface PrometheusOptions {
  /** Base URL of the HTTP API; a path in it is kept, so a proxy or Mimir's `/prometheus` will do. */
  readonly address: string;
  readonly credentials?: PrometheusCredentials | undefined;
  /** Signs each request, for a workspace of Amazon Managed Prometheus; in the place of `credentials`. */
  readonly amp?: AmpAccess | undefined;
  /** Longest wait for one answer; default 5 s, well under the shortest sensible interval. */
  readonly timeoutMs?: number | undefined;
  /** Hears PromQL's own warnings, which do not change the sample. */
  readonly onWarning?: ((warning: string, promql: string) => void) | undefined;
}

/** A good query answers with one series. This much is room for a bad one's thousands, which are counted. */
const bytesMax = 8 * 1024 * 1024;

const defaultTimeoutMs = 5_000;

/** Words of a server that are shown; an HTML error page must not fill the screen. */
const wordsMax = 300;

const number = z.tuple([z.number(), z.string()]);

const successSchema = z.object({
  status: z.literal("success"),
  warnings: z.array(z.string()).default([]),
  data: z.discriminatedUnion("resultType", [
    z.object({
      resultType: z.literal("vector"),
      // a native histogram comes as `histogram` in the place of `value`
      result: z.array(z.object({ value: number.optional() })),
    }),
    z.object({ resultType: z.literal("scalar"), result: number }),
    z.object({ resultType: z.literal("matrix"), result: z.array(z.unknown()) }),
    z.object({ resultType: z.literal("string"), result: z.tuple([z.number(), z.string()]) }),
  ]),
});

const errorSchema = z.object({
  status: z.literal("error"),
  errorType: z.string(),
  error: z.string(),
});

/** What one request came to. `rejected`: the server works and does not take this query. */
type Outcome =
  | { readonly kind: "answered"; readonly sample: Sample; readonly warnings: readonly string[] }
  | { readonly kind: "rejected"; readonly message: string }
  | { readonly kind: "failed"; readonly message: string };

/** The instant query of the Prometheus HTTP API. */
export class PrometheusClient implements MetricsClient {
  readonly #options: PrometheusOptions;
  readonly #url: URL;

  constructor(options: PrometheusOptions) {
    this.#options = options;
    this.#url = new URL(`${options.address.replace(/\/+$/, "")}/api/v1/query`);
  }

  async query(promql: string, at: number, signal: AbortSignal): Promise<Sample> {
    const outcome = await this.#ask(promql, at, signal);
    if (outcome.kind !== "answered") return { kind: "unavailable", message: outcome.message };
    for (const warning of outcome.warnings) this.#options.onWarning?.(warning, promql);
    return outcome.sample;
  }

  /** Null when the server answers queries; else address, fault and what to change, for people. */
  async reachable(signal: AbortSignal): Promise<string | null> {
    const outcome = await this.#ask("vector(1)", Date.now(), signal);
    if (outcome.kind === "answered") return null;
    return (
      `cannot query Prometheus at ${this.#options.address}: ${outcome.message}\n` +
      "Check that it runs and that the address is its base URL, then try again."
    );
  }

  /**
   * Null when the server takes the query as one number per series; else address, query, Prometheus's
   * words and what to change. That there are no data yet is no fault here.
   */
  async checkQuery(promql: string, signal: AbortSignal): Promise<string | null> {
    const outcome = await this.#ask(promql, Date.now(), signal);
    if (outcome.kind === "failed") {
      return `cannot query Prometheus at ${this.#options.address}: ${outcome.message}\nquery: ${promql}`;
    }
    if (outcome.kind === "rejected") {
      return (
        `Prometheus at ${this.#options.address} rejects a query: ${outcome.message}\n` +
        `query: ${promql}\nCorrect the metric's query (or its variables) in the rollout configuration.`
      );
    }
    const { sample } = outcome;
    if (sample.kind !== "many") return null;
    return (
      `a query gives ${sample.series} series instead of one number at ${this.#options.address}\n` +
      `query: ${promql}\nWrap it in sum(…), or narrow its labels, so that one series is left.`
    );
  }

  async #ask(promql: string, at: number, signal: AbortSignal): Promise<Outcome> {
    const { amp, credentials, timeoutMs = defaultTimeoutMs } = this.#options;
    const form = new URLSearchParams({
      query: promql,
      time: (at / 1_000).toFixed(3),
      timeout: `${timeoutMs}ms`,
    });
    const request = {
      method: "POST",
      body: form.toString(),
      headers: {
        accept: "application/json",
        "content-type": "application/x-www-form-urlencoded",
        ...authorization(credentials),
      },
    };
    try {
      const headers =
        amp === undefined
          ? request.headers
          : await amp.headers({ ...request, url: this.#url }, timeoutMs, signal);
      const bounds = { timeoutMs, bytesMax };
      const answer = await boundedFetch(this.#url, { ...request, headers }, bounds, signal);
      return outcomeOf(answer, (refused) => amp?.explain(refused) ?? statusMessage(refused));
    } catch (error) {
      // both reject with Errors only, whose messages are for people
      return { kind: "failed", message: error instanceof Error ? error.message : String(error) };
    }
  }
}

function authorization(
  credentials: PrometheusCredentials | undefined,
): Readonly<Record<string, string>> {
  if (credentials === undefined) return {};
  if (credentials.kind === "bearer") return { authorization: `Bearer ${credentials.token}` };
  const pair = Buffer.from(`${credentials.user}:${credentials.password}`).toString("base64");
  return { authorization: `Basic ${pair}` };
}

function outcomeOf(answer: Answer, explain: (refused: Answer) => string): Outcome {
  const json = parseJson(answer.body);
  const refused = errorSchema.safeParse(json);
  if (refused.success) {
    const { errorType, error } = refused.data;
    const message = `${errorType}: ${shortened(error)}`;
    // bad_data: the query does not parse; execution: it cannot be computed on these series
    const isQuery = errorType === "bad_data" || errorType === "execution";
    return { kind: isQuery ? "rejected" : "failed", message };
  }
  if (answer.status !== 200) return { kind: "failed", message: explain(answer) };
  const parsed = successSchema.safeParse(json);
  if (!parsed.success) {
    const message = "the answer is not that of a Prometheus query API; is the address right?";
    return { kind: "failed", message };
  }
  const { data, warnings } = parsed.data;
  // PromQL's own remarks are marked so; any other warning is storage that gave only a part of the data
  const partial = warnings.find((warning) => !warning.startsWith("PromQL "));
  if (partial !== undefined) return { kind: "failed", message: `partial data: ${partial}` };
  switch (data.resultType) {
    case "matrix":
      return {
        kind: "rejected",
        message: "the query gives a range vector; apply a function such as rate() to it",
      };
    case "string":
      return { kind: "rejected", message: "the query gives a string instead of a number" };
    case "scalar":
      return { kind: "answered", warnings, sample: valueOf(data.result[1]) };
    case "vector":
      return vectorOutcome(
        data.result.map((series) => series.value?.[1]),
        warnings,
      );
  }
}

function vectorOutcome(
  values: readonly (string | undefined)[],
  warnings: readonly string[],
): Outcome {
  if (values.length > 1) {
    return { kind: "answered", warnings, sample: { kind: "many", series: values.length } };
  }
  if (values.length === 0) return { kind: "answered", warnings, sample: { kind: "none" } };
  const [value] = values;
  if (value !== undefined) return { kind: "answered", warnings, sample: valueOf(value) };
  return {
    kind: "rejected",
    message:
      "the query gives a native histogram; apply histogram_quantile() or another function to it",
  };
}

function valueOf(text: string): Sample {
  switch (text) {
    case "+Inf":
      return { kind: "value", value: Infinity };
    case "-Inf":
      return { kind: "value", value: -Infinity };
    default:
      // what is not a number becomes NaN, which counts as none
      return { kind: "value", value: Number(text) };
  }
}

function statusMessage({ status, location, body }: Answer): string {
  if (location !== null) return `it redirects to ${location}; give that address instead`;
  if (status === 401 || status === 403) {
    return (
      `HTTP ${status}: access refused; set UPRAMP_PROMETHEUS_TOKEN, or UPRAMP_PROMETHEUS_USER ` +
      "and UPRAMP_PROMETHEUS_PASSWORD"
    );
  }
  const words = shortened(body);
  return words === "" ? `HTTP ${status}` : `HTTP ${status}: ${words}`;
}

function shortened(words: string): string {
  const line = words.replace(/\s+/g, " ").trim();
  return line.length <= wordsMax ? line : `${line.slice(0, wordsMax)}…`;
}
