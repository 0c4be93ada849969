import assert from "node:assert/strict";
import {
  AdmissionRefusal,
  defaults,
  validate,
  type Neighbors,
} from "../cluster/app-mesh/admission.ts";
import { kinds, type Kind } from "../cluster/app-mesh/objects.ts";

function raw(kind: Kind, spec: object | undefined, metadata: object = {}): object {
  return {
    kind,
    metadata: { name: "podinfo", ...metadata },
    ...(spec === undefined ? {} : { spec }),
  };
}

function meshNamed(name: string, labels: object, metadata: object = {}) {
  return kinds.Mesh.schema.parse({
    kind: "Mesh",
    metadata: { name, uid: `uid-${name}`, ...metadata },
    spec: { namespaceSelector: { matchLabels: labels } },
  });
}

function gatewayNamed(name: string, spec: object) {
  return kinds.VirtualGateway.schema.parse({
    kind: "VirtualGateway",
    metadata: { name, namespace: "edge", uid: `uid-${name}` },
    spec: { meshRef: { name: "global", uid: "uid-global" }, ...spec },
  });
}

const meshRef = { name: "global", uid: "uid-global" };
const ours = { namespaceSelector: { matchLabels: { mesh: "global" } } };
const neighbors: Neighbors = {
  namespace: { name: "test", labels: { mesh: "global" } },
  meshes: [meshNamed("global", { mesh: "global" }), meshNamed("other", { mesh: "other" })],
  gateways: [gatewayNamed("ingress", ours)],
};

/** Fields that a patch adds. */
function added(kind: Kind, spec: object | undefined, where = neighbors): Record<string, unknown> {
  const patch = defaults(kind, raw(kind, spec), where);
  return Object.fromEntries(patch.map(({ path, value }) => [path, value]));
}

describe("the mutating webhook", () => {
  const names: readonly (readonly [Kind, string])[] = [
    ["Mesh", "podinfo"],
    ["VirtualNode", "podinfo_test"],
    ["VirtualRouter", "podinfo_test"],
    ["VirtualService", "podinfo.test"],
    ["VirtualGateway", "podinfo_test"],
    ["GatewayRoute", "podinfo_test"],
  ];
  for (const [kind, expected] of names) {
    it(`names a ${kind} as App Mesh does`, () => {
      assert.equal(added(kind, {})["/spec/awsName"], expected);
    });
  }

  it("keeps a name that is given", () => {
    assert.equal(added("VirtualNode", { awsName: "mine" })["/spec/awsName"], "mine");
  });

  it("gives an object the mesh that selects its namespace", () => {
    assert.deepEqual(added("VirtualNode", {})["/spec/meshRef"], meshRef);
  });

  it("gives a gateway route the gateway that selects its namespace", () => {
    assert.deepEqual(added("GatewayRoute", {})["/spec/virtualGatewayRef"], {
      name: "ingress",
      namespace: "edge",
      uid: "uid-ingress",
    });
  });

  it("makes a spec where there is none", () => {
    assert.deepEqual(added("Mesh", undefined), { "/spec": { awsName: "podinfo" } });
  });

  const outside = { ...neighbors, namespace: { name: "test", labels: {} } };
  const ending = meshNamed("global", { mesh: "global" }, { deletionTimestamp: "now" });
  const twice = [...neighbors.meshes, meshNamed("twin", { mesh: "global" })];
  const picky = gatewayNamed("ingress", {
    ...ours,
    gatewayRouteSelector: { matchLabels: { a: "b" } },
  });
  const foreign = gatewayNamed("ingress", {
    ...ours,
    meshRef: { name: "other", uid: "uid-other" },
  });
  const refusals: readonly (readonly [string, Kind, object, Neighbors, RegExp])[] = [
    [
      "a namespace of no mesh",
      "VirtualNode",
      {},
      outside,
      /^failed to find matching mesh for namespace: test, expecting 1 but found 0$/,
    ],
    [
      "a namespace of two meshes",
      "VirtualNode",
      {},
      { ...neighbors, meshes: twice },
      /^found multiple matching meshes for namespace: test, expecting 1 but found 2: global,twin$/,
    ],
    [
      "a mesh that is being deleted",
      "VirtualNode",
      {},
      { ...neighbors, meshes: [ending] },
      /mesh global because it is being terminated/,
    ],
    [
      "a mesh that is given",
      "VirtualNode",
      { meshRef },
      neighbors,
      /^VirtualNode create may not specify read-only field: spec.meshRef$/,
    ],
    [
      "a gateway route without a gateway",
      "GatewayRoute",
      {},
      { ...neighbors, gateways: [] },
      /^failed to find matching virtualGateway for namespace: test/,
    ],
    [
      "a gateway route that its gateway does not select",
      "GatewayRoute",
      {},
      { ...neighbors, gateways: [picky] },
      /^failed to find matching virtualGateway/,
    ],
    [
      "a gateway of another mesh",
      "GatewayRoute",
      {},
      { ...neighbors, gateways: [foreign] },
      /does not belong to the mesh/,
    ],
  ];
  for (const [title, kind, spec, where, expected] of refusals) {
    it(`refuses ${title}`, () => {
      assert.throws(() => added(kind, spec, where), refusedWith(expected));
    });
  }
});

describe("the validating webhook", () => {
  const target = { virtualService: { virtualServiceRef: { name: "podinfo" } } };
  const gatewayHttp = (match: object, rewrite?: object): object => ({
    httpRoute: { match, action: { target, ...(rewrite && { rewrite }) } },
  });
  const httpRoute = (name: string, match: object): object => ({
    name,
    httpRoute: { match, action: { weightedTargets: [] } },
  });
  const routes = (...list: object[]): object => ({ routes: list });
  const backend = { virtualService: { virtualServiceRef: { name: "db" } } };
  const listeners = [{ portMapping: { port: 80, protocol: "http" } }];
  const refused: readonly (readonly [string, Kind, object, RegExp])[] = [
    [
      "a listener without discovery",
      "VirtualNode",
      { listeners },
      /^ServiceDiscovery missing for VirtualNode-podinfo/,
    ],
    [
      "the same backend twice",
      "VirtualNode",
      { backends: [backend, backend] },
      /^VirtualNode-podinfo has duplicate VirtualServiceReferences db$/,
    ],
    [
      "two routes of one name",
      "VirtualRouter",
      routes(httpRoute("a", { prefix: "/" }), httpRoute("a", { prefix: "/" })),
      /^VirtualRouter-podinfo has duplicate route entries for a$/,
    ],
    [
      "a route without a path",
      "VirtualRouter",
      routes(httpRoute("a", {})),
      /^Either prefix or path must be specified$/,
    ],
    [
      "a route with prefix and path",
      "VirtualRouter",
      routes(httpRoute("a", { prefix: "/", path: { exact: "/" } })),
      /^Both prefix and path cannot be specified/,
    ],
    [
      "a path that is exact and regex",
      "VirtualRouter",
      routes(httpRoute("a", { path: { exact: "/", regex: "/" } })),
      /^Exactly one of exact or regex/,
    ],
    ["a gateway route without a type", "GatewayRoute", {}, /^Exactly one of httpRoute/],
    [
      "a gateway route that matches nothing",
      "GatewayRoute",
      gatewayHttp({}),
      /^Either prefix or path must be specified$/,
    ],
    [
      "a rewritten prefix without slashes",
      "GatewayRoute",
      gatewayHttp({ prefix: "/" }, { prefix: { value: "/a" } }),
      /^Prefix Value must start and end with '\/'$/,
    ],
    [
      "a rewrite of prefix and path",
      "GatewayRoute",
      gatewayHttp({ prefix: "/" }, { prefix: {}, path: {} }),
      /^Both prefix and path cannot be specified for Rewrite$/,
    ],
    [
      "two kinds of pool",
      "VirtualGateway",
      {
        listeners: [
          {
            ...listeners[0],
            connectionPool: { http: { maxConnections: 1 }, grpc: { maxRequests: 1 } },
          },
        ],
      },
      /^Only one type of .*Connection Pool/,
    ],
  ];
  for (const [title, kind, spec, expected] of refused) {
    it(`refuses ${title}`, () => {
      assert.throws(() => validate(kind, raw(kind, spec), undefined), refusedWith(expected));
    });
  }

  const fine: readonly (readonly [string, Kind, object])[] = [
    [
      "a gateway route by host name alone",
      "GatewayRoute",
      gatewayHttp({ hostname: { exact: "a" } }),
    ],
    [
      "weights that do not add up, as only the API looked at them",
      "VirtualRouter",
      routes(httpRoute("a", { prefix: "/" })),
    ],
    ["a node that nobody calls", "VirtualNode", {}],
  ];
  for (const [title, kind, spec] of fine) {
    it(`takes ${title}`, () => {
      validate(kind, raw(kind, spec), undefined);
    });
  }

  const immutable: readonly (readonly [Kind, object, object, string])[] = [
    ["VirtualService", { awsName: "a" }, { awsName: "b" }, "spec.awsName"],
    ["VirtualNode", { meshRef }, {}, "spec.meshRef"],
    ["GatewayRoute", { virtualGatewayRef: meshRef }, {}, "spec.virtualGatewayRef"],
    [
      "VirtualNode",
      { serviceDiscovery: { awsCloudMap: { serviceName: "a" } } },
      { serviceDiscovery: { awsCloudMap: { serviceName: "b" } } },
      "spec.serviceDiscovery.awsCloudMap",
    ],
  ];
  for (const [kind, before, after, field] of immutable) {
    it(`refuses a change of ${field} of a ${kind}`, () => {
      assert.throws(
        () => validate(kind, raw(kind, after), raw(kind, before)),
        refusedWith(new RegExp(`^${kind} update may not change these fields: ${field}$`)),
      );
    });
  }
});

function refusedWith(expected: RegExp): (error: unknown) => boolean {
  return (error) => {
    assert.ok(error instanceof AdmissionRefusal, String(error));
    assert.match(error.message, expected);
    return true;
  };
}
