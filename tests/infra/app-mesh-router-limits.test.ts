import assert from "node:assert/strict";
import { ContractError } from "../../infra/contract.ts";
import type { PathMatch } from "../../infra/kubernetes-contract.ts";
import { appMeshFaults, checkAppMesh } from "../../infra/routers/app-mesh-limits.ts";
import type { KubernetesRouterArgs } from "../../infra/routers/router.ts";
import {
  meshSettings,
  routerArgs,
  routeVariants,
  type WrittenRoute,
} from "./app-mesh-router-args.ts";

/** Exactly one fault, which names the field first and ends in what to do. */
function refused(
  route: WrittenRoute,
  field: string,
  words: RegExp,
  more: Partial<KubernetesRouterArgs> = {},
): void {
  const faults = appMeshFaults(meshSettings, routerArgs(route, more));
  const [fault = ""] = faults;
  assert.equal(faults.length, 1, faults.join("\n"));
  assert.ok(fault.startsWith(`${field}: `), fault);
  assert.match(fault, words);
}

const headers = (count: number) =>
  Object.fromEntries(Array.from({ length: count }, (_, index) => [`h${index}`, { exact: "1" }]));

describe("the limits of App Mesh", () => {
  for (const [name, route] of Object.entries(routeVariants)) {
    it(`allow this route: ${name}`, () => {
      assert.deepEqual(appMeshFaults(meshSettings, routerArgs(route)), []);
    });
  }

  it("refuse it as a whole unless it is asked for by name, with the reason and the way out", () => {
    const settings = { ...meshSettings, allowDiscontinuedAppMesh: false };
    assert.throws(
      () => checkAppMesh(settings, routerArgs({ mirrorPercent: 10 })),
      (error: unknown) => {
        assert.ok(error instanceof ContractError);
        assert.match(error.message, /^router\.allowDiscontinuedAppMesh: .*2026-09-30/);
        assert.match(error.message, /gateway-api.*VPC Lattice/);
        assert.match(error.message, /set router\.allowDiscontinuedAppMesh: true$/);
        return true;
      },
    );
  });

  it("list every fault at once", () => {
    const route = { mirrorPercent: 10, sessionAffinity: { cookie: "slot" } };
    assert.throws(
      () => checkAppMesh(meshSettings, routerArgs(route)),
      /^ContractError: route\.mirrorPercent: .*\nroute\.sessionAffinity: /,
    );
  });

  it("refuse a Service whose port is not the pods'", () => {
    refused({}, "port", /set port: 9898$/, { port: 80 });
    refused({}, "targetPort", /set targetPort to that number/, { targetPort: undefined });
  });

  it("refuse what App Mesh has not", () => {
    refused({ mirrorPercent: 50 }, "route.mirrorPercent", /no mirror; remove it/);
    refused({ sessionAffinity: { cookie: "slot" } }, "route.sessionAffinity", /remove it/);
    const backoff = { retries: { attempts: 1, backoff: "1s" } };
    refused(backoff, "route.retries.backoff", /no backoff; remove it/);
  });

  it("refuse host names that it cannot tell apart", () => {
    for (const hostname of ["www.*.com", "https://a.test", "a".repeat(254)]) {
      const field = `route.hostnames[1] = ${JSON.stringify(hostname)}`;
      refused({ hostnames: ["*.b.test", hostname, "*"] }, field, /write lower-case names/);
    }
    const { virtualGateway: _none, ...withoutGateway } = meshSettings;
    const faults = appMeshFaults(withoutGateway, routerArgs({ hostnames: ["a.test"] }));
    assert.match(faults.join("\n"), /^route\.hostnames: .*set router\.virtualGateway$/);
  });

  it("refuse what is no gRPC call, and a second one", () => {
    const grpc = (...paths: PathMatch[]): WrittenRoute => ({ protocol: "grpc", paths });
    refused(grpc({ regex: "/a/.*" }), 'route.paths[0] = {"regex":"/a/.*"}', /is no gRPC call/);
    refused(grpc({ prefix: "/a" }, { prefix: "/b" }), "route.paths", /not 2; keep one/);
    const long = { exact: `/shop.Cart/${"x".repeat(51)}` };
    refused(grpc(long), "route.paths[0]", /50 characters at most/);
  });

  it("refuse paths too long for one expression", () => {
    const long = Array.from({ length: 8 }, (_, index) => ({
      prefix: `/${"x".repeat(30)}${index}`,
    }));
    refused({ paths: long }, "route.paths", /255 characters at most, not 3\d\d/);
  });

  it("refuse a second match", () => {
    const canaryMatch = [{ headers: headers(1) }, { headers: headers(2) }];
    refused({ canaryMatch }, "route.canaryMatch", /no "or".*keep one/);
  });

  it("refuse more headers than App Mesh takes, cookies included", () => {
    const canaryMatch = [{ headers: headers(10) }];
    assert.deepEqual(appMeshFaults(meshSettings, routerArgs({ canaryMatch })), []);
    const more = [{ headers: headers(10), cookies: { a: { exact: "1" } } }];
    refused({ canaryMatch: more }, "route.canaryMatch[0]", /10 headers at most.*not 11/);
  });

  it("refuse headers longer than App Mesh takes", () => {
    const name = [{ headers: { ["x".repeat(51)]: { exact: "1" } } }];
    refused({ canaryMatch: name }, "route.canaryMatch[0]", /50 characters at most/);
    const value = [{ cookies: { id: { exact: "x".repeat(250) } } }];
    refused({ canaryMatch: value }, "route.canaryMatch[0]", /255 characters at most, not 27\d/);
  });

  it("refuse queries that are no exact values", () => {
    const query = { beta: { regex: ".*" } };
    refused(
      { canaryMatch: [{ query }] },
      "route.canaryMatch[0]",
      /query parameter beta.*use exact/,
    );
    const grpc: WrittenRoute = { protocol: "grpc", canaryMatch: [{ query: headers(1) }] };
    refused(grpc, "route.canaryMatch[0]", /match a header/);
    refused({ canaryMatch: [{ query: headers(11) }] }, "route.canaryMatch[0]", /10 query/);
  });

  it("refuse a try that may take longer than its request", () => {
    const byDefault = { timeouts: { backendRequest: "20s" } };
    refused(byDefault, "route.timeouts.backendRequest", /20000 ms.*15000 ms unless/);
    const given = { timeouts: { request: "1s" }, retries: { attempts: 1, timeout: "2s" } };
    refused(given, "route.retries.timeout", /2000 ms.*1000 ms; lower it/);
    const unbounded = { timeouts: { request: "0s", backendRequest: "1m" } };
    assert.deepEqual(appMeshFaults(meshSettings, routerArgs(unbounded)), []);
  });

  it("refuse two bounds on a try", () => {
    const route = {
      timeouts: { backendRequest: "1s" },
      retries: { attempts: 1, timeout: "2s" },
    };
    refused(route, "route.retries.timeout", /remove one$/);
  });

  it("refuse statuses that App Mesh does not try again by themselves", () => {
    const codes = { retries: { attempts: 1, codes: [503] } };
    refused(codes, "route.retries.codes", /\[503\] is none; use .*\[502, 503, 504\]/);
    refused({ ...codes, protocol: "grpc" }, "route.retries.codes", /remove them/);
  });

  it("refuse a backend that names no VirtualService", () => {
    const appMeshBackends = ["cart", "shop/stock", "a/b/c"];
    refused({}, "appMesh.backends", /"a\/b\/c"/, { appMeshBackends });
  });
});
