import assert from "node:assert/strict";
import fc from "fast-check";
import { routeWritten, type RouteSettings } from "../../infra/kubernetes-contract.ts";
import { routeFaults } from "../../infra/routers/gateway-limits.ts";
import { routeRules } from "../../infra/routers/gateway-rules.ts";
import { apiRequest, ApiRefusal } from "./api-request.ts";
import { applyCrds } from "./gateways/crds.ts";
import { describeOnCluster } from "./test-cluster.ts";
import { handedToolPaths } from "./tool-paths.ts";

const insider = { headers: { "x-canary": { exact: "insider" } } };

describeOnCluster("routes of Gateway API", (cluster) => {
  before(async () => {
    await applyCrds(cluster().config, [handedToolPaths()["gateway-api-crds"]]);
  });

  /** What the API server has against the object of these settings; null when it would take it. */
  async function refusal(route: RouteSettings): Promise<string | null> {
    const isGrpc = route.protocol === "grpc";
    const rules = routeRules({
      route,
      backends: { blue: "podinfo-blue", green: "podinfo-green" },
      port: 80,
      weights: { blue: 80, green: 20 },
      primary: "blue",
      canary: "green",
    });
    const object = {
      apiVersion: "gateway.networking.k8s.io/v1",
      kind: isGrpc ? "GRPCRoute" : "HTTPRoute",
      metadata: { name: "podinfo" },
      spec: { parentRefs: [{ name: "gateway" }], hostnames: route.hostnames, rules },
    };
    const path =
      `/apis/gateway.networking.k8s.io/v1/namespaces/default/${isGrpc ? "grpcroutes" : "httproutes"}` +
      "?dryRun=All&fieldValidation=Strict";
    try {
      const text = JSON.stringify(object);
      await apiRequest(cluster().config, "POST", path, { contentType: "application/json", text });
      return null;
    } catch (error) {
      if (error instanceof ApiRefusal) return error.message;
      throw error;
    }
  }

  const everyMatch = Array.from({ length: 8 }, (_, index) => ({
    headers: Object.fromEntries(
      Array.from({ length: 15 }, (_none, header) => [`x-${index}-${header}`, { exact: "a" }]),
    ),
    cookies: { user: { regex: "a|b" } },
    query: { [`q${index}`]: { regex: ".*" } },
  }));
  for (const [what, written] of [
    ["nothing in particular", {}],
    [
      "all that is in the standard channel",
      {
        hostnames: ["a.example.com", "*.example.com"],
        paths: [{ prefix: "/a" }, { exact: "/b%20c" }, { regex: "/c//.*" }],
        canaryMatch: [
          insider,
          { cookies: { user: { exact: "a.b" } }, query: { q: { exact: "1" } } },
        ],
        mirrorPercent: 10,
        timeouts: { request: "100000001ms", backendRequest: "1.5s" },
      },
    ],
    [
      "as much of everything as there may be",
      {
        hostnames: Array.from({ length: 16 }, (_, index) => `h${index}.example.com`),
        paths: Array.from({ length: 8 }, (_, index) => ({ prefix: `/${index}` })),
        canaryMatch: everyMatch,
      },
    ],
    [
      "gRPC calls",
      {
        protocol: "grpc",
        paths: [{ exact: "/pkg.v1.Echo/Get" }, { prefix: "/pkg.v1.Echo" }, { prefix: "/" }],
        canaryMatch: [insider, { cookies: { user: { exact: "a" } } }],
        mirrorPercent: 100,
      },
    ],
    ["gRPC calls by headers alone", { protocol: "grpc", canaryMatch: [insider] }],
  ] as const) {
    it(`are taken with ${what}`, async () => {
      const route = routeWritten.parse(written);
      assert.deepEqual(routeFaults(route), []);
      assert.equal(await refusal(route), null);
    });
  }

  it("are taken whenever nothing is found against them", async function () {
    this.timeout(120_000);
    const text = fc.oneof(
      { weight: 8, arbitrary: fc.stringMatching(/^[a-zA-Z-]{1,6}$/) },
      { weight: 1, arbitrary: fc.stringMatching(/^[ -~]{1,12}$/) },
      { weight: 1, arbitrary: fc.string({ minLength: 1 }) },
    );
    const value = fc.oneof(fc.record({ exact: text }), fc.record({ regex: text }));
    const values = fc.dictionary(text, value, { maxKeys: 3 });
    const cookie = fc.dictionary(fc.stringMatching(/^[\w-]{1,4}$/), value, { maxKeys: 1 });
    const match = fc.record({ headers: values, cookies: cookie, query: values });
    const rooted = fc.stringMatching(/^\/[a-z./%2F~ #?]{0,6}$/);
    const path = fc.oneof(
      fc.record({ prefix: rooted }),
      fc.record({ exact: rooted }),
      fc.record({ regex: text }),
      fc.record({ exact: fc.stringMatching(/^\/[a-z.]{1,4}\/[a-z0-9_]{0,3}$/) }),
    );
    const time = fc.integer({ min: 0, max: 2_000_000_000 }).map((ms) => `${ms}ms`);
    const settings = fc.record(
      {
        protocol: fc.constantFrom("http", "grpc"),
        hostnames: fc.array(fc.oneof(fc.domain(), text), { maxLength: 2 }),
        paths: fc.array(path, { minLength: 1, maxLength: 2 }),
        canaryMatch: fc.array(match, { minLength: 1, maxLength: 2 }),
        mirrorPercent: fc.integer({ min: 1, max: 100 }),
        timeouts: fc.record({ request: time, backendRequest: time }, { requiredKeys: [] }),
      },
      { requiredKeys: [] },
    );
    let taken = 0;
    await fc.assert(
      fc.asyncProperty(settings, async (written) => {
        const parsed = routeWritten.safeParse(written);
        if (!parsed.success || routeFaults(parsed.data).length > 0) return;
        assert.equal(await refusal(parsed.data), null);
        taken += 1;
      }),
      { numRuns: 1_000 },
    );
    assert.ok(taken > 50, `only ${taken} routes were without a fault`);
  });

  // what the API server would say in the middle of an update is said before it
  for (const written of [
    { hostnames: ["A.example.com"] },
    { paths: [{ prefix: "/a//b" }] },
    { paths: [{ exact: "/a b" }] },
    { canaryMatch: [{ headers: { "x a": { exact: "1" } } }] },
    { canaryMatch: [{ query: { q: { exact: "a".repeat(1_025) } } }] },
    { timeouts: { request: "1s", backendRequest: "2s" } },
    { timeouts: { request: "100000h" } },
    { protocol: "grpc", timeouts: { request: "1s" } },
    { protocol: "grpc", canaryMatch: [{ query: { q: { exact: "1" } } }] },
  ]) {
    it(`are found wrong before the API server finds it: ${JSON.stringify(written).slice(0, 70)}`, async () => {
      const route = routeWritten.parse(written);
      assert.notDeepEqual(routeFaults(route), []);
      assert.notEqual(await refusal(route), null);
    });
  }
});
