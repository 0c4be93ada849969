import type { z } from "zod";
import { routeWritten } from "../../infra/kubernetes-contract.ts";
import type { AppMeshRouterSettings } from "../../infra/router-contract.ts";
import type { KubernetesRouterArgs } from "../../infra/routers/router.ts";

/** A route as users write it. */
export type WrittenRoute = z.input<typeof routeWritten>;

/** A router that may be used, with a way in. */
export const meshSettings: AppMeshRouterSettings = {
  kind: "app-mesh",
  mesh: "shop",
  virtualGateway: { namespace: "shop", name: "ingress" },
  allowDiscontinuedAppMesh: true,
};

/** Service podinfo of namespace shop, primary in blue, 80 to 20 percent. */
export function routerArgs(
  route: WrittenRoute = {},
  more: Partial<KubernetesRouterArgs> = {},
): KubernetesRouterArgs {
  return {
    service: "podinfo",
    namespace: "shop",
    cluster: {},
    primary: "blue",
    canary: "green",
    weights: { blue: 80, green: 20 },
    keepWeights: false,
    backends: { blue: "podinfo-blue", green: "podinfo-green" },
    port: 9898,
    targetPort: 9898,
    route: routeWritten.parse(route),
    appMeshBackends: [],
    workloads: {
      kind: "Deployment",
      names: { blue: "podinfo-blue", green: "podinfo-green" },
    },
    endpoint: undefined,
    dependsOn: [],
    ...more,
  };
}

/** Routes that between them make use of every field that App Mesh can serve. */
export const routeVariants = {
  plain: {},
  "A/B by header": {
    canaryMatch: [{ headers: { "x-canary": { exact: "insider" }, region: { regex: "eu-.*" } } }],
  },
  "A/B by cookie and query": {
    canaryMatch: [{ cookies: { canary: { exact: "always" } }, query: { beta: { exact: "1" } } }],
  },
  "retries and timeouts": {
    timeouts: { request: "30s", backendRequest: "10s" },
    retries: { attempts: 3, codes: [502, 503, 504, 409] },
  },
  "host names and paths": {
    hostnames: ["podinfo.example.com", "*.podinfo.test"],
    paths: [{ prefix: "/api" }, { exact: "/version" }, { regex: "/v[0-9]+/.*" }],
  },
  gRPC: {
    protocol: "grpc",
    paths: [{ exact: "/shop.Cart/Add" }],
    canaryMatch: [{ headers: { "x-canary": { exact: "insider" } } }],
    timeouts: { request: "5s" },
    retries: { attempts: 2 },
  },
} as const satisfies Record<string, WrittenRoute>;
