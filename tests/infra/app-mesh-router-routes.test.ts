import assert from "node:assert/strict";
import fc from "fast-check";
import { z } from "zod";
import {
  canaryRoutes,
  httpRetryEvents,
  meshPath,
  retryEvents,
  splitRoutes,
} from "../../infra/routers/app-mesh-routes.ts";
import type { PathMatch } from "../../infra/kubernetes-contract.ts";
import type { KubernetesRouterArgs } from "../../infra/routers/router.ts";
import { routerArgs, routeVariants } from "./app-mesh-router-args.ts";

const targetSchema = z.object({
  virtualNodeRef: z.object({ name: z.string() }),
  weight: z.number(),
});
const typeSchema = z.object({
  match: z.looseObject({}),
  action: z.object({ weightedTargets: z.array(targetSchema) }),
  retryPolicy: z.unknown(),
  timeout: z.unknown().optional(),
});
const routesSchema = z.array(
  z.strictObject({
    name: z.string(),
    priority: z.number(),
    httpRoute: typeSchema.optional(),
    grpcRoute: typeSchema.optional(),
  }),
);

function read(routes: readonly object[]) {
  return routesSchema.parse(routes).map(({ name, priority, httpRoute, grpcRoute }) => {
    const route = httpRoute ?? grpcRoute;
    assert.ok(route !== undefined && (httpRoute === undefined || grpcRoute === undefined));
    const targets = route.action.weightedTargets.map(({ virtualNodeRef, weight }) => [
      virtualNodeRef.name,
      weight,
    ]);
    return { name, priority, isHttp: httpRoute !== undefined, ...route, targets };
  });
}

function firstOf(args: KubernetesRouterArgs) {
  const [first] = read(splitRoutes(args));
  assert.ok(first !== undefined);
  return first;
}

describe("the routes of App Mesh", () => {
  it("split everything, blue before green, whoever is primary", () => {
    for (const primary of ["blue", "green"] as const) {
      const [only, ...others] = read(splitRoutes(routerArgs({}, { primary })));
      assert.deepEqual(others, []);
      assert.deepEqual(only?.match, { prefix: "/" });
      assert.deepEqual(only?.targets, [
        ["podinfo-blue", 80],
        ["podinfo-green", 20],
      ]);
    }
  });

  it("split what an A/B match takes, and leave all others with the primary", () => {
    const args = routerArgs(routeVariants["A/B by header"], { primary: "green" });
    const [split, rest] = read(splitRoutes(args));
    assert.deepEqual(split?.match, {
      prefix: "/",
      headers: [
        { name: "x-canary", match: { exact: "insider" } },
        { name: "region", match: { regex: "eu-.*" } },
      ],
    });
    assert.deepEqual(split.targets, [
      ["podinfo-blue", 80],
      ["podinfo-green", 20],
    ]);
    assert.deepEqual(rest?.match, { prefix: "/" });
    assert.deepEqual(rest.targets, [["podinfo-green", 100]]);
    assert.ok(split.priority < rest.priority);
  });

  it("have the split under one name, with and without an A/B match", () => {
    const names = [{}, routeVariants["A/B by header"]].map((route) => firstOf(routerArgs(route)));
    assert.equal(names[0]?.name, names[1]?.name);
  });

  it("match cookies in the header that carries them, and queries by value", () => {
    const { match } = firstOf(routerArgs(routeVariants["A/B by cookie and query"]));
    const schema = z.strictObject({
      prefix: z.literal("/"),
      headers: z.tuple([
        z.object({ name: z.literal("cookie"), match: z.object({ regex: z.string() }) }),
      ]),
      queryParameters: z.array(z.unknown()),
    });
    const { headers, queryParameters } = schema.parse(match);
    const regex = new RegExp(headers[0].match.regex);
    assert.ok(regex.test("canary=always") && regex.test("a=b; canary=always; c=d"));
    assert.ok(!regex.test("canary=always2") && !regex.test("mycanary=always"));
    assert.deepEqual(queryParameters, [{ name: "beta", match: { exact: "1" } }]);
  });

  it("take gRPC calls by name and metadata", () => {
    const first = firstOf(routerArgs(routeVariants.gRPC));
    assert.equal(first.isHttp, false);
    assert.deepEqual(first.match, {
      serviceName: "shop.Cart",
      methodName: "Add",
      metadata: [{ name: "x-canary", match: { exact: "insider" } }],
    });
    const grpc = (paths?: PathMatch[]) =>
      firstOf(routerArgs({ protocol: "grpc", ...(paths === undefined ? {} : { paths }) })).match;
    assert.deepEqual(grpc(), {});
    assert.deepEqual(grpc([{ prefix: "/" }]), {});
    assert.deepEqual(grpc([{ prefix: "/shop.Cart" }]), { serviceName: "shop.Cart" });
  });

  it("try only connections again that were never made, where nobody asks for more", () => {
    const { retryPolicy, timeout } = firstOf(routerArgs());
    assert.deepEqual(retryPolicy, {
      maxRetries: 1,
      perRetryTimeout: { unit: "ms", value: 15_000 },
      tcpRetryEvents: ["connection-error"],
    });
    assert.equal(timeout, undefined);
  });

  it("bound requests and tries as asked", () => {
    const { retryPolicy, timeout } = firstOf(routerArgs(routeVariants["retries and timeouts"]));
    assert.deepEqual(timeout, { perRequest: { unit: "ms", value: 30_000 } });
    assert.deepEqual(retryPolicy, {
      maxRetries: 3,
      perRetryTimeout: { unit: "ms", value: 10_000 },
      tcpRetryEvents: ["connection-error"],
      httpRetryEvents: ["gateway-error", "client-error"],
    });
  });

  it("do not cut a try short that nobody bounds", () => {
    const { retryPolicy } = firstOf(routerArgs({ timeouts: { request: "1m" } }));
    assert.deepEqual(Object(retryPolicy), {
      maxRetries: 1,
      perRetryTimeout: { unit: "ms", value: 60_000 },
      tcpRetryEvents: ["connection-error"],
    });
  });

  it("of the canary alone go to the slot beside the primary", () => {
    const own = (primary: "blue" | "green") => read(canaryRoutes(routerArgs({}, { primary })));
    assert.deepEqual(
      own("blue").map(({ targets }) => targets),
      [[["podinfo-green", 100]]],
    );
    assert.deepEqual(
      own("green").map(({ targets }) => targets),
      [[["podinfo-blue", 100]]],
    );
  });
});

describe("a path of App Mesh", () => {
  const matches = (paths: Parameters<typeof meshPath>[0], path: string): boolean => {
    const found = meshPath(paths);
    if ("prefix" in found) return path.startsWith(found.prefix);
    if ("exact" in found.path) return path === found.path.exact;
    // Envoy has an expression match the whole path
    return new RegExp(`^(?:${found.path.regex})$`).test(path);
  };

  it("takes whole parts of a path as prefix", () => {
    for (const prefix of ["/api", "/api/"]) {
      const paths = [{ prefix }];
      assert.ok(matches(paths, "/api") && matches(paths, "/api/") && matches(paths, "/api/users"));
      assert.ok(!matches(paths, "/apis") && !matches(paths, "/"));
    }
  });

  it("is the plain prefix where one of them takes everything", () => {
    assert.deepEqual(meshPath([{ exact: "/a" }, { prefix: "/" }]), { prefix: "/" });
  });

  it("is exact for one exact path, whatever characters it has", () => {
    assert.deepEqual(meshPath([{ exact: "/a.b" }]), { path: { exact: "/a.b" } });
    assert.ok(!matches([{ exact: "/a.b" }, { exact: "/c" }], "/axb"));
  });

  it("takes what any of its paths takes", () => {
    const text = fc.stringMatching(/^\/[a-z.+]{0,4}$/);
    const path = fc.oneof(
      text.map((prefix) => ({ prefix })),
      text.map((exact) => ({ exact })),
    );
    fc.assert(
      fc.property(fc.array(path, { minLength: 1, maxLength: 8 }), text, (paths, request) => {
        const byOne = paths.some((one) => matches([one], request));
        assert.equal(matches(paths, request), byOne);
      }),
    );
  });
});

describe("the events of App Mesh's retries", () => {
  it("stand for exactly the statuses that they are asked for", () => {
    assert.deepEqual(httpRetryEvents([]), []);
    assert.deepEqual(httpRetryEvents([504, 502, 503]), ["gateway-error"]);
    assert.deepEqual(httpRetryEvents([409, ...retryEvents["server-error"]]), [
      "server-error",
      "client-error",
    ]);
    assert.equal(httpRetryEvents([503]), null);
    assert.equal(httpRetryEvents([502, 503, 504, 429]), null);
  });
});
