import { readFileSync, statSync, createReadStream } from "node:fs";
import type { IncomingMessage, ServerResponse } from "node:http";
import { createServer } from "node:https";
import { setTimeout as sleep } from "node:timers/promises";
import { nodeAddress, ports } from "../addresses.ts";
import type { KubeletConfig } from "./config.ts";
import { metricsAnswer } from "./metrics-api.ts";
import type { Pods } from "./pods.ts";
import type { UsageMeter } from "./usage.ts";

/** How often a followed log is looked at for more, in ms. */
const followMs = 200;

/**
 * Serves, at the node's address: container logs, for `kubectl logs`, and the resource metrics API, for
 * the autoscaler and `kubectl top`. Only the cluster's own namespace can reach it.
 */
export async function serve(
  config: KubeletConfig,
  pods: Pods,
  usage: UsageMeter,
  signal: AbortSignal,
): Promise<void> {
  const server = createServer(
    { cert: readFileSync(config.servingCertificate), key: readFileSync(config.servingKey) },
    (request, response) => {
      answer(request, response, pods, usage, config.nodeName).catch((error: unknown) => {
        console.error(error);
        response.destroy();
      });
    },
  );
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(ports.kubelet, nodeAddress, resolve);
  });
  signal.addEventListener(
    "abort",
    () => {
      server.close();
      server.closeAllConnections();
    },
    { once: true },
  );
}

async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  pods: Pods,
  usage: UsageMeter,
  nodeName: string,
): Promise<void> {
  const url = new URL(request.url ?? "/", "https://node");
  const log = /^\/containerLogs\/([^/]+)\/([^/]+)\/([^/]+)$/.exec(url.pathname);
  if (log !== null) {
    const [, namespace = "", name = "", container = ""] = log;
    const previous = url.searchParams.get("previous") === "true";
    const path = pods.find(namespace, name)?.logPath(container, previous);
    return sendLog(path, url.searchParams, response);
  }
  const metrics = metricsAnswer(url, pods, usage, nodeName);
  response.setHeader("content-type", "application/json");
  response.statusCode = metrics === undefined ? 404 : 200;
  const notFound = { kind: "Status", apiVersion: "v1", status: "Failure", code: 404 };
  response.end(JSON.stringify(metrics ?? notFound));
}

async function sendLog(
  path: string | undefined,
  query: URLSearchParams,
  response: ServerResponse,
): Promise<void> {
  const size = path === undefined ? undefined : statSync(path, { throwIfNoEntry: false })?.size;
  if (path === undefined || size === undefined) {
    response.statusCode = 404;
    response.end("the container has no log yet\n");
    return;
  }
  response.setHeader("content-type", "text/plain");
  const tailLines = query.get("tailLines");
  const text = readFileSync(path, "utf8");
  response.write(tailLines === null ? text : lastLines(text, Number(tailLines)));
  let sent = Buffer.byteLength(text);
  while (query.get("follow") === "true" && !response.destroyed) {
    const now = statSync(path, { throwIfNoEntry: false })?.size ?? sent;
    if (now > sent) {
      for await (const chunk of createReadStream(path, { start: sent, end: now - 1 })) {
        response.write(chunk);
      }
      sent = now;
    }
    await sleep(followMs);
  }
  response.end();
}

function lastLines(text: string, count: number): string {
  const lines = text.split("\n");
  const ended = text.endsWith("\n") ? 1 : 0;
  return lines.slice(Math.max(0, lines.length - count - ended)).join("\n");
}
