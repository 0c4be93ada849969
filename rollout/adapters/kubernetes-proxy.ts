import { once } from "node:events";
import { createServer, type IncomingMessage, type Server } from "node:http";
import type { ServiceProxy } from "../../infra/contract.ts";
import { z } from "zod";
import { KubernetesApi } from "./kubernetes-api.ts";
import { parseJson } from "./parse-json.ts";

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
          const refusal = refusalOf(status, text);
          if (refusal !== null) {
            response.writeHead(502).end(refusal);
            return;
          }
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

const statusSchema = z.object({ kind: z.literal("Status"), message: z.string() });

/**
 * What the API server itself says of a request that it did not pass on; null for an answer of the Service. Whoever asks
 * must not take a right that is missing in the cluster for one that is missing at the Service.
 */
function refusalOf(status: number, text: string): string | null {
  if (status < 400) return null;
  const refused = statusSchema.safeParse(parseJson(text)).data;
  if (refused === undefined) return null;
  const advice =
    status === 401 || status === 403
      ? "; give whoever drives the right `get` on services/proxy of that name"
      : "";
  return `the API server answered ${status}: ${refused.message}${advice}`;
}
