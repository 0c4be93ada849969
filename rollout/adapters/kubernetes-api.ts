import { existsSync } from "node:fs";
import https, { type RequestOptions } from "node:https";
import http from "node:http";
import { homedir } from "node:os";
import { join } from "node:path";
import { KubeConfig } from "@kubernetes/client-node";
import { z } from "zod";
import type { ClusterAccess } from "../../infra/contract.ts";
import { OperationError, UserError } from "../errors.ts";

/** An API server under load answers within seconds; a driver that waits longer can as well ask again. */
const requestBoundMs = 10_000;
/** A server that was away until so long ago may refuse what it will allow once it has read who may do what. */
const startingMs = 10_000;
/** Objects of one service; a ConfigMap ends at 1 MiB. */
const bodyBytesMax = 16 * 1024 * 1024;

type Method = "GET" | "POST" | "PUT" | "DELETE";

/** Answers of a server that starts, is overloaded, or has lost its own store for a moment. */
const passingCodes: ReadonlySet<number> = new Set([429, 500, 502, 503, 504]);

/** The API server refused a request, and would refuse it again. */
export class KubernetesApiError extends Error {
  override readonly name = "KubernetesApiError";
  /** HTTP status. */
  readonly code: number;

  constructor(code: number, message: string) {
    super(message);
    this.code = code;
  }
}

/** What the API server says of a refusal. */
const statusSchema = z.object({
  message: z.string(),
  details: z
    .object({ causes: z.array(z.object({ reason: z.string().default("") })).default([]) })
    .default({ causes: [] }),
});
type Refusal = z.infer<typeof statusSchema>;

const namedSchema = z.object({ metadata: z.object({ name: z.string() }) });

/** One API server, asked with the rights of a kubeconfig. */
export class KubernetesApi {
  readonly #config: KubeConfig;
  readonly #server: string;
  #agent: http.Agent | undefined;
  /** When the server gave no answer last, on the clock that never jumps. */
  #awayAt = -Infinity;
  /** The server's clock, as its last answer told it, and when that was on the clock that never jumps. */
  #serverTime: { readonly ms: number; readonly at: number } | null = null;

  private constructor(config: KubeConfig, server: string) {
    this.#config = config;
    this.#server = server.replace(/\/$/, "");
  }

  /** Reads the kubeconfig; asks the server nothing. Throws a UserError when there is none or it lacks the context. */
  static open(access: ClusterAccess): KubernetesApi {
    const config = loadConfig(access);
    if (access.context !== undefined) {
      if (config.getContextObject(access.context) === null) {
        const known = config.getContexts().map((context) => context.name);
        throw new UserError(
          `the kubeconfig has no context "${access.context}", only ${known.join(", ") || "none"}: ` +
            "add it, or correct the context of the platform's cluster",
        );
      }
      config.setCurrentContext(access.context);
    }
    const cluster = config.getCurrentCluster();
    if (cluster === null) {
      throw new UserError(
        "the kubeconfig has no current context: set one with `kubectl config use-context`, or set KUBECONFIG",
      );
    }
    return new KubernetesApi(config, cluster.server);
  }

  /** Host and port of the server, for messages. */
  get host(): string {
    return new URL(this.#server).host;
  }

  /** Milliseconds since the epoch by the server's clock, so that machines whose clocks differ agree; ± 1 s. */
  serverNow(): number {
    if (this.#serverTime === null) return Date.now();
    return this.#serverTime.ms + (performance.now() - this.#serverTime.at);
  }

  /** The object at a path, or null when there is none. */
  async get(path: string, signal?: AbortSignal): Promise<unknown> {
    try {
      return await this.request("GET", path, undefined, signal);
    } catch (error) {
      if (error instanceof KubernetesApiError && error.code === 404) return null;
      throw error;
    }
  }

  /**
   * One request. Throws KubernetesApiError when the server refuses, with the server's own words, a UserError when it
   * forbids, and OperationError when it cannot be reached or says that it cannot answer now.
   */
  async request(
    method: Method,
    path: string,
    body?: object,
    signal?: AbortSignal,
  ): Promise<unknown> {
    const { status, text } = await this.raw(method, path, body, signal);
    const answer = parseJson(text);
    if (status < 300) return answer;
    const refusal = statusSchema.safeParse(answer).data;
    const message = refusal?.message ?? `answered ${status}`;
    const isStarting = performance.now() - this.#awayAt < startingMs;
    if (passingCodes.has(status) || (isStarting && (status === 401 || status === 403)))
      throw new OperationError(
        `the Kubernetes API server ${this.host} answered ${status}: ${message}`,
      );
    if (status === 403) throw new UserError(forbidden(withName(message, body), refusal));
    if (status === 401)
      throw new UserError(`${this.host} does not know this user: log in again (${message})`);
    throw new KubernetesApiError(status, message);
  }

  /** One request, whatever it is answered. Throws OperationError when there is no answer. */
  async raw(
    method: Method,
    path: string,
    body?: object,
    signal?: AbortSignal,
  ): Promise<{ readonly status: number; readonly text: string }> {
    const payload = body === undefined ? undefined : JSON.stringify(body);
    const url = new URL(this.#server + path);
    const options: RequestOptions = { method };
    await this.#config.applyToHTTPSOptions(options);
    options.agent = this.#agentFor(url, options);
    // the client sets an object, never a list
    const authorization = options.headers as http.OutgoingHttpHeaders | undefined;
    options.headers = {
      ...authorization,
      accept: "application/json",
      ...(payload === undefined
        ? {}
        : { "content-type": "application/json", "content-length": Buffer.byteLength(payload) }),
    };
    const bound = AbortSignal.timeout(requestBoundMs);
    options.signal = signal === undefined ? bound : AbortSignal.any([signal, bound]);
    try {
      const response = await send(url, options, payload);
      const date = Date.parse(response.headers.date ?? "");
      if (!Number.isNaN(date)) this.#serverTime = { ms: date, at: performance.now() };
      return { status: response.statusCode ?? 0, text: await readAll(response) };
    } catch (error) {
      // one that was given up says nothing of the server
      if (signal?.aborted !== true) this.#awayAt = performance.now();
      const why = bound.aborted
        ? `no answer within ${requestBoundMs} ms`
        : signal?.aborted === true
          ? "no answer before it was given up"
          : messageOf(error);
      throw new OperationError(
        `the Kubernetes API server ${this.host} cannot be reached: ${why}; see to the cluster, or correct the kubeconfig`,
        { cause: error },
      );
    }
  }

  /** One pool of connections: a handshake for each request would double its time. */
  #agentFor(url: URL, options: RequestOptions): http.Agent | boolean | undefined {
    if (this.#config.getCurrentCluster()?.proxyUrl !== undefined) return options.agent;
    const { ca, cert, key, rejectUnauthorized, servername } = options;
    const tls = Object.fromEntries(
      Object.entries({ ca, cert, key, rejectUnauthorized, servername }).filter(
        ([, value]) => value !== undefined,
      ),
    );
    this.#agent ??=
      url.protocol === "http:"
        ? new http.Agent({ keepAlive: true })
        : new https.Agent({ keepAlive: true, ...tls });
    return this.#agent;
  }
}

function loadConfig({ kubeconfig }: ClusterAccess): KubeConfig {
  const config = new KubeConfig();
  if (kubeconfig !== undefined && /\n|^\s*\{/.test(kubeconfig)) {
    config.loadFromString(kubeconfig);
    return config;
  }
  if (kubeconfig === undefined) {
    const ambient = process.env["KUBECONFIG"] ?? join(homedir(), ".kube", "config");
    const inPod = process.env["KUBERNETES_SERVICE_HOST"] !== undefined;
    if (!ambient.split(":").some((path) => existsSync(path)) && !inPod) {
      throw new UserError(`no kubeconfig at ${ambient}: set KUBECONFIG or create that file`);
    }
    config.loadFromDefault();
    return config;
  }
  if (!existsSync(kubeconfig)) {
    throw new UserError(
      `no kubeconfig at ${kubeconfig}: correct the kubeconfig of the platform's cluster`,
    );
  }
  config.loadFromFile(kubeconfig);
  return config;
}

/** A connection that the server closed while it was idle carried nothing: asked again once. */
async function send(
  url: URL,
  options: RequestOptions,
  payload: string | undefined,
): Promise<http.IncomingMessage> {
  const { request } = url.protocol === "http:" ? http : https;
  return new Promise((resolve, reject) => {
    const attempt = (): void => {
      const sent = request(url, options, resolve);
      sent.once("error", (error: NodeJS.ErrnoException) => {
        if (sent.reusedSocket && error.code === "ECONNRESET") attempt();
        else reject(error);
      });
      sent.end(payload);
    };
    attempt();
  });
}

async function readAll(response: http.IncomingMessage): Promise<string> {
  let text = "";
  response.setEncoding("utf8");
  // with an encoding set, chunks are text
  for await (const chunk of response as AsyncIterable<string>) {
    text += chunk;
    if (text.length > bodyBytesMax)
      throw new Error(`the answer is larger than ${bodyBytesMax} bytes`);
  }
  return text;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return { message: text.slice(0, 500) };
  }
}

/** What the API server says of a creation does not name the object. */
function withName(message: string, body: object | undefined): string {
  const name = namedSchema.safeParse(body).data?.metadata.name;
  return name === undefined || message.includes(`"${name}"`)
    ? message
    : `${message} (to create "${name}")`;
}

/** What the API server says names who, what and where; what to do about it is for us to say. */
function forbidden(message: string, refusal: Refusal | undefined): string {
  // the same status, and no right would help
  if (refusal?.details.causes.some(({ reason }) => reason === "NamespaceTerminating") === true)
    return `${message}. Wait until it is gone, then deploy the service again with \`pulumi up\``;
  return `${message}. Give the user that runs upramp this right with a Role and a RoleBinding; docs/routers.md lists all that it needs`;
}

/** What to do about a refused write, as the end of a sentence; empty where the server's words say it. */
export function hint({ code, message }: KubernetesApiError): string {
  return code === 404 && message.startsWith("namespaces ")
    ? ": create it by deploying the platform stack, or correct the service's namespace"
    : "";
}

function messageOf(error: unknown): string {
  if (error instanceof AggregateError && error.errors.length > 0) return messageOf(error.errors[0]);
  return error instanceof Error ? error.message : String(error);
}
