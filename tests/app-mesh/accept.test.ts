import assert from "node:assert/strict";
import { emptyAccount } from "../cluster/app-mesh/account.ts";
import { desiredFinalizers, desiredStatus, isStatus } from "../cluster/app-mesh/status.ts";
import type { Kind, MeshObject } from "../cluster/app-mesh/objects.ts";
import {
  allKinds,
  gatewayRoute,
  httpRoute,
  mesh,
  meshObject,
  node,
  pass,
  router,
  service,
  surroundings,
  verdictOn,
} from "./mesh-fixture.ts";

const now = "2026-01-02T03:04:05Z";
const healthy = [...surroundings, router(httpRoute("podinfo", { canary: 10, primary: 90 }))];

function without(kind: Kind, name: string): MeshObject[] {
  return healthy.filter((object) => object.kind !== kind || object.metadata.name !== name);
}

function withObject(object: MeshObject): MeshObject[] {
  return [...without(object.kind, object.metadata.name), object];
}

function deleted(object: MeshObject): MeshObject {
  return { ...object, metadata: { ...object.metadata, deletionTimestamp: now } };
}

describe("objects that fit together", () => {
  const { verdicts } = pass(healthy);

  it("are all accepted in one pass, in whatever order they come", () => {
    for (const objects of [healthy, healthy.toReversed()]) {
      assert.deepEqual(
        pass(objects).verdicts.flatMap(({ refusal }) => refusal ?? []),
        [],
      );
    }
  });

  it("get the ARNs of App Mesh", () => {
    const prefix = "arn:aws:appmesh:us-west-2:000000000000:mesh/global";
    assert.deepEqual(
      verdicts.map(({ arn }) => arn?.replace(prefix, "")),
      [
        "",
        "/virtualGateway/ingress_test",
        "/virtualNode/primary_test",
        "/virtualNode/canary_test",
        "/virtualRouter/podinfo_test",
        "/virtualService/podinfo.test",
        "/virtualGateway/ingress_test/gatewayRoute/podinfo_test",
      ],
    );
  });

  it("are of every kind", () => {
    assert.deepEqual(new Set(verdicts.map(({ object }) => object.kind)), new Set(allKinds));
  });
});

describe("an object that does not fit", () => {
  const cases: readonly (readonly [string, readonly MeshObject[], Kind, string, RegExp])[] = [
    [
      "a route to a node that is not there",
      without("VirtualNode", "canary"),
      "VirtualRouter",
      "podinfo",
      /^failed to resolve virtualNodeRef: unable to fetch virtualNode: test\/canary: .*not found$/,
    ],
    [
      "a service without its router",
      without("VirtualRouter", "podinfo"),
      "VirtualService",
      "podinfo",
      /^failed to resolve virtualRouterRef:/,
    ],
    [
      "a gateway route to nothing",
      without("VirtualService", "podinfo"),
      "GatewayRoute",
      "podinfo",
      /^failed to resolve virtualServiceRef:/,
    ],
    [
      "anything without its mesh",
      without("Mesh", "global"),
      "VirtualNode",
      "canary",
      /^failed to resolve meshRef: Mesh.appmesh.k8s.aws "global" not found$/,
    ],
    [
      "a backend that is not there",
      withObject(
        node("canary", { backends: [{ virtualService: { virtualServiceRef: { name: "db" } } }] }),
      ),
      "VirtualNode",
      "canary",
      /^failed to resolve virtualServiceRef: .*test\/db/,
    ],
    [
      "a member of no mesh",
      withObject(node("canary", { meshRef: undefined })),
      "VirtualNode",
      "canary",
      /^meshRef shouldn't be nil, please check webhook setup$/,
    ],
    [
      "a member of an earlier mesh of the name",
      withObject(node("canary", { meshRef: { name: "global", uid: "earlier" } })),
      "VirtualNode",
      "canary",
      /mesh UID mismatch: global/,
    ],
    [
      "weights above 100",
      withObject(router(httpRoute("r", { canary: 60, primary: 60 }))),
      "VirtualRouter",
      "podinfo",
      /may add up to 100 at most, not 120/,
    ],
    [
      "weights of 0",
      withObject(router(httpRoute("r", { canary: 0, primary: 0 }))),
      "VirtualRouter",
      "podinfo",
      /one weight at least must be above 0/,
    ],
    [
      "a header with two matchers",
      withObject(
        router(
          httpRoute(
            "r",
            { primary: 100 },
            { prefix: "/", headers: [{ name: "h", match: { exact: "a", prefix: "b" } }] },
          ),
        ),
      ),
      "VirtualRouter",
      "podinfo",
      /header h may have one matcher, not exact and prefix/,
    ],
    [
      "an empty range",
      withObject(
        router(
          httpRoute(
            "r",
            { primary: 100 },
            { prefix: "/", headers: [{ name: "h", match: { range: { start: 5, end: 5 } } }] },
          ),
        ),
      ),
      "VirtualRouter",
      "podinfo",
      /range.start must be below range.end/,
    ],
    [
      "a regex that is none",
      withObject(router(httpRoute("r", { primary: 100 }, { path: { regex: "(" } }))),
      "VirtualRouter",
      "podinfo",
      /is not a regular expression/,
    ],
    [
      "a regex that Envoy does not know",
      withObject(router(httpRoute("r", { primary: 100 }, { path: { regex: "(?=a)" } }))),
      "VirtualRouter",
      "podinfo",
      /which Envoy does not know/,
    ],
    [
      "a target without a listener",
      withObject(node("canary", { listeners: [] })),
      "VirtualRouter",
      "podinfo",
      /virtual node canary_test has no listener for port \(not given\); it has: none/,
    ],
    [
      "a listener with TLS",
      withObject(node("canary", {}, { tls: { mode: "STRICT" } })),
      "VirtualNode",
      "canary",
      /has no TLS; take it from the VirtualNode/,
    ],
    [
      "a listener that nobody can find",
      withObject(node("canary", { serviceDiscovery: {} })),
      "VirtualNode",
      "canary",
      /serviceDiscovery must be dns or awsCloudMap/,
    ],
  ];
  for (const [title, objects, kind, name, expected] of cases) {
    it(`is refused with the reason: ${title}`, () => {
      const verdict = verdictOn(pass(objects), kind, name);
      assert.match(verdict.refusal ?? "(accepted)", expected);
    });
  }

  it("waits for what it refers to, which was refused itself", () => {
    const verdict = verdictOn(
      pass(withObject(node("canary", { serviceDiscovery: {} }))),
      "VirtualRouter",
      "podinfo",
    );
    assert.equal(verdict.refusal, "virtualNode is not active yet");
  });

  it("leaves what was accepted before in force", () => {
    const before = pass(healthy).account;
    const after = pass(withObject(router(httpRoute("podinfo", { nobody: 100 }))), before);
    const key = "global/podinfo_test";
    assert.deepEqual(after.account.VirtualRouter.get(key), before.VirtualRouter.get(key));
    assert.ok(verdictOn(after, "VirtualRouter", "podinfo").arn !== undefined);
  });

  it("may be a route of TCP, which a gateway does not have", () => {
    const tcp = {
      name: "t",
      tcpRoute: {
        action: { weightedTargets: [{ virtualNodeRef: { name: "primary" }, weight: 1 }] },
      },
    };
    const after = pass(withObject(router(tcp)));
    assert.equal(verdictOn(after, "VirtualRouter", "podinfo").refusal, undefined);
    assert.deepEqual(after.account.VirtualRouter.get("global/podinfo_test")?.routes, []);
  });
});

describe("a reference by ARN", () => {
  it("is to the same node as one by name", () => {
    const arn = "arn:aws:appmesh:us-west-2:000000000000:mesh/global/virtualNode/primary_test";
    const action = { weightedTargets: [{ virtualNodeARN: arn, weight: 100 }] };
    const byArn = router({ name: "r", httpRoute: { match: { prefix: "/" }, action } });
    const { account } = pass(withObject(byArn));
    const [route] = account.VirtualRouter.get("global/podinfo_test")?.routes ?? [];
    assert.deepEqual(route?.targets, [{ node: "primary_test", weight: 100, port: undefined }]);
  });
});

describe("an object that is being deleted", () => {
  const before = pass(healthy).account;
  const used: readonly (readonly [MeshObject, string])[] = [
    [node("canary"), "/virtualRouter/podinfo_test"],
    [router(httpRoute("podinfo", { primary: 100 })), "/virtualService/podinfo.test"],
    [service, "/gatewayRoute/podinfo_test"],
    [mesh, "/virtualGateway/ingress_test"],
  ];
  for (const [object, user] of used) {
    it(`waits while it is used: ${object.kind}`, () => {
      const verdict = verdictOn(
        pass(withObject(deleted(object)), before),
        object.kind,
        object.metadata.name,
      );
      assert.equal(verdict.isReleased, false);
      assert.ok(verdict.refusal?.endsWith(user), verdict.refusal);
    });
  }

  it("is let go of at once when nothing uses it", () => {
    const after = pass(withObject(deleted(gatewayRoute())), before);
    assert.equal(verdictOn(after, "GatewayRoute", "podinfo").isReleased, true);
    assert.equal(after.account.GatewayRoute.size, 0);
  });

  it("goes in the same pass as everything that uses it", () => {
    const after = pass(healthy.map(deleted), before);
    assert.ok(after.verdicts.every(({ isReleased }) => isReleased));
    assert.deepEqual(after.account, emptyAccount);
  });

  it("has left the account when it is gone", () => {
    const { account } = pass(without("GatewayRoute", "podinfo"), before);
    assert.equal(account.GatewayRoute.size, 0);
  });
});

describe("a status", () => {
  const object = meshObject("VirtualRouter", "podinfo", { routes: [] }, { generation: 3 });
  const verdict = {
    object,
    arn: "arn",
    routeArns: { r: "arn/r" },
    refusal: undefined,
    isReleased: false,
  };

  it("says Active of an accepted object, of its generation", () => {
    assert.deepEqual(desiredStatus(verdict, now), {
      virtualRouterARN: "arn",
      routeARNs: { r: "arn/r" },
      observedGeneration: 3,
      conditions: [{ type: "VirtualRouterActive", status: "True", lastTransitionTime: now }],
    });
  });

  it("keeps generation and condition of a refused update, and tells why", () => {
    const status = {
      ...desiredStatus(verdict, now),
      conditions: [...desiredStatus(verdict, now).conditions],
    };
    const changed = { ...object, status, metadata: { ...object.metadata, generation: 4 } };
    const desired = desiredStatus(
      { ...verdict, object: changed, refusal: "no such node" },
      "later",
    );
    assert.equal(desired["observedGeneration"], 3);
    assert.deepEqual(desired.conditions, [
      {
        type: "VirtualRouterActive",
        status: "True",
        lastTransitionTime: now,
        reason: "ReconcileError",
        message: "no such node",
      },
    ]);
  });

  it("is False for an object that was never accepted", () => {
    const desired = desiredStatus(
      { ...verdict, arn: undefined, routeArns: undefined, refusal: "no" },
      now,
    );
    assert.deepEqual(desired, {
      conditions: [
        {
          type: "VirtualRouterActive",
          status: "False",
          lastTransitionTime: now,
          reason: "ReconcileError",
          message: "no",
        },
      ],
    });
  });

  it("is not written again when it is there", () => {
    const desired = desiredStatus(verdict, now);
    const written = { ...object, status: { ...desired, conditions: [...desired.conditions] } };
    assert.equal(isStatus(written, desiredStatus({ ...verdict, object: written }, "later")), true);
    assert.equal(isStatus(object, desired), false);
  });
});

describe("finalizers", () => {
  const resources = "finalizers.appmesh.k8s.aws/aws-appmesh-resources";
  const object = meshObject("VirtualNode", "n", {}, { finalizers: ["other"] });
  const verdict = {
    object,
    arn: "arn",
    routeArns: undefined,
    refusal: undefined,
    isReleased: false,
  };

  it("hold a living object, beside those of others", () => {
    assert.deepEqual(desiredFinalizers(verdict), ["other", resources]);
  });

  it("let go of a released object, but not those of others", () => {
    const held = meshObject(
      "VirtualNode",
      "n",
      {},
      { finalizers: ["other", resources], deletionTimestamp: now },
    );
    assert.deepEqual(desiredFinalizers({ ...verdict, object: held }), ["other", resources]);
    assert.deepEqual(desiredFinalizers({ ...verdict, object: held, isReleased: true }), ["other"]);
  });
});
