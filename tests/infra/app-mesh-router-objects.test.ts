import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "yaml";
import { z } from "zod";
import {
  canaryName,
  gatewayRoutes,
  virtualNode,
  virtualRouter,
  virtualService,
  type MeshObject,
} from "../../infra/routers/app-mesh-objects.ts";
import type { KubernetesRouterArgs } from "../../infra/routers/router.ts";
import { routerArgs, routeVariants } from "./app-mesh-router-args.ts";

interface Schema {
  readonly properties?: Readonly<Record<string, Schema>> | undefined;
  readonly items?: Schema | undefined;
}

const schema: z.ZodType<Schema> = z.lazy(() =>
  z.object({
    properties: z.record(z.string(), schema).optional(),
    items: schema.optional(),
  }),
);

const definition = z.object({
  spec: z.object({
    names: z.object({ kind: z.string() }),
    versions: z.tuple([z.object({ schema: z.object({ openAPIV3Schema: schema }) })]),
  }),
});

const definitions = join(import.meta.dirname, "..", "cluster", "app-mesh", "crds");

/** The released schemas by kind. */
const schemas = new Map(
  readdirSync(definitions)
    .filter((name) => name.endsWith(".yaml"))
    .map((name) => {
      const { spec } = definition.parse(parse(readFileSync(join(definitions, name), "utf8")));
      return [spec.names.kind, spec.versions[0].schema.openAPIV3Schema];
    }),
);

/** Places of fields that a schema does not name: the API server keeps them without a word, and nothing acts on them. */
function unknownFields(value: unknown, known: Schema | undefined, place: string): string[] {
  if (known === undefined) return [place];
  if (Array.isArray(value)) {
    return value.flatMap((item, index) => unknownFields(item, known.items, `${place}[${index}]`));
  }
  if (typeof value !== "object" || value === null) return [];
  if (known.properties === undefined) return [];
  return Object.entries(value).flatMap(([key, inner]: [string, unknown]) =>
    unknownFields(inner, known.properties?.[key], `${place}.${key}`),
  );
}

function allObjects(args: KubernetesRouterArgs): readonly MeshObject[] {
  return [
    virtualNode(args, "blue"),
    virtualNode(args, "green"),
    virtualRouter(args, "split"),
    virtualRouter(args, "canary"),
    virtualService(args, args.service),
    virtualService(args, canaryName(args.service)),
    ...gatewayRoutes(args),
  ];
}

describe("the objects of App Mesh", () => {
  it("would show a field that no schema names", () => {
    const node = virtualNode(routerArgs(), "blue");
    const found = unknownFields({ listenrs: [], ...node.spec }, specOf("VirtualNode"), "spec");
    assert.deepEqual(found, ["spec.listenrs"]);
  });

  for (const [name, route] of Object.entries(routeVariants)) {
    it(`have only fields that the released schemas name: ${name}`, () => {
      for (const { kind, spec } of allObjects(routerArgs(route, { appMeshBackends: ["cart"] }))) {
        assert.deepEqual(unknownFields(spec, specOf(kind), kind), []);
      }
    });
  }

  function specOf(kind: string): Schema | undefined {
    return schemas.get(kind)?.properties?.["spec"];
  }

  it("listen at the pods' own port under the host name of the slot's Service", () => {
    assert.deepEqual(virtualNode(routerArgs(), "green").spec, {
      podSelector: {
        matchLabels: { "upramp.dev/service": "podinfo", "upramp.dev/slot": "green" },
      },
      listeners: [
        {
          portMapping: { port: 9898, protocol: "http" },
          healthCheck: {
            protocol: "tcp",
            healthyThreshold: 2,
            unhealthyThreshold: 3,
            intervalMillis: 5_000,
            timeoutMillis: 2_000,
          },
        },
      ],
      serviceDiscovery: { dns: { hostname: "podinfo-green.shop.svc.cluster.local." } },
    });
  });

  it("let the pods' own Envoy wait as long as the route does", () => {
    const timeoutOf = (protocol: "http" | "grpc"): unknown => {
      const node = virtualNode(routerArgs({ protocol, timeouts: { request: "1m" } }), "blue");
      const listener = z.object({ timeout: z.unknown() });
      return z.object({ listeners: z.tuple([listener]) }).parse(node.spec).listeners[0].timeout;
    };
    assert.deepEqual(timeoutOf("http"), { http: { perRequest: { unit: "ms", value: 60_000 } } });
    assert.deepEqual(timeoutOf("grpc"), { grpc: { perRequest: { unit: "ms", value: 60_000 } } });
  });

  it("name each backend once", () => {
    const appMeshBackends = ["cart", "shop/cart", "stock/main"];
    const { spec } = virtualNode(routerArgs({}, { appMeshBackends }), "blue");
    const references = [
      { namespace: "shop", name: "cart" },
      { namespace: "stock", name: "main" },
    ];
    assert.deepEqual(
      Reflect.get(spec, "backends"),
      references.map((virtualServiceRef) => ({ virtualService: { virtualServiceRef } })),
    );
  });

  it("do not change with the weights, but for the router", () => {
    const at = (green: number) =>
      allObjects(routerArgs({}, { weights: { blue: 100 - green, green } }));
    const changed = at(0).filter(
      (object, index) => JSON.stringify(object) !== JSON.stringify(at(30)[index]),
    );
    assert.deepEqual(
      changed.map(({ kind, metadata }) => [kind, metadata.name]),
      [["VirtualRouter", "podinfo"]],
    );
  });

  it("let requests in by one route for each host name", () => {
    const matchOf = ({ spec }: MeshObject): unknown =>
      z.object({ httpRoute: z.object({ match: z.unknown() }) }).parse(spec).httpRoute.match;
    const byHost = gatewayRoutes(routerArgs({ hostnames: ["a.test", "*.b.test", "*"] }));
    assert.deepEqual(byHost.map(matchOf), [
      { prefix: "/", hostname: { exact: "a.test" } },
      { prefix: "/", hostname: { suffix: ".b.test" } },
      { prefix: "/" },
    ]);
    const names = byHost.map(({ metadata }) => metadata.name);
    assert.deepEqual(names, ["podinfo", "podinfo-host-1", "podinfo-host-2"]);
    const [only] = gatewayRoutes(routerArgs({ paths: [{ exact: "/a" }] }));
    assert.ok(only !== undefined);
    assert.deepEqual(matchOf(only), { path: { exact: "/a" } });
    const grpc = gatewayRoutes(routerArgs(routeVariants.gRPC)).map(({ spec }) => spec);
    const target = { virtualService: { virtualServiceRef: { name: "podinfo" } } };
    const match = { serviceName: "shop.Cart" };
    assert.deepEqual(grpc, [{ grpcRoute: { match, action: { target } } }]);
  });
});
