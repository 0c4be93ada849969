import https from "node:https";
import http from "node:http";
import type { KubeConfig } from "@kubernetes/client-node";
import { ApiError, NoMatchError } from "./api-error.ts";
import { type Fields, at, isFields, listAt, namespaceOf, textAt } from "./kubernetes-object.ts";

/** No request takes longer, except watches. An API server under load answers within seconds. */
const requestBoundMs = 30_000;

export type Method = "GET" | "POST" | "PUT" | "PATCH" | "DELETE";

/** One request. */
export interface ApiRequest {
  readonly method: Method;
  readonly path: string;
  readonly query?: Readonly<Record<string, string>>;
  readonly body?: unknown;
  readonly contentType?: string;
  readonly signal?: AbortSignal;
}

/** How a kind is served. */
interface ServedKind {
  readonly plural: string;
  readonly isNamespaced: boolean;
}

/** Clusters that one process talks to at most before the oldest is forgotten. */
const clientsMax = 20;

const clients = new Map<string, ApiClient>();

/**
 * The client for a cluster and a user, the same one for every provider that is configured with them:
 * an engine that attaches finds connections open and kinds known.
 */
export function apiClientFor(kubeConfig: KubeConfig): ApiClient {
  const key = JSON.stringify([kubeConfig.getCurrentCluster(), kubeConfig.getCurrentUser()]);
  const known = clients.get(key);
  if (known !== undefined) return known;
  const [oldest] = clients.keys();
  if (oldest !== undefined && clients.size >= clientsMax) clients.delete(oldest);
  const client = new ApiClient(kubeConfig);
  clients.set(key, client);
  return client;
}

/** One API server, with what it serves cached. */
export class ApiClient {
  readonly #kubeConfig: KubeConfig;
  readonly #server: string;
  #agent: http.Agent | undefined;
  readonly #served = new Map<string, Promise<ReadonlyMap<string, ServedKind>>>();

  constructor(kubeConfig: KubeConfig) {
    this.#kubeConfig = kubeConfig;
    this.#server = kubeConfig.getCurrentCluster()?.server.replace(/\/$/, "") ?? "";
  }

  /**
   * The answer's body.
   *
   * @throws ApiError when the server refuses, Error when it cannot be reached
   */
  async request(request: ApiRequest): Promise<unknown> {
    const response = await this.#send(request);
    const text = await readAll(response);
    const body: unknown = text === "" ? undefined : parseJson(text);
    const code = response.statusCode ?? 0;
    // Not a Status of an object: the kind itself is gone, with its definition.
    if (code === 404 && at(body, "kind") !== "Status") this.#served.clear();
    if (code >= 300) throw new ApiError(code, body);
    return body;
  }

  /** As {@link request}, for an answer that is an object. */
  async object(request: ApiRequest): Promise<Fields> {
    const body = await this.request(request);
    if (!isFields(body)) throw new Error(`${request.path}: the answer is not an object`);
    return body;
  }

  /** The lines of a watch, until the server or the signal ends it. */
  async *watch(
    path: string,
    query: Readonly<Record<string, string>>,
    signal: AbortSignal,
  ): AsyncGenerator<unknown> {
    const response = await this.#send({ method: "GET", path, query, signal });
    if (response.statusCode !== 200) {
      throw new ApiError(response.statusCode ?? 0, parseJson(await readAll(response)));
    }
    let rest = "";
    response.setEncoding("utf8");
    for await (const chunk of response as AsyncIterable<string>) {
      const lines = (rest + chunk).split("\n");
      rest = lines.pop() ?? "";
      for (const line of lines) if (line !== "") yield parseJson(line);
    }
  }

  /** Whether objects of the kind are in a namespace. @throws NoMatchError */
  async isNamespaced(apiVersion: string, kind: string): Promise<boolean> {
    return (await this.#kind(apiVersion, kind)).isNamespaced;
  }

  /** Where the objects of the kind are. @throws NoMatchError */
  async collectionPath(apiVersion: string, kind: string, namespace: string): Promise<string> {
    const { plural, isNamespaced } = await this.#kind(apiVersion, kind);
    const scope = isNamespaced ? `/namespaces/${namespace || "default"}` : "";
    return `${groupPath(apiVersion)}${scope}/${plural}`;
  }

  /** Where the objects of this one's kind and namespace are. @throws NoMatchError */
  async collectionOf(object: Fields): Promise<string> {
    return await this.collectionPath(
      textAt(object, "apiVersion"),
      textAt(object, "kind"),
      namespaceOf(object),
    );
  }

  async #kind(apiVersion: string, kind: string): Promise<ServedKind> {
    const cached = (await this.#kinds(apiVersion)).get(kind);
    if (cached !== undefined) return cached;
    // It may have come since: a CustomResourceDefinition of the same update.
    this.#served.delete(apiVersion);
    const fresh = (await this.#kinds(apiVersion)).get(kind);
    if (fresh === undefined) throw new NoMatchError(apiVersion, kind);
    return fresh;
  }

  async #kinds(apiVersion: string): Promise<ReadonlyMap<string, ServedKind>> {
    let kinds = this.#served.get(apiVersion);
    if (kinds === undefined) {
      kinds = this.#discover(apiVersion);
      this.#served.set(apiVersion, kinds);
      // What failed is not kept: the server may come up, the group may be added.
      kinds.catch(() => this.#served.delete(apiVersion));
    }
    return await kinds;
  }

  async #discover(apiVersion: string): Promise<ReadonlyMap<string, ServedKind>> {
    try {
      const list = await this.object({ method: "GET", path: groupPath(apiVersion) });
      return new Map(
        listAt(list, "resources")
          .filter((resource) => !textAt(resource, "name").includes("/"))
          .map((resource) => [
            textAt(resource, "kind"),
            { plural: textAt(resource, "name"), isNamespaced: resource["namespaced"] === true },
          ]),
      );
    } catch (error) {
      if (error instanceof ApiError && error.code === 404) return new Map();
      throw error;
    }
  }

  async #send(request: ApiRequest): Promise<http.IncomingMessage> {
    const body = request.body === undefined ? undefined : JSON.stringify(request.body);
    const query = new URLSearchParams(request.query).toString();
    const url = new URL(this.#server + request.path + (query === "" ? "" : `?${query}`));
    const headers: http.OutgoingHttpHeaders = { accept: "application/json" };
    const options: https.RequestOptions = { method: request.method, headers };
    // Adds its own to these headers.
    await this.#kubeConfig.applyToHTTPSOptions(options);
    options.agent = this.#agentFor(url, options);
    if (body !== undefined) {
      headers["content-type"] = request.contentType ?? "application/json";
      headers["content-length"] = Buffer.byteLength(body);
    }
    if (request.signal !== undefined) options.signal = request.signal;
    return await this.#attempt(url, options, body, request.query?.["watch"] === "1");
  }

  #attempt(
    url: URL,
    options: https.RequestOptions,
    body: string | undefined,
    isWatch: boolean,
  ): Promise<http.IncomingMessage> {
    return new Promise((resolve, reject) => {
      const { request } = url.protocol === "http:" ? http : https;
      const sent = request(url, options, resolve);
      if (!isWatch) {
        sent.setTimeout(requestBoundMs, () =>
          sent.destroy(new Error(`${url.pathname}: no answer in ${requestBoundMs} ms`)),
        );
      }
      sent.once("error", (error: NodeJS.ErrnoException) => {
        // The server closed an idle connection just now (a restart does): nothing was processed.
        if (sent.reusedSocket && error.code === "ECONNRESET") {
          this.#attempt(url, options, body, isWatch).then(resolve, reject);
        } else {
          reject(unreachable(error, url));
        }
      });
      sent.end(body);
    });
  }

  /** One connection pool, where the kubeconfig asks for no proxy. */
  #agentFor(url: URL, options: https.RequestOptions): http.Agent | boolean | undefined {
    if (this.#kubeConfig.getCurrentCluster()?.proxyUrl !== undefined) return options.agent;
    const { ca, cert, key, rejectUnauthorized, servername } = options;
    this.#agent ??=
      url.protocol === "http:"
        ? new http.Agent({ keepAlive: true })
        : new https.Agent({
            keepAlive: true,
            ...(ca === undefined ? {} : { ca }),
            ...(cert === undefined ? {} : { cert }),
            ...(key === undefined ? {} : { key }),
            ...(rejectUnauthorized === undefined ? {} : { rejectUnauthorized }),
            ...(servername === undefined ? {} : { servername }),
          });
    return this.#agent;
  }
}

function groupPath(apiVersion: string): string {
  return apiVersion.includes("/") ? `/apis/${apiVersion}` : `/api/${apiVersion}`;
}

function unreachable(error: NodeJS.ErrnoException, url: URL): Error {
  if (error.code === "ABORT_ERR") return error;
  return new Error(
    `configured Kubernetes cluster is unreachable at ${url.host}: ${error.message}`,
    {
      cause: error,
    },
  );
}

async function readAll(response: http.IncomingMessage): Promise<string> {
  let text = "";
  response.setEncoding("utf8");
  for await (const chunk of response as AsyncIterable<string>) text += chunk;
  return text;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    // Proxies and plain-text errors: keep the words.
    return { message: text };
  }
}
