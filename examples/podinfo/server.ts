import { createServer } from "node:http";
import type { IncomingMessage, ServerResponse } from "node:http";

/**
 * A small HTTP service to roll out. Settings come from the environment:
 * VERSION, PORT, ERROR_RATE (percent of answers that are 500), LATENCY_MS (before each answer),
 * READY_DELAY_MS, NEVER_READY=1, EXIT_AFTER_MS (ends with exit code 1).
 */

function numberOf(name: string, fallback: number, highest = Number.MAX_SAFE_INTEGER): number {
  const text = process.env[name];
  if (text === undefined || text === "") return fallback;
  const value = Number(text);
  if (Number.isFinite(value) && value >= 0 && value <= highest) return value;
  console.error(`${name}=${text}: must be a number from 0 to ${highest}`);
  process.exit(2);
}

const version = process.env["VERSION"] ?? "0.0.0";
const port = numberOf("PORT", 9898, 65_535);
const errorRatePercent = numberOf("ERROR_RATE", 0, 100);
const latencyMs = numberOf("LATENCY_MS", 0);
const readyDelayMs = numberOf("READY_DELAY_MS", 0);
const exitAfterMs = numberOf("EXIT_AFTER_MS", 0);
const neverReady = process.env["NEVER_READY"] === "1";

/** Idle connections are kept longer than a proxy keeps them, so that the proxy is the one that closes. */
const keepAliveMs = 10_000;
/** Requests still open this long after SIGTERM are cut. */
const stopMs = 1_500;

const startedAt = performance.now();
let stopping = false;
const answered = new Map<number, number>();

function isReady(): boolean {
  return !neverReady && !stopping && performance.now() - startedAt >= readyDelayMs;
}

interface Answer {
  readonly status: number;
  readonly body: string;
  readonly type?: string;
}

const json = (status: number, data: object): Answer => ({
  status,
  body: `${JSON.stringify(data)}\n`,
});

const slot = process.env["SLOT"];

/** The paths that health checks and scrapes use: neither slow nor counted. */
function operationalAnswer(path: string): Answer | null {
  switch (path) {
    case "/healthz":
      return json(200, { status: "OK" });
    case "/readyz":
      return isReady() ? json(200, { status: "OK" }) : json(503, { status: "not ready" });
    case "/version":
      return json(200, { version });
    case "/metrics":
      return { status: 200, body: metricsText(), type: "text/plain; version=0.0.4" };
    default:
      return null;
  }
}

function metricsText(): string {
  const counters = [...answered].map(
    ([status, count]) =>
      `http_requests_total{status="${status}",version=${JSON.stringify(version)}} ${count}`,
  );
  return ["# TYPE http_requests_total counter", ...counters, ""].join("\n");
}

function serviceAnswer(path: string): Answer {
  if (path !== "/") return json(404, { error: `no ${path}` });
  if (Math.random() * 100 < errorRatePercent) return json(500, { error: "injected", version });
  return json(200, { message: `greetings from ${version}`, version, slot, pid: process.pid });
}

function send(response: ServerResponse, answer: Answer): void {
  if (stopping) response.setHeader("connection", "close");
  response.writeHead(answer.status, {
    "content-type": answer.type ?? "application/json",
    // who answered, also where the body is an error
    "x-version": version,
  });
  response.end(answer.body);
}

function handle(request: IncomingMessage, response: ServerResponse): void {
  const path = new URL(request.url ?? "/", "http://localhost").pathname;
  const operational = operationalAnswer(path);
  if (operational !== null) {
    send(response, operational);
    return;
  }
  const answer = serviceAnswer(path);
  answered.set(answer.status, (answered.get(answer.status) ?? 0) + 1);
  if (latencyMs === 0) send(response, answer);
  else setTimeout(send, latencyMs, response, answer);
}

const server = createServer({ keepAliveTimeout: keepAliveMs }, handle);

/** Takes no new connection, answers what is open, and ends. */
function stop(): void {
  if (stopping) return;
  stopping = true;
  server.close(() => process.exit(0));
  server.closeIdleConnections();
  setTimeout(() => {
    server.closeAllConnections();
  }, stopMs).unref();
}

process.once("SIGTERM", stop);
process.once("SIGINT", stop);
server.once("error", (error) => {
  console.error(`cannot listen on port ${port}: ${error.message}`);
  process.exit(1);
});
server.listen(port, "127.0.0.1", () => {
  const address = server.address();
  const bound = typeof address === "object" && address !== null ? address.port : port;
  console.log(`podinfo ${version} listens on 127.0.0.1:${bound}`);
});
if (exitAfterMs > 0) {
  setTimeout(() => {
    console.error(`ending after ${exitAfterMs} ms, as EXIT_AFTER_MS says`);
    process.exit(1);
  }, exitAfterMs);
}
