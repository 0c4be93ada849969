import assert from "node:assert/strict";
import type { Account } from "../cluster/app-mesh/account.ts";
import type { Network } from "../cluster/app-mesh/endpoints.ts";
import type { MeshObject } from "../cluster/app-mesh/objects.ts";
import { defaultRetryPolicy } from "../cluster/app-mesh/retries.ts";
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
  surroundings,
} from "./mesh-fixture.ts";

const place = {
  address: "10.244.0.64",
  egress: { address: "10.244.0.64", port: 15_001 },
  edsPath: (cluster: string) => `/xds/eds-${cluster}.json`,
  rdsPath: (name: string) => `/xds/${name}.json`,
};

const nowhere: Network = { services: [], slices: [], pods: [] };

const canaryCluster = "cds_egress_global_canary_test_http_9898";
const primaryCluster = "cds_egress_global_primary_test_http_9898";

function translated(objects: readonly MeshObject[], network = nowhere): GatewayResources {
  return translateAccount(accepted(objects), network);
}

function translateAccount(account: Account, network = nowhere): GatewayResources {
  const [only] = account.VirtualGateway.values();
  assert.ok(only !== undefined, "the fixture has a gateway");
  return translate(account, only, network, place);
}

/** What a value has at a path of keys and indexes. */
function at(value: unknown, ...path: readonly (string | number)[]): unknown {
  return path.reduce<unknown>(
    (inner, key) =>
      typeof inner === "object" && inner !== null ? Reflect.get(inner, key) : undefined,
    value,
  );
}

const egress = (resources: GatewayResources): unknown => resources.routes["rds_egress_http_15001"];
const ingress = (resources: GatewayResources): unknown => resources.routes["rds_ingress_http_8088"];
const firstEgressRoute = (...objects: readonly MeshObject[]): unknown =>
  at(egress(translated([...surroundings, ...objects])), "virtual_hosts", 0, "routes", 0);

describe("a gateway's Envoy", () => {
  const resources = translated([
    ...surroundings,
    router(httpRoute("podinfo", { canary: 10, primary: 90 })),
  ]);

  it("has the listeners, route configurations and clusters that App Mesh gave it", () => {
    assert.deepEqual(
      resources.listeners.map(({ name }) => name),
      ["lds_ingress_0.0.0.0_8088", "lds_egress_0.0.0.0_15001"],
    );
    assert.deepEqual(Object.keys(resources.routes), [
      "rds_ingress_http_8088",
      "rds_egress_http_15001",
    ]);
    assert.deepEqual(
      resources.clusters.map(({ name }) => name),
      ["cds_ingress_global_ingress_test_self_redirect_http_15001", canaryCluster, primaryCluster],
    );
  });

  it("sends every request to its own egress listener, by the name of the service", () => {
    assert.deepEqual(at(ingress(resources), "virtual_hosts"), [
      {
        name: "self_redirect",
        domains: ["*"],
        routes: [
          {
            match: { prefix: "/" },
            route: {
              cluster: "cds_ingress_global_ingress_test_self_redirect_http_15001",
              prefix_rewrite: "/",
              host_rewrite_literal: "podinfo.test",
              timeout: "15s",
            },
          },
        ],
      },
    ]);
  });

  it("splits a service's requests there by weight", () => {
    assert.deepEqual(at(egress(resources), "virtual_hosts"), [
      {
        name: "podinfo.test",
        domains: ["podinfo.test", "podinfo.test:15001"],
        routes: [
          {
            match: { prefix: "/" },
            route: {
              weighted_clusters: {
                clusters: [
                  { name: canaryCluster, weight: 10 },
                  { name: primaryCluster, weight: 90 },
                ],
              },
              timeout: "15s",
              retry_policy: defaultRetryPolicy,
            },
          },
        ],
      },
    ]);
  });

  it("keeps the cluster of a node whose weight is 0", () => {
    const { clusters } = translated([
      ...surroundings,
      router(httpRoute("podinfo", { canary: 0, primary: 100 })),
    ]);
    assert.ok(clusters.some(({ name }) => name === canaryCluster));
  });

  it("knows nothing of services that no gateway route names", () => {
    const withoutRoute = surroundings.filter(({ kind }) => kind !== "GatewayRoute");
    const { clusters, routes } = translated([
      ...withoutRoute,
      router(httpRoute("podinfo", { primary: 100 })),
    ]);
    assert.equal(clusters.length, 1);
    assert.deepEqual(at(routes["rds_egress_http_15001"], "virtual_hosts"), []);
  });
});

describe("the match of an HTTP route", () => {
  const header = (match?: object, invert?: boolean): object => ({
    prefix: "/",
    headers: [
      { name: "x-a", ...(match && { match }), ...(invert === undefined ? {} : { invert }) },
    ],
  });
  const headers = (condition: object): object => ({
    prefix: "/",
    headers: [{ name: "x-a", ...condition }],
  });
  const cases: readonly (readonly [string, object, object])[] = [
    ["a prefix", { prefix: "/api" }, { prefix: "/api" }],
    ["an exact path", { path: { exact: "/api" } }, { path: "/api" }],
    ["a path by regex", { path: { regex: "/a.*" } }, { safe_regex: { regex: "/a.*" } }],
    ["a header that is there", header(), headers({ present_match: true })],
    ["an exact header", header({ exact: "v" }), headers({ string_match: { exact: "v" } })],
    ["the start of a header", header({ prefix: "v" }), headers({ string_match: { prefix: "v" } })],
    ["the end of a header", header({ suffix: "v" }), headers({ string_match: { suffix: "v" } })],
    [
      "a header by regex",
      header({ regex: "v+" }),
      headers({ string_match: { safe_regex: { regex: "v+" } } }),
    ],
    [
      "a header's range",
      header({ range: { start: 1, end: 5 } }),
      headers({ range_match: { start: 1, end: 5 } }),
    ],
    [
      "a header that is not so",
      header({ exact: "v" }, true),
      headers({ string_match: { exact: "v" }, invert_match: true }),
    ],
    [
      "a header that is not there",
      header(undefined, true),
      headers({ present_match: true, invert_match: true }),
    ],
    [
      "method and scheme",
      { prefix: "/", method: "POST", scheme: "https" },
      {
        prefix: "/",
        headers: [
          { name: ":method", string_match: { exact: "POST" } },
          { name: ":scheme", string_match: { exact: "https" } },
        ],
      },
    ],
    [
      "query parameters",
      { prefix: "/", queryParameters: [{ name: "a", match: { exact: "1" } }, { name: "b" }] },
      {
        prefix: "/",
        query_parameters: [
          { name: "a", string_match: { exact: "1" } },
          { name: "b", present_match: true },
        ],
      },
    ],
  ];
  for (const [title, match, expected] of cases) {
    it(`takes ${title}`, () => {
      const route = firstEgressRoute(router(httpRoute("podinfo", { primary: 100 }, match)));
      assert.deepEqual(at(route, "match"), expected);
    });
  }
});

describe("the match of a gRPC route", () => {
  const cases: readonly (readonly [string, object, object])[] = [
    ["everything", {}, { prefix: "/", grpc: {} }],
    ["a service", { serviceName: "a.B" }, { prefix: "/a.B/", grpc: {} }],
    ["a method", { serviceName: "a.B", methodName: "C" }, { path: "/a.B/C", grpc: {} }],
    [
      "metadata",
      { metadata: [{ name: "m", match: { exact: "v" } }] },
      { prefix: "/", grpc: {}, headers: [{ name: "m", string_match: { exact: "v" } }] },
    ],
  ];
  for (const [title, match, expected] of cases) {
    it(`takes ${title}`, () => {
      const action = { weightedTargets: [{ virtualNodeRef: { name: "primary" }, weight: 100 }] };
      const route = firstEgressRoute(router({ name: "r", grpcRoute: { match, action } }));
      assert.deepEqual(at(route, "match"), expected);
    });
  }
});

describe("the order of routes", () => {
  const namesInOrder = (...routes: readonly object[]): unknown => {
    const order = at(
      egress(translated([...surroundings, router(...routes)])),
      "virtual_hosts",
      0,
      "routes",
    );
    assert.ok(Array.isArray(order));
    return order.map((route) => at(route, "match", "prefix") ?? at(route, "match", "path"));
  };
  const route = (prefix: string, priority?: number): object =>
    httpRoute(prefix, { primary: 100 }, { prefix }, priority === undefined ? {} : { priority });

  it("is by priority, 0 first, and those without one last", () => {
    assert.deepEqual(
      namesInOrder(route("/long/path"), route("/b", 20), route("/", 10), route("/c", 0)),
      ["/c", "/", "/b", "/long/path"],
    );
  });

  it("is by length of prefix where the priority is the same", () => {
    assert.deepEqual(namesInOrder(route("/"), route("/ab"), route("/a")), ["/ab", "/a", "/"]);
  });

  it("puts an exact path before a prefix", () => {
    const exact = httpRoute("exact", { primary: 100 }, { path: { exact: "/a" } });
    assert.deepEqual(namesInOrder(route("/abc"), exact), ["/a", "/abc"]);
  });

  it("puts the route with a header before the one without", () => {
    const marked = httpRoute("z", { canary: 100 }, { prefix: "/", headers: [{ name: "x-a" }] });
    const first = firstEgressRoute(router(httpRoute("a", { primary: 100 }), marked));
    assert.deepEqual(at(first, "match", "headers", 0, "name"), "x-a");
  });
});

describe("a route's retries and bounds", () => {
  const perRetryTimeout = { unit: "ms", value: 250 };
  const withRoute = (more: object, listener: object = {}): unknown => {
    const nodes = [node("primary", {}, listener), node("canary")];
    const others = surroundings.filter(({ kind }) => kind !== "VirtualNode");
    const objects = [
      ...others,
      ...nodes,
      router(httpRoute("r", { canary: 0, primary: 100 }, undefined, more)),
    ];
    return at(egress(translated(objects)), "virtual_hosts", 0, "routes", 0, "route");
  };
  const retryOn = (retryPolicy: object): unknown => at(withRoute({ retryPolicy }), "retry_policy");

  it("has App Mesh's unseen policy where none is given", () => {
    assert.deepEqual(at(withRoute({}), "retry_policy", "num_retries"), 2);
    assert.deepEqual(at(withRoute({}), "retry_policy", "retriable_status_codes"), [503]);
  });

  it("has the events of a given policy as codes and words", () => {
    const policy = retryOn({
      maxRetries: 1,
      perRetryTimeout,
      httpRetryEvents: ["gateway-error", "client-error", "stream-error"],
      tcpRetryEvents: ["connection-error"],
    });
    assert.equal(
      at(policy, "retry_on"),
      "reset,refused-stream,connect-failure,retriable-status-codes",
    );
    assert.deepEqual(at(policy, "retriable_status_codes"), [502, 503, 504, 409]);
    assert.equal(at(policy, "num_retries"), 1);
    assert.equal(at(policy, "per_try_timeout"), "0.25s");
  });

  it("can be told not to retry", () => {
    assert.equal(at(retryOn({ maxRetries: 0, perRetryTimeout }), "num_retries"), 0);
  });

  it("retries on gRPC's events", () => {
    const policy = retryOn({
      maxRetries: 3,
      perRetryTimeout,
      grpcRetryEvents: ["unavailable", "internal"],
    });
    assert.equal(at(policy, "retry_on"), "unavailable,internal");
  });

  const timeout = (perRequestSeconds: number): object => ({
    perRequest: { unit: "s", value: perRequestSeconds },
  });
  const bounds: readonly (readonly [string, object, object, string])[] = [
    ["15 s where nothing is given", {}, {}, "15s"],
    ["the route's where it is shorter", { timeout: timeout(3) }, {}, "3s"],
    ["still 15 s where only the route has more", { timeout: timeout(60) }, {}, "15s"],
    ["the node's where it is shorter", {}, { timeout: { http: timeout(2) } }, "2s"],
  ];
  for (const [title, more, listener, expected] of bounds) {
    it(`waits ${title}`, () => {
      assert.equal(at(withRoute(more, listener), "timeout"), expected);
    });
  }

  it("waits longer where every node and the route allow it", () => {
    const listener = { timeout: { http: timeout(60) } };
    const others = surroundings.filter(({ kind }) => kind !== "VirtualNode");
    const route = httpRoute("r", { primary: 100 }, undefined, { timeout: timeout(60) });
    const resources = translated([...others, node("primary", {}, listener), router(route)]);
    assert.equal(at(egress(resources), "virtual_hosts", 0, "routes", 0, "route", "timeout"), "60s");
    assert.equal(
      at(ingress(resources), "virtual_hosts", 0, "routes", 0, "route", "timeout"),
      "60s",
    );
  });

  it("has no bound where the route and every node say 0", () => {
    const listener = { timeout: { http: timeout(0) } };
    const others = surroundings.filter(({ kind }) => kind !== "VirtualNode");
    const more = { timeout: { ...timeout(0), idle: { unit: "ms", value: 500 } } };
    const route = httpRoute("r", { primary: 100 }, undefined, more);
    const resources = translated([...others, node("primary", {}, listener), router(route)]);
    const action = at(egress(resources), "virtual_hosts", 0, "routes", 0, "route");
    assert.equal(at(action, "timeout"), "0s");
    assert.equal(at(action, "idle_timeout"), "0.5s");
    assert.equal(at(ingress(resources), "virtual_hosts", 0, "routes", 0, "route", "timeout"), "0s");
  });
});

describe("a gateway route", () => {
  const weights = router(httpRoute("podinfo", { primary: 100 }));
  const others = surroundings.filter(({ kind }) => kind !== "GatewayRoute");
  const routesOf = (...routes: readonly MeshObject[]): readonly unknown[] => {
    const found = at(
      ingress(translated([...others, weights, ...routes])),
      "virtual_hosts",
      0,
      "routes",
    );
    assert.ok(Array.isArray(found));
    return found;
  };
  const summary = (route: unknown): unknown => [
    at(route, "match", "prefix"),
    at(route, "route", "prefix_rewrite"),
  ];

  it("rewrites its prefix to /, tried with a final slash first", () => {
    assert.deepEqual(routesOf(gatewayRoute({ prefix: "/shop" })).map(summary), [
      ["/shop/", "/"],
      ["/shop", "/"],
    ]);
  });

  it("rewrites its prefix to what it says, or not at all", () => {
    const [given] = routesOf(gatewayRoute({ prefix: "/shop/" }, { prefix: { value: "/store/" } }));
    assert.deepEqual(summary(given), ["/shop/", "/store/"]);
    const [kept] = routesOf(
      gatewayRoute({ prefix: "/shop/" }, { prefix: { defaultPrefix: "DISABLED" } }),
    );
    assert.deepEqual(summary(kept), ["/shop/", undefined]);
  });

  it("rewrites a whole path", () => {
    const [route] = routesOf(gatewayRoute({ path: { exact: "/a" } }, { path: { exact: "/b" } }));
    assert.deepEqual(at(route, "route", "regex_rewrite"), {
      pattern: { regex: "^.*$" },
      substitution: "/b",
    });
  });

  it("takes a host name with or without a port", () => {
    const [route] = routesOf(gatewayRoute({ prefix: "/", hostname: { exact: "a.example" } }));
    assert.deepEqual(at(route, "match", "headers"), [
      {
        name: ":authority",
        string_match: { safe_regex: { regex: String.raw`a\.example(:[0-9]+)?` } },
      },
    ]);
  });

  it("takes a host name by its end", () => {
    const [route] = routesOf(gatewayRoute({ prefix: "/", hostname: { suffix: ".example" } }));
    assert.equal(
      at(route, "match", "headers", 0, "string_match", "safe_regex", "regex"),
      String.raw`.*\.example(:[0-9]+)?`,
    );
  });

  it("can keep the host name, and a header names the service instead", () => {
    const kept = gatewayRoute({ prefix: "/" }, { hostname: { defaultTargetHostname: "DISABLED" } });
    const resources = translated([...others, weights, kept]);
    const route = at(ingress(resources), "virtual_hosts", 0, "routes", 0);
    assert.equal(at(route, "route", "host_rewrite_literal"), undefined);
    assert.deepEqual(at(route, "request_headers_to_add", 0, "header"), {
      key: "x-app-mesh-virtual-service",
      value: "podinfo.test",
    });
    const backend = at(egress(resources), "virtual_hosts", 1);
    assert.deepEqual(at(backend, "domains"), ["*"]);
    assert.deepEqual(at(backend, "routes", 0, "match", "headers", 0), {
      name: "x-app-mesh-virtual-service",
      string_match: { exact: "podinfo.test" },
    });
  });

  it("belongs to the listener of its port", () => {
    const two = gateway(8088, {
      listeners: [8088, 8089].map((port) => ({ portMapping: { port, protocol: "http" } })),
    });
    const objects = [...others.filter(({ kind }) => kind !== "VirtualGateway"), two, weights];
    const { routes } = translated([...objects, gatewayRoute({ prefix: "/", port: 8089 })]);
    assert.deepEqual(at(routes["rds_ingress_http_8088"], "virtual_hosts", 0, "routes"), []);
    const other = at(routes["rds_ingress_http_8089"], "virtual_hosts", 0, "routes");
    assert.ok(Array.isArray(other) && other.length === 1);
  });
});

describe("a service that a node provides", () => {
  it("goes to the node's cluster with the default retries", () => {
    const direct = meshObject("VirtualService", "podinfo", {
      provider: { virtualNode: { virtualNodeRef: { name: "primary" } } },
    });
    const others = surroundings.filter(({ kind }) => kind !== "VirtualService");
    const resources = translated([...others, direct]);
    assert.deepEqual(at(egress(resources), "virtual_hosts", 0, "routes"), [
      {
        match: { prefix: "/" },
        route: { cluster: primaryCluster, timeout: "15s", retry_policy: defaultRetryPolicy },
      },
    ]);
  });
});

describe("a node's cluster", () => {
  const clusterOf = (listener: object): unknown => {
    const objects = [
      mesh,
      gateway(),
      node("primary", {}, listener),
      service,
      gatewayRoute(),
      router(httpRoute("r", { primary: 100 })),
    ];
    return translated(objects).clusters.find(({ name }) => String(name).includes("_primary_"));
  };

  it("has circuit breakers that never open", () => {
    assert.equal(
      at(clusterOf({}), "circuit_breakers", "thresholds", 0, "max_retries"),
      2_147_483_647,
    );
  });

  it("checks the health of endpoints as the node's listener says, with or without traffic", () => {
    const healthCheck = {
      protocol: "http",
      path: "/healthz",
      healthyThreshold: 2,
      unhealthyThreshold: 3,
      intervalMillis: 5000,
      timeoutMillis: 2000,
    };
    assert.deepEqual(at(clusterOf({ healthCheck }), "health_checks"), [
      {
        interval: "5s",
        no_traffic_interval: "5s",
        timeout: "2s",
        healthy_threshold: 2,
        unhealthy_threshold: 3,
        http_health_check: { path: "/healthz" },
      },
    ]);
    assert.equal(at(clusterOf({}), "health_checks"), undefined);
  });

  it("ejects endpoints as the node's listener says", () => {
    const outlierDetection = {
      maxServerErrors: 5,
      interval: { unit: "s", value: 10 },
      baseEjectionDuration: { unit: "s", value: 30 },
      maxEjectionPercent: 50,
    };
    assert.deepEqual(at(clusterOf({ outlierDetection }), "outlier_detection"), {
      consecutive_5xx: 5,
      interval: "10s",
      base_ejection_time: "30s",
      max_ejection_percent: 50,
      enforcing_success_rate: 0,
      enforcing_failure_percentage: 0,
    });
  });

  it("is named by protocol and port, and speaks HTTP/2 where the listener does", () => {
    const cluster = clusterOf({ portMapping: { port: 50051, protocol: "grpc" } });
    assert.equal(at(cluster, "name"), "cds_egress_global_primary_test_grpc_50051");
    assert.ok(at(cluster, "typed_extension_protocol_options") !== undefined);
  });
});
