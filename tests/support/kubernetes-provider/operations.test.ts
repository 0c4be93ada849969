import assert from "node:assert/strict";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { type Fields, isFields } from "./kubernetes-object.ts";
import type { Effort } from "./object-writer.ts";
import { KubernetesProvider } from "./operations.ts";
import { parseConfig } from "./provider-config.ts";

const group = "gateway.networking.k8s.io/v1";
const target = { urn: "urn:route", type: `kubernetes:${group}:HTTPRoute`, name: "route" };
const effort: Effort = {
  preview: false,
  timeoutSeconds: 0,
  signal: new AbortController().signal,
  log: () => undefined,
};

/** Answers as an API server that has one HTTPRoute, and remembers what it was asked. */
class RecordedServer {
  readonly requests: string[] = [];
  readonly #server: Server;
  #route: Fields = {};

  constructor() {
    this.#server = createServer((request, response) => {
      const url = new URL(request.url ?? "", "http://server");
      this.requests.push(`${request.method} ${url.pathname}`);
      let body = "";
      request.on("data", (chunk: Buffer) => (body += chunk.toString()));
      request.on("end", () => {
        const answer = this.#answer(url.pathname, body === "" ? undefined : JSON.parse(body));
        response.setHeader("content-type", "application/json");
        response.end(JSON.stringify(answer));
      });
    });
  }

  async start(): Promise<string> {
    await new Promise<void>((resolve) => this.#server.listen(0, "127.0.0.1", resolve));
    // A server that listens on TCP has an address and a port.
    const { port } = this.#server.address() as AddressInfo;
    return JSON.stringify({
      clusters: [
        {
          name: "c",
          // The client takes a server without TLS only when it is told to.
          cluster: { server: `http://127.0.0.1:${port}`, "insecure-skip-tls-verify": true },
        },
      ],
      users: [{ name: "u", user: {} }],
      contexts: [{ name: "x", context: { cluster: "c", user: "u" } }],
      "current-context": "x",
    });
  }

  stop(): void {
    this.#server.closeAllConnections();
    this.#server.close();
  }

  #answer(path: string, body: unknown): unknown {
    if (path === `/apis/${group}`) {
      return { resources: [{ name: "httproutes", kind: "HTTPRoute", namespaced: true }] };
    }
    if (isFields(body)) this.#route = { ...body, status: {} };
    return this.#route;
  }
}

const route = (weight: number) => ({
  apiVersion: group,
  kind: "HTTPRoute",
  metadata: { name: "route" },
  spec: {
    rules: [
      {
        backendRefs: [
          { name: "a", weight: 100 - weight },
          { name: "b", weight },
        ],
      },
    ],
  },
});

describe("what a resource costs the API server", () => {
  let server: RecordedServer;
  let provider: KubernetesProvider;

  before(async () => {
    server = new RecordedServer();
    const kubeconfig = await server.start();
    provider = new KubernetesProvider(parseConfig({ kubeconfig }), 0);
  });

  after(() => server.stop());

  it("is one discovery a group, one request a creation, none for no change, two an update", async () => {
    const collection = `/apis/${group}/namespaces/default/httproutes`;
    const check = async (old: Fields | undefined, news: Fields) =>
      (await provider.check(target, old, news, undefined, new Uint8Array())).inputs;

    const inputs = await check(undefined, route(0));
    const created = await provider.create(target, inputs, effort);
    assert.deepEqual(server.requests.splice(0), [`GET /apis/${group}`, `POST ${collection}`]);

    const same = await check(inputs, route(0));
    assert.deepEqual(provider.diff(target, created.properties, same, []).changes, []);
    assert.deepEqual(server.requests.splice(0), []);

    const next = await check(inputs, route(20));
    const { changes } = provider.diff(target, created.properties, next, []);
    assert.deepEqual(
      changes.map(({ path, kind }) => [path, kind]),
      [
        ["spec.rules[0].backendRefs[0].weight", "update"],
        ["spec.rules[0].backendRefs[1].weight", "update"],
      ],
    );
    const updated = await provider.update(target, created.properties, next, [], effort);
    assert.deepEqual(server.requests.splice(0), [
      `GET ${collection}/route`,
      `PATCH ${collection}/route`,
    ]);
    assert.equal(updated.id, "default/route");
  });
});
