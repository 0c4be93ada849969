import assert from "node:assert/strict";
import * as pulumi from "@pulumi/pulumi";
import { ContractError } from "../../infra/contract.ts";
import { appMeshTrafficSchema } from "../../infra/kubernetes-contract.ts";
import { appMeshRouter } from "../../infra/routers/app-mesh.ts";
import type { KubernetesRouterArgs, Routed } from "../../infra/routers/router.ts";
import { meshSettings, routerArgs } from "./app-mesh-router-args.ts";

type Registered = Pick<pulumi.ResourceTransformationArgs, "resource" | "type" | "name" | "opts">;

describe("router app-mesh", () => {
  let registered: Registered[];

  beforeEach(async () => {
    registered = [];
    await pulumi.runtime.setMocks(
      {
        newResource: ({ type, name, inputs }) => ({
          id: `${name}-id`,
          // the live weights, which a plain update keeps
          state: type.endsWith(":VirtualRouter") ? withWeights(inputs, 70, 30) : (inputs as object),
        }),
        call: () => ({}),
      },
      "upramp",
      "dev-podinfo",
      false,
      "organization",
    );
  });

  /** Declares one service under a parent that sees what is declared. */
  function declare(args: KubernetesRouterArgs, settings = meshSettings): Routed {
    const see: pulumi.ResourceTransformation = ({ resource, type, name, opts }) => {
      if (type.startsWith("kubernetes:")) registered.push({ resource, type, name, opts });
      return undefined;
    };
    const options = { transformations: [see] };
    const parent = new pulumi.ComponentResource("test:index:Parent", "parent", {}, options);
    return appMeshRouter(settings).declare(args, parent);
  }

  /** What each resource waits for, by kind and name. */
  function graph(): Record<string, readonly string[]> {
    const label = ({ type, name }: Registered) => `${type.split(":").at(-1)} ${name}`;
    return Object.fromEntries(
      registered.map((one) => {
        const behind = [one.opts.dependsOn ?? []].flat();
        const found = registered.filter(({ resource }) => behind.includes(resource));
        assert.equal(found.length, behind.length);
        return [label(one), found.map(label)];
      }),
    );
  }

  it("declares nodes, then routers, then services, then the ways in", () => {
    declare(routerArgs({ hostnames: ["a.test", "b.test"] }));
    const nodes = ["VirtualNode podinfo-blue-node", "VirtualNode podinfo-green-node"];
    assert.deepEqual(graph(), {
      "VirtualNode podinfo-blue-node": [],
      "VirtualNode podinfo-green-node": [],
      "VirtualRouter podinfo-route": nodes,
      "VirtualRouter podinfo-canary-route": nodes,
      "Service podinfo-canary-service": [],
      "VirtualService podinfo-virtual-service": ["VirtualRouter podinfo-route"],
      "VirtualService podinfo-canary-virtual-service": [
        "VirtualRouter podinfo-canary-route",
        "Service podinfo-canary-service",
      ],
      "GatewayRoute podinfo-gateway-route": ["VirtualService podinfo-virtual-service"],
      "GatewayRoute podinfo-gateway-route-1": ["VirtualService podinfo-virtual-service"],
    });
  });

  it("begins when the Services are there", () => {
    const services = new pulumi.ComponentResource("test:index:Services", "services");
    declare(routerArgs({}, { dependsOn: [services] }));
    const first = registered.filter(({ opts }) => [opts.dependsOn].flat().includes(services));
    assert.deepEqual(
      first.map(({ name }) => name),
      ["podinfo-blue-node", "podinfo-green-node"],
    );
  });

  function ignored(): readonly (readonly string[])[] {
    return registered
      .map(({ name, opts }) => [name, ...(opts.ignoreChanges ?? [])])
      .filter(({ length }) => length > 1);
  }

  it("has no way in without a gateway", async () => {
    const { virtualGateway: _none, ...withoutGateway } = meshSettings;
    declare(routerArgs(), withoutGateway);
    assert.deepEqual(
      Object.keys(graph()).filter((name) => name.startsWith("GatewayRoute")),
      [],
    );
  });

  for (const protocol of ["http", "grpc"] as const) {
    it(`keeps the live weights of ${protocol} in a plain update, and says which they are`, async () => {
      const { weights } = declare(routerArgs({ protocol }, { keepWeights: true }));
      assert.deepEqual(ignored(), [
        ["podinfo-route", `spec.routes[0].${protocol}Route.action.weightedTargets[*].weight`],
      ]);
      assert.deepEqual(await resolved(weights), { blue: 70, green: 30 });
    });
  }

  it("moves weights when it is told to", async () => {
    declare(routerArgs());
    assert.deepEqual(ignored(), []);
  });

  it("says where requests go, what to read back and how to tell the slots apart", async () => {
    const { endpoint, traffic, variables, queries } = declare(routerArgs());
    // by its mesh name: under any other, callers inside the mesh would go past the router
    assert.equal(await resolved(endpoint), "http://podinfo.shop:9898");
    assert.deepEqual(appMeshTrafficSchema.parse(traffic), {
      router: "app-mesh",
      cluster: {},
      namespace: "shop",
      virtualRouter: "podinfo",
      virtualNodes: { blue: "podinfo-blue", green: "podinfo-green" },
      workloads: routerArgs().workloads,
    });
    assert.deepEqual(variables.green, {
      namespace: "shop",
      cluster: "cds_egress_shop_podinfo-green_shop_http_9898",
    });
    assert.match(queries["request-success-rate"] ?? "", /envoy_cluster_name="\{\{ cluster \}\}"/);
  });

  it("is reached by its first host name, or as it is told", async () => {
    const hostnames = ["podinfo.example.com"];
    assert.equal(
      await resolved(declare(routerArgs({ hostnames })).endpoint),
      "http://podinfo.example.com",
    );
    const endpoint = "https://shop.example.com/podinfo";
    assert.equal(
      await resolved(declare(routerArgs({ hostnames }, { endpoint })).endpoint),
      endpoint,
    );
  });

  it("declares nothing of what it refuses", () => {
    const settings = { ...meshSettings, allowDiscontinuedAppMesh: false };
    assert.throws(() => declare(routerArgs(), settings), ContractError);
    assert.deepEqual(registered, []);
  });
});

function withWeights(inputs: unknown, blue: number, green: number): object {
  const weights = [blue, green];
  const text = JSON.stringify(inputs).replaceAll(/"weight":\d+/g, (found) => {
    const next = weights.shift();
    return next === undefined ? found : `"weight":${next}`;
  });
  // what was an object is one again
  return JSON.parse(text) as object;
}

function resolved<T>(output: pulumi.Output<T>): Promise<T> {
  return new Promise((resolve) => {
    output.apply((value) => resolve(value));
  });
}
