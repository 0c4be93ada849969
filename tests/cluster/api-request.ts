import { Agent, request, type RequestOptions } from "node:https";
import type { KubeConfig } from "@kubernetes/client-node";

const boundMs = 15_000;

/** Below the time after which the API server closes a connection that is idle. */
const idleMs = 30_000;

/** The API server refused a request. */
export class ApiRefusal extends Error {
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

/** What is sent, beside method and path. */
export interface ApiBody {
  readonly contentType: string;
  readonly text: string;
}

/** One connection pool a cluster; the official client opens a connection for every call. */
const agents = new WeakMap<KubeConfig, Agent>();

/**
 * A request to the API server as it stands: path, query and body are not interpreted. The official
 * client's calls by type drop fields that its types do not have, such as `x-kubernetes-*` of a schema.
 *
 * @throws ApiRefusal for an answer that is not 2xx, with the server's own message
 */
export async function apiRequest(
  config: KubeConfig,
  method: "GET" | "PATCH" | "POST" | "DELETE",
  path: string,
  body?: ApiBody,
): Promise<string> {
  const url = `${config.getCurrentCluster()?.server ?? ""}${path}`;
  const options: RequestOptions = {};
  await config.applyToHTTPSOptions(options);
  const headers = Object.assign(
    {},
    options.headers,
    body === undefined ? {} : { "content-type": body.contentType },
  );
  const agent =
    agents.get(config) ?? new Agent({ ...agentOptions(options), keepAlive: true, timeout: idleMs });
  agents.set(config, agent);
  const bounded = { headers, method, agent, signal: AbortSignal.timeout(boundMs) };
  return new Promise((resolve, reject) => {
    const sent = request(url, bounded, (response) => {
      let text = "";
      response.setEncoding("utf8");
      response.on("data", (chunk: string) => (text += chunk));
      response.once("error", reject);
      response.once("end", () => {
        const status = response.statusCode ?? 0;
        if (status >= 200 && status < 300) resolve(text);
        else
          reject(new ApiRefusal(status, `${method} ${path} answered ${status}: ${saidBy(text)}`));
      });
    });
    sent.once("error", reject);
    sent.end(body?.text);
  });
}

/** The message of a Status, or the text itself. */
function saidBy(text: string): string {
  return /"message":"((?:[^"\\]|\\.)*)"/.exec(text)?.[1] ?? text;
}

function agentOptions({ ca, cert, key, rejectUnauthorized }: RequestOptions): object {
  return { ca, cert, key, rejectUnauthorized };
}
