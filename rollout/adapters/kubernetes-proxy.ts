import { once } from "node:events";
import { createServer, type IncomingMessage, type Server } from "node:http";
import type { ServiceProxy } from "../../infra/contract.ts";
import { KubernetesApi } from "./kubernetes-api.ts";

/**
 * A Service of the cluster as an HTTP address on loopback, for this process only as long as it is open. Requests go
 * through the API server with the user's own rights, so nothing has to be exposed. A form that is posted becomes a
 * query: reading is then the only right that is needed (`get services/proxy`).
 */
export class KubernetesProxy {
  readonly address: string;
  readonly #server: Server;

  private constructor(server: Server, port: number) {
    this.#server = server;
    this.address = `http://127.0.0.1:${port}`;
  }

  /** Throws a UserError when there is no usable kubeconfig. */
  static async open(target: ServiceProxy): Promise<KubernetesProxy> {
    const api = KubernetesApi.open(target.cluster);
    const { namespace, service, port } = target;
    const prefix = `/api/v1/namespaces/${namespace}/services/http:${service}:${port}/proxy`;
    const server = createServer((request, response) => {
      forward(api, prefix, request).then(
        ({ status, text }) => {
          response.writeHead(status, { "content-type": "application/json" }).end(text);
        },
        (error: unknown) => {
          response.writeHead(502).end(error instanceof Error ? error.message : String(error));
        },
      );
    });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    const bound = server.address();
    // a TCP server's address is an object
    return new KubernetesProxy(
      server,
      typeof bound === "object" && bound !== null ? bound.port : 0,
    );
  }

  close(): void {
    this.#server.close();
    this.#server.closeAllConnections();
  }
}

async function forward(
  api: KubernetesApi,
  prefix: string,
  request: IncomingMessage,
): Promise<{ readonly status: number; readonly text: string }> {
  let form = "";
  request.setEncoding("utf8");
  // with an encoding set, chunks are text
  for await (const chunk of request as AsyncIterable<string>) form += chunk;
  const path = request.url ?? "/";
  const query = form === "" ? "" : `${path.includes("?") ? "&" : "?"}${form}`;
  return api.raw("GET", prefix + path + query);
}
