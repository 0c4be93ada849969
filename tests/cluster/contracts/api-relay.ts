import { once } from "node:events";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { request, type RequestOptions } from "node:https";
import { buffer } from "node:stream/consumers";
import type { KubeConfig } from "@kubernetes/client-node";
import type { ClusterAccess } from "../../../infra/contract.ts";

/**
 * What becomes of requests. `open`: answered. `cut`: refused, as by a server that is not there. `mute`: taken, and never
 * answered. `deaf`: the server does what is asked, and the connection ends before its answer is there.
 */
type Mode = "open" | "cut" | "mute" | "deaf";

/**
 * The API server as one client reaches it, so that the way there can break while everybody else goes on. It speaks plain
 * HTTP on loopback and has the rights of the kubeconfig that it is started with.
 */
export class ApiRelay {
  readonly access: ClusterAccess;
  readonly #config: KubeConfig;
  readonly #server: Server;
  #mode: Mode = "open";

  private constructor(config: KubeConfig, server: Server, port: number) {
    this.#config = config;
    this.#server = server;
    this.access = { kubeconfig: kubeconfigFor(`http://127.0.0.1:${port}`) };
  }

  static async start(config: KubeConfig): Promise<ApiRelay> {
    const server = createServer();
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    const bound = server.address();
    if (bound === null || typeof bound === "string") throw new Error("no port");
    const relay = new ApiRelay(config, server, bound.port);
    server.on("request", (asked: IncomingMessage, answer: ServerResponse) => {
      relay.#take(asked, answer).catch(() => asked.socket.destroy());
    });
    return relay;
  }

  /** Changes what becomes of requests, and ends the connections that are there. */
  set(mode: Mode): void {
    this.#mode = mode;
    this.#server.closeAllConnections();
  }

  async close(): Promise<void> {
    this.set("cut");
    this.#server.close();
    await once(this.#server, "close");
  }

  async #take(asked: IncomingMessage, answer: ServerResponse): Promise<void> {
    const mode = this.#mode;
    if (mode === "mute") return;
    if (mode === "cut") throw new Error("cut");
    const body = await buffer(asked);
    const { status, headers, content } = await this.#ask(asked, body);
    if (mode === "deaf") throw new Error("deaf");
    answer.writeHead(status, headers).end(content);
  }

  async #ask(
    { method, url, headers }: IncomingMessage,
    body: Buffer,
  ): Promise<{ status: number; headers: Record<string, string>; content: Buffer }> {
    const options: RequestOptions = {};
    await this.#config.applyToHTTPSOptions(options);
    const type = headers["content-type"];
    Object.assign(options, {
      method,
      headers: Object.assign({}, options.headers, type && { "content-type": type }),
    });
    const sent = request(`${this.#config.getCurrentCluster()?.server ?? ""}${url}`, options);
    sent.end(body);
    // the event's one argument
    const [response] = (await once(sent, "response")) as [IncomingMessage];
    const { date = new Date().toUTCString() } = response.headers;
    return {
      status: response.statusCode ?? 0,
      headers: { date, "content-type": response.headers["content-type"] ?? "" },
      content: await buffer(response),
    };
  }
}

function kubeconfigFor(server: string): string {
  return JSON.stringify({
    apiVersion: "v1",
    kind: "Config",
    // the client wants to be told that plain HTTP is meant
    clusters: [{ name: "relay", cluster: { server, "insecure-skip-tls-verify": true } }],
    users: [{ name: "relay", user: {} }],
    contexts: [{ name: "relay", context: { cluster: "relay", user: "relay" } }],
    "current-context": "relay",
  });
}
