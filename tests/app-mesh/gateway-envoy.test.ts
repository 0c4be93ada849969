import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer, request, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { getTool } from "../../tools/get.ts";
import { progressTo } from "../../tools/progress.ts";
import { EnvoyRefusal } from "../cluster/app-mesh/envoy-admin.ts";
import { GatewayEnvoy } from "../cluster/app-mesh/gateway-envoy.ts";
import type { MeshObject } from "../cluster/app-mesh/objects.ts";
import { translate, type GatewayResources } from "../cluster/app-mesh/translate.ts";
import {
  accepted,
  gateway,
  gatewayRoute,
  httpRoute,
  mesh,
  meshObject,
  node,
  router,
  service,
} from "./mesh-fixture.ts";

/** What one node answers with: who it is, and what it was asked. */
interface Answer {
  readonly status: number | undefined;
  readonly node: string;
  readonly path: string;
  readonly host: string;
}

describe("a real Envoy as gateway", function () {
  this.timeout(30_000);
  let envoy: GatewayEnvoy;
  let folder: string;
  let port: number;
  const servers: Server[] = [];
  const ports: Record<string, number> = {};
  /** How often the node that fails was asked. */
  let failing = 0;

  before(async function () {
    this.timeout(180_000);
    // It is held by Linux's parent-death signal, so that no killed run leaves one behind.
    if (process.platform !== "linux") return this.skip();
    const { path: envoyPath } = await getTool("envoy", progressTo(process.stderr));
    for (const name of ["primary", "canary"]) ports[name] = await serve(servers, name);
    ports["failing"] = await serve(servers, "failing", () => ((failing += 1), 503));
    const [listenerPort, adminPort, egressPort] = await freePorts(3);
    port = listenerPort ?? 0;
    folder = mkdtempSync(join(tmpdir(), "upramp-gateway-"));
    envoy = new GatewayEnvoy({
      envoyPath,
      folder,
      logPath: join(folder, "envoy.log"),
      mesh: "global",
      gateway: "ingress_test",
      address: "127.0.0.1",
      ...(adminPort === undefined ? {} : { adminPort }),
      ...(egressPort === undefined ? {} : { egressPort }),
    });
    await envoy.start();
  });

  after(async () => {
    await envoy?.stop();
    for (const server of servers) server.close();
    if (folder !== undefined) rmSync(folder, { recursive: true, force: true });
  });

  const nodes = (listener: object = {}): MeshObject[] =>
    Object.entries(ports).map(([name, nodePort]) =>
      node(
        name,
        { serviceDiscovery: { dns: { hostname: "127.0.0.1" } } },
        { portMapping: { port: nodePort, protocol: "http" }, ...listener },
      ),
    );

  const resourcesOf = (...objects: readonly MeshObject[]): GatewayResources => {
    const hasGatewayRoute = objects.some(({ kind }) => kind === "GatewayRoute");
    const hasNodes = objects.some(({ kind }) => kind === "VirtualNode");
    const account = accepted([
      mesh,
      gateway(port),
      service,
      ...(hasNodes ? [] : nodes()),
      ...(hasGatewayRoute ? [] : [gatewayRoute()]),
      ...objects,
    ]);
    const [only] = account.VirtualGateway.values();
    assert.ok(only !== undefined, "the fixture has a gateway");
    return translate(account, only, { services: [], slices: [], pods: [] }, envoy.place);
  };

  const ask = (path: string, headers: Record<string, string> = {}, method = "GET") =>
    askAt(port, path, headers, method);

  const toCanary = (match: object): object =>
    httpRoute("marked", { canary: 100 }, { prefix: "/", ...match }, { priority: 1 });
  const toPrimary = httpRoute("others", { primary: 100 }, { prefix: "/" }, { priority: 2 });
  const header = (match?: object, invert = false): object => ({
    headers: [{ name: "x-a", invert, ...(match && { match }) }],
  });

  const asked = {
    plain: ["/", {}],
    value: ["/", { "x-a": "value" }],
    seven: ["/", { "x-a": "7" }],
    query: ["/?a=1&b=2", {}],
    deep: ["/api/users", {}],
    post: ["/", {}, "POST"],
  } as const satisfies Record<
    string,
    readonly [string, Record<string, string>] | readonly [string, Record<string, string>, string]
  >;
  type Asked = keyof typeof asked;

  const matches: readonly (readonly [string, object, readonly Asked[]])[] = [
    ["an exact header", header({ exact: "value" }), ["value"]],
    ["the start of a header", header({ prefix: "val" }), ["value"]],
    ["the end of a header", header({ suffix: "lue" }), ["value"]],
    ["a header by regex", header({ regex: "v.l.e" }), ["value"]],
    ["a header's range", header({ range: { start: 7, end: 8 } }), ["seven"]],
    ["a header that is there", header(), ["value", "seven"]],
    ["a header that is not there", header(undefined, true), ["plain", "query", "deep", "post"]],
    ["a header's range without its end", header({ range: { start: 1, end: 7 } }), []],
    ["a method", { method: "POST" }, ["post"]],
    ["a query parameter", { queryParameters: [{ name: "a", match: { exact: "1" } }] }, ["query"]],
    ["a query parameter that is there", { queryParameters: [{ name: "b" }] }, ["query"]],
    ["a longer prefix", { prefix: "/api" }, ["deep"]],
    ["an exact path", { prefix: undefined, path: { exact: "/api/users" } }, ["deep"]],
    ["a path by regex", { prefix: undefined, path: { regex: "/api/[a-z]+" } }, ["deep"]],
  ];
  for (const [title, match, expected] of matches) {
    it(`sends ${title} to the canary and nothing else`, async () => {
      await envoy.apply(resourcesOf(router(toCanary(match), toPrimary)));
      const reached: string[] = [];
      for (const [name, [path, headers, method]] of Object.entries<
        readonly [string, Record<string, string>, string?]
      >(asked)) {
        if ((await ask(path, headers, method)).node === "canary") reached.push(name);
      }
      assert.deepEqual(reached, expected);
    });
  }

  it("splits by weight, and all at 0 and 100", async () => {
    for (const [weight, least, most] of [
      [0, 0, 0],
      [50, 60, 140],
      [100, 200, 200],
    ] as const) {
      const weights = { canary: weight, primary: 100 - weight };
      await envoy.apply(resourcesOf(router(httpRoute("podinfo", weights))));
      let canary = 0;
      for (let sent = 0; sent < 200; sent += 1) {
        if ((await ask("/")).node === "canary") canary += 1;
      }
      // 200 requests at a half: 40 off is more than five standard deviations.
      assert.ok(least <= canary && canary <= most, `${canary} of 200 at weight ${weight}`);
    }
  });

  it("rewrites host and prefix for the service, or leaves them", async () => {
    const weights = router(httpRoute("podinfo", { primary: 100 }));
    await envoy.apply(resourcesOf(weights, gatewayRoute({ prefix: "/shop" })));
    assert.deepEqual(await ask("/shop/cart?x=1", { host: "shop.example" }), {
      status: 200,
      node: "primary",
      path: "/cart?x=1",
      host: "podinfo.test",
    });
    const kept = {
      prefix: { defaultPrefix: "DISABLED" },
      hostname: { defaultTargetHostname: "DISABLED" },
    };
    await envoy.apply(resourcesOf(weights, gatewayRoute({ prefix: "/shop" }, kept)));
    assert.deepEqual(await ask("/shop/cart?x=1", { host: "shop.example" }), {
      status: 200,
      node: "primary",
      path: "/shop/cart?x=1",
      host: "shop.example",
    });
    assert.equal((await ask("/elsewhere")).status, 404);
  });

  it("rewrites a whole path and takes a host name with a port", async () => {
    const route = gatewayRoute(
      { path: { regex: "/old/.*" }, hostname: { suffix: ".example" } },
      { path: { exact: "/new" } },
    );
    await envoy.apply(resourcesOf(router(httpRoute("podinfo", { primary: 100 })), route));
    assert.equal((await ask("/old/x", { host: "a.example:8080" })).path, "/new");
    assert.equal((await ask("/old/x", { host: "a.other" })).status, 404);
  });

  it("retries as App Mesh did unseen, as it is told, or not at all", async () => {
    const tries = async (retryPolicy?: object): Promise<number> => {
      const more = retryPolicy === undefined ? {} : { retryPolicy };
      const route = httpRoute("podinfo", { failing: 100 }, undefined, more);
      await envoy.apply(resourcesOf(router(route)));
      failing = 0;
      assert.equal((await ask("/")).status, 503);
      return failing;
    };
    const perRetryTimeout = { unit: "s", value: 1 };
    const httpRetryEvents = ["gateway-error"];
    assert.equal(await tries(), 3);
    assert.equal(await tries({ maxRetries: 1, perRetryTimeout, httpRetryEvents }), 2);
    assert.equal(await tries({ maxRetries: 0, perRetryTimeout, httpRetryEvents }), 1);
    assert.equal(
      await tries({ maxRetries: 1, perRetryTimeout, httpRetryEvents: ["client-error"] }),
      1,
    );
  });

  it("ends a request at the route's bound", async () => {
    const timeout = { perRequest: { unit: "ms", value: 100 } };
    await envoy.apply(
      resourcesOf(router(httpRoute("podinfo", { primary: 100 }, undefined, { timeout }))),
    );
    assert.equal((await ask("/slow")).status, 504);
    assert.equal((await ask("/")).status, 200);
  });

  it("takes everything that a node's listener can say", async () => {
    const second = { unit: "s", value: 1 };
    const everything = {
      healthCheck: {
        protocol: "http",
        path: "/healthz",
        healthyThreshold: 2,
        unhealthyThreshold: 2,
        intervalMillis: 5000,
        timeoutMillis: 2000,
      },
      outlierDetection: {
        maxServerErrors: 5,
        interval: second,
        baseEjectionDuration: second,
        maxEjectionPercent: 50,
      },
      timeout: { http: { perRequest: second, idle: second } },
    };
    const other = (protocol: string, nodePort: number): MeshObject =>
      node(
        `${protocol}-node`,
        { serviceDiscovery: { dns: { hostname: "127.0.0.1" } } },
        {
          portMapping: { port: nodePort, protocol },
          healthCheck: { ...everything.healthCheck, protocol, port: nodePort },
        },
      );
    const grpcRoute = {
      match: { serviceName: "a.B", methodName: "C", metadata: [{ name: "m" }] },
      action: { weightedTargets: [{ virtualNodeRef: { name: "grpc-node" }, weight: 1 }] },
    };
    const objects = [
      ...nodes(everything),
      other("grpc", ports["primary"] ?? 0),
      other("http2", ports["primary"] ?? 0),
      router(
        httpRoute("http2", { "http2-node": 1 }, { prefix: "/h2" }),
        { name: "grpc", grpcRoute },
        httpRoute("podinfo", { primary: 100, canary: 0 }),
      ),
    ];
    await envoy.apply(resourcesOf(...objects));
    assert.equal((await ask("/")).status, 200);
  });

  it("takes a pool, a log and several listeners of a gateway", async () => {
    const [secondPort = 0] = await freePorts(1);
    const accessLogPath = join(folder, "access.log");
    const account = accepted([
      mesh,
      meshObject("VirtualGateway", "ingress", {
        listeners: [
          {
            portMapping: { port, protocol: "http" },
            connectionPool: { http: { maxConnections: 100, maxPendingRequests: 10 } },
          },
          {
            portMapping: { port: secondPort, protocol: "http2" },
            connectionPool: { http2: { maxRequests: 100 } },
          },
        ],
        logging: { accessLog: { file: { path: accessLogPath } } },
      }),
      service,
      ...nodes(),
      gatewayRoute(),
      router(httpRoute("podinfo", { primary: 100 })),
    ]);
    const [only] = account.VirtualGateway.values();
    assert.ok(only !== undefined, "the fixture has a gateway");
    const network = { services: [], slices: [], pods: [] };
    await envoy.apply(translate(account, only, network, envoy.place));
    assert.equal((await ask("/")).status, 200);
    assert.equal((await askAt(secondPort, "/", {}, "GET")).status, 200);
  });

  it("says what Envoy does not take, keeps what it had, and takes the next", async () => {
    const good = resourcesOf(router(httpRoute("podinfo", { primary: 100 })));
    await envoy.apply(good);
    const routes = { virtual_hosts: [{ name: "x", domains: [] }] };
    const egressRoutes = { ...good.routes["rds_egress_http_15001"], ...routes };
    const bad = { ...good, routes: { ...good.routes, rds_egress_http_15001: egressRoutes } };
    for (const attempt of ["first", "second"]) {
      await assert.rejects(envoy.apply(bad), EnvoyRefusal, attempt);
      assert.equal((await ask("/")).node, "primary");
    }
    await envoy.apply(resourcesOf(router(httpRoute("podinfo", { canary: 100 }))));
    assert.equal((await ask("/")).node, "canary");
  });

  it("starts again with what it was told last, also meanwhile", async () => {
    await envoy.process.kill();
    await envoy.apply(resourcesOf(router(httpRoute("podinfo", { primary: 100 }))));
    await envoy.start();
    assert.equal((await ask("/")).node, "primary");
    await envoy.apply(resourcesOf(router(httpRoute("podinfo", { canary: 100 }))));
    assert.equal((await ask("/")).node, "canary");
  });

  it("forgets the cluster of a node that no route names any more", async () => {
    const clusters = async (): Promise<boolean> => {
      const stats = await envoy.admin.stats("cluster.*canary.*membership_total");
      return stats.size > 0;
    };
    await envoy.apply(resourcesOf(router(httpRoute("podinfo", { primary: 100, canary: 0 }))));
    assert.equal(await clusters(), true);
    await envoy.apply(resourcesOf(router(httpRoute("podinfo", { primary: 100 }))));
    assert.equal(await clusters(), false);
    await envoy.apply(resourcesOf(router(httpRoute("podinfo", { canary: 100 }))));
    assert.equal((await ask("/")).node, "canary");
  });
});

/** A node's pod: answers with its name and what it was asked. `/slow` takes half a second. */
async function serve(
  servers: Server[],
  name: string,
  statusOf: () => number = () => 200,
): Promise<number> {
  const server = createServer((asked, response) => {
    const answer = { node: name, path: asked.url, host: asked.headers.host };
    response.statusCode = statusOf();
    const delayMs = asked.url === "/slow" ? 500 : 0;
    setTimeout(() => response.end(JSON.stringify(answer)), delayMs);
  });
  servers.push(server);
  return listen(server);
}

/** Ports that nothing listens at, on loopback. */
async function freePorts(count: number): Promise<number[]> {
  const servers = Array.from({ length: count }, () => createServer());
  const ports = await Promise.all(servers.map(listen));
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  return ports;
}

function listen(server: Server): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(0, "127.0.0.1", () => {
      // A server that listens at a port has an address with one.
      resolve((server.address() as AddressInfo).port);
    });
  });
}

function askAt(
  port: number,
  path: string,
  headers: Record<string, string>,
  method: string,
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const sent = request(
      { host: "127.0.0.1", port, path, method, headers, signal: AbortSignal.timeout(5_000) },
      (response) => {
        let body = "";
        response.setEncoding("utf8");
        response.on("data", (chunk: string) => (body += chunk));
        response.once("error", reject);
        response.once("end", () => {
          const word = (name: string): string =>
            new RegExp(`"${name}":"([^"]*)"`).exec(body)?.[1] ?? "";
          const { statusCode: status } = response;
          resolve({ status, node: word("node"), path: word("path"), host: word("host") });
        });
      },
    );
    sent.once("error", reject);
    sent.end();
  });
}
