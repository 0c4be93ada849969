/**
 * The service that the cluster's tests roll out. It has the variables of `examples/podinfo`, and
 * beyond that what shows a test from inside a pod: its variables, its files, a processor to burn.
 *
 * It imports nothing but Node's own modules, so that the file alone, mounted from a ConfigMap into a
 * stock `node` image, is the same service on any cluster.
 *
 * | Variable      | Meaning                                            | Default |
 * | ------------- | -------------------------------------------------- | ------- |
 * | VERSION       | what /version and the header x-version say         | `0.0.0` |
 * | MESSAGE       | what / says                                        | `hello` |
 * | PORT          | port                                               | 9898    |
 * | POD_IP        | address to listen at                               | all     |
 * | ERROR_RATE    | percent of requests answered 500, evenly spread    | 0       |
 * | LATENCY_MS    | delay of every answer                              | 0       |
 * | NEVER_READY   | `1`: /readyz says no until it is enabled           | 0       |
 * | EXIT_AFTER_MS | ends by itself so long after its start             | never   |
 * | EXIT_CODE     | with this code                                     | 1       |
 *
 * Paths: `/`, `/version`, `/healthz`, `/readyz` (POST `/readyz/disable` and `/readyz/enable`),
 * `/headers`, `/env?name=`, `/file?path=`, `/status/CODE`, `/delay/SECONDS`, `/burn?ms=`, `/metrics`.
 * Health, readiness and metrics have no faults.
 */
import { readFileSync } from "node:fs";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { hostname } from "node:os";
import { setTimeout as sleep } from "node:timers/promises";

const {
  VERSION: version = "0.0.0",
  MESSAGE: message = "hello",
  PORT: port = "9898",
  ERROR_RATE: errorRatePercent = "0",
  LATENCY_MS: latencyMs = "0",
  NEVER_READY: neverReady = "0",
  EXIT_AFTER_MS: exitAfterMs,
  EXIT_CODE: exitCode = "1",
  POD_IP: address = "::",
  HOSTNAME: host = hostname(),
} = process.env;

const bucketsSeconds = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5];
const counts = new Map<string, number>();
const bucketCounts = bucketsSeconds.map(() => 0);
let durationSum = 0;
let requestCount = 0;
let isReady = neverReady !== "1";
let isStopping = false;
let errorDebt = 0;

const server = createServer((request, response) => {
  answer(request, response).catch((error: unknown) => {
    response.statusCode = 500;
    response.end(`${String(error)}\n`);
  });
});

async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const url = new URL(request.url ?? "/", "http://podinfo");
  if (isStopping) response.setHeader("connection", "close");
  if (answerOperator(request.method ?? "GET", url.pathname, response)) return;
  const startedAt = performance.now();
  response.once("finish", () => {
    measure(request.method ?? "GET", response.statusCode, (performance.now() - startedAt) / 1_000);
  });
  if (Number(latencyMs) > 0) await sleep(Number(latencyMs));
  if (isUnlucky()) return send(response, 500, { version, error: "as asked by ERROR_RATE" });
  return answerUser(request, url, response);
}

/** Answers what probes and Prometheus ask; false for anything else. */
function answerOperator(method: string, path: string, response: ServerResponse): boolean {
  switch (`${method} ${path}`) {
    case "GET /healthz":
      send(response, 200, { status: "OK" });
      return true;
    case "GET /readyz":
      send(response, isReady ? 200 : 503, { status: isReady ? "OK" : "not ready" });
      return true;
    case "POST /readyz/enable":
    case "POST /readyz/disable":
      isReady = path.endsWith("enable");
      send(response, 202, { status: "OK" });
      return true;
    case "GET /metrics":
      response.setHeader("content-type", "text/plain; version=0.0.4");
      response.end(metrics());
      return true;
    default:
      return false;
  }
}

async function answerUser(
  request: IncomingMessage,
  url: URL,
  response: ServerResponse,
): Promise<void> {
  const [, first = "", second = ""] = url.pathname.split("/");
  const query = (name: string): string => url.searchParams.get(name) ?? "";
  switch (first) {
    case "":
      return send(response, 200, { version, message, hostname: host });
    case "version":
      return send(response, 200, { version });
    case "headers":
      return send(response, 200, request.headers);
    case "env":
      return send(response, 200, { value: process.env[query("name")] ?? null });
    case "file":
      return send(response, 200, { content: readFileSync(query("path"), "utf8") });
    case "status":
      return send(response, Number(second), { status: Number(second) });
    case "delay":
      await sleep(Number(second) * 1_000);
      return send(response, 200, { delay: Number(second) });
    case "burn":
      burn(Number(query("ms")));
      return send(response, 200, { version });
    default:
      return send(response, 404, { error: "no such path" });
  }
}

/** Spreads the errors evenly, so that a short test sees the share it asked for. */
function isUnlucky(): boolean {
  errorDebt += Number(errorRatePercent);
  if (errorDebt < 100) return false;
  errorDebt -= 100;
  return true;
}

function burn(ms: number): void {
  const until = performance.now() + ms;
  while (performance.now() < until);
}

function send(response: ServerResponse, status: number, body: object): void {
  response.statusCode = status;
  response.setHeader("content-type", "application/json");
  response.setHeader("x-version", version);
  response.end(`${JSON.stringify(body)}\n`);
}

function measure(method: string, status: number, seconds: number): void {
  const labels = `method="${method}",status="${status}"`;
  counts.set(labels, (counts.get(labels) ?? 0) + 1);
  requestCount += 1;
  durationSum += seconds;
  for (const [index, bound] of bucketsSeconds.entries()) {
    if (seconds <= bound) bucketCounts[index] = (bucketCounts[index] ?? 0) + 1;
  }
}

function metrics(): string {
  const duration = "http_request_duration_seconds";
  return [
    "# TYPE http_requests_total counter",
    ...[...counts].map(([labels, count]) => `http_requests_total{${labels}} ${count}`),
    `# TYPE ${duration} histogram`,
    ...bucketsSeconds.map((le, index) => `${duration}_bucket{le="${le}"} ${bucketCounts[index]}`),
    `${duration}_bucket{le="+Inf"} ${requestCount}`,
    `${duration}_sum ${durationSum}`,
    `${duration}_count ${requestCount}`,
    "",
  ].join("\n");
}

/** Takes no new connection, finishes what is under way, and ends. */
function stop(): void {
  isStopping = true;
  isReady = false;
  server.close(() => process.exit(0));
  // A connection whose last answer was under way becomes idle only later.
  setInterval(() => server.closeIdleConnections(), 50);
}

process.once("SIGTERM", stop);
process.once("SIGINT", stop);
// Who is called through a proxy leaves it to the proxy to close what is idle: at Node's own 5 s a request can
// be under way already.
server.keepAliveTimeout = 0;
server.listen(Number(port), address, () => {
  console.log(`podinfo ${version} listens at ${address}:${port}`);
});
if (exitAfterMs !== undefined) {
  setTimeout(() => {
    console.error(`podinfo ends with code ${exitCode}, as asked by EXIT_AFTER_MS`);
    process.exit(Number(exitCode));
  }, Number(exitAfterMs));
}
