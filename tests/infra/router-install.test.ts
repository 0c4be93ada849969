import assert from "node:assert/strict";
import * as pulumi from "@pulumi/pulumi";
import { z } from "zod";
import { ContractError, parse } from "../../infra/contract.ts";
import {
  kubernetesPlatformOutputsSchema,
  kubernetesPlatformWritten,
  type KubernetesPlatformSettings,
} from "../../infra/kubernetes-contract.ts";
import type { AwsPlace } from "../../infra/platform/charts/aws-place.ts";
import { KubernetesPlatform } from "../../infra/platform/kubernetes-platform.ts";
import { declareRouter } from "../../infra/platform/router.ts";
import { routerWrittenFor, type RouterSettings } from "../../infra/router-contract.ts";
import { appMesh, envoyGateway, istio, lattice } from "./installed-routers.ts";
import { FakeReader } from "./kubernetes-platform-reader.ts";

type Written = z.input<typeof kubernetesPlatformWritten>;
type RouterInput = Written["router"];

const place: AwsPlace = {
  region: "eu-west-1",
  clusterName: "shop",
  vpcId: "vpc-0123456789abcdef0",
  identity: {
    oidcProviderArn:
      "arn:aws:iam::123456789012:oidc-provider/oidc.eks.eu-west-1.amazonaws.com/id/A",
    oidcIssuer: "oidc.eks.eu-west-1.amazonaws.com/id/A",
  },
};

/** What was asked of the engine, in the order in which it was: what waits for something comes after it. */
type Graph = ReadonlyMap<string, Readonly<Record<string, unknown>>>;

interface Declared {
  /** Inputs by resource: its kind and, of an object, its place. */
  readonly graph: Graph;
  readonly endpoint: string | undefined;
  readonly router: RouterSettings;
}

const metadataSchema = z.object({
  metadata: z.object({ name: z.string(), namespace: z.string().optional() }),
});

async function mocked(seen: Map<string, Readonly<Record<string, unknown>>>): Promise<void> {
  await pulumi.runtime.setMocks(
    {
      newResource: async ({ type, name, inputs, id }) => {
        // the SDK hands on what was given to it, as any
        const given = inputs as Readonly<Record<string, unknown>>;
        const kind = type.split(":").at(-1) ?? type;
        const object = metadataSchema.safeParse(given).data?.metadata;
        const own = object === undefined ? name : `${object.namespace ?? ""}/${object.name}`;
        seen.set(`${kind} ${own.replace(/^\//, "")}`, given);
        // what does not wait for this is asked for meanwhile
        await new Promise((resolve) => setImmediate(resolve));
        const isRead = id !== undefined && id !== "";
        return { id: isRead ? id : `${name}-id`, state: { ...given, ...stateOf(type) } };
      },
      call: () => ({ outputs: {} }),
    },
    "upramp",
    "dev",
    false,
    "organization",
  );
}

function settingsOf(router: RouterInput, changes: Partial<Written> = {}) {
  const written: Written = {
    target: "kubernetes",
    namespace: { name: "shop" },
    router,
    prometheus: { address: "http://prometheus.example.com" },
    ...changes,
  };
  return parse(kubernetesPlatformWritten, written, "upramp:platform");
}

/** Declares a platform without an engine and without a cluster. */
async function declare(
  router: RouterInput,
  changes: Partial<Written> = {},
  reader = new FakeReader().withoutKinds("Gateway", "GatewayClass", "Mesh", "VirtualGateway"),
): Promise<Declared> {
  const graph = new Map<string, Readonly<Record<string, unknown>>>();
  await mocked(graph);
  const settings = settingsOf(router, changes);
  const { outputs } = new KubernetesPlatform("platform", { stack: "dev", settings, reader });
  const found = kubernetesPlatformOutputsSchema.parse(await valueOf(outputs));
  return { graph, endpoint: found.endpoint, router: found.router };
}

/** Declares a router as a platform of target `eks` does. */
async function declareOnEks(router: object): Promise<Declared> {
  const graph = new Map<string, Readonly<Record<string, unknown>>>();
  await mocked(graph);
  const settings: KubernetesPlatformSettings = {
    ...settingsOf({ ...istio }),
    router: parse(routerWrittenFor("eks"), router, "upramp:platform.router"),
  };
  const parent = new pulumi.ComponentResource("test:index:Parent", "parent");
  const part = declareRouter("platform", "dev", settings, { parent, dependsOn: [] }, place);
  const ids = pulumi.all(part.resources.map(({ id }) => id));
  const [endpoint] = z
    .tuple([z.string().optional(), z.unknown()])
    .parse(await valueOf(pulumi.all([part.endpoint, ids])));
  return { graph, endpoint, router: part.place };
}

function valueOf(output: pulumi.Output<unknown>): Promise<unknown> {
  return new Promise((resolve, reject) => {
    // a rejected Output has no other sign in the SDK's types
    (output as unknown as { promise(): Promise<unknown> }).promise().then(resolve, reject);
  });
}

function kindsOf({ graph }: Declared): string[] {
  return [...graph.keys()].filter((key) => !/^(KubernetesPlatform|Parent) /.test(key));
}

function releaseOf({ graph }: Declared, chart: string): Readonly<Record<string, unknown>> {
  const found = graph.get(`Release platform-${chart}`);
  assert.ok(found, `no ${chart} among ${[...graph.keys()].join(", ")}`);
  return found;
}

/** What a cluster says of an object, beside what is asked of it. */
function stateOf(type: string): object {
  switch (type.split(":").at(-1) ?? "") {
    case "Gateway":
      return { status: { addresses: [{ type: "Hostname", value: "public.example.com" }] } };
    case "Service":
      return { status: { loadBalancer: { ingress: [{ hostname: "nlb.example.com" }] } } };
    case "Role":
      return { arn: "arn:aws:iam::123456789012:role/made" };
    default:
      return {};
  }
}

/** All that the controller of VPC Lattice has to be told of the cluster, and the role it acts in. */
function latticeValues(roleArn: string): object {
  return {
    awsRegion: "eu-west-1",
    awsAccountId: "123456789012",
    clusterVpcId: "vpc-0123456789abcdef0",
    clusterName: "shop",
    defaultServiceNetwork: "public",
    serviceAccount: {
      create: true,
      name: "gateway-api-controller",
      annotations: { "eks.amazonaws.com/role-arn": roleArn },
    },
  };
}

describe("router.install", () => {
  it("installs Envoy Gateway, with a class whose Envoys tell slots apart, before the Gateway", async () => {
    const declared = await declare(envoyGateway);
    assert.deepEqual(kindsOf(declared), [
      "Namespace shop",
      "Release platform-gateway-helm",
      "EnvoyProxy envoy-gateway-system/envoy-gateway",
      "GatewayClass envoy-gateway",
      "Gateway shop/public",
    ]);
    assert.deepEqual(releaseOf(declared, "gateway-helm"), {
      chart: "oci://docker.io/envoyproxy/gateway-helm",
      version: "1.9.1",
      name: "envoy-gateway",
      namespace: "envoy-gateway-system",
      createNamespace: true,
      values: { deployment: { replicas: 2 }, podDisruptionBudget: { minAvailable: 1 } },
      timeout: 600,
      atomic: true,
      compat: "true",
    });
    const { spec } = z
      .looseObject({ spec: z.unknown() })
      .parse(declared.graph.get("GatewayClass envoy-gateway"));
    assert.deepEqual(spec, {
      controllerName: "gateway.envoyproxy.io/gatewayclass-controller",
      parametersRef: {
        group: "gateway.envoyproxy.io",
        kind: "EnvoyProxy",
        namespace: "envoy-gateway-system",
        name: "envoy-gateway",
      },
    });
    assert.deepEqual(declared.router, {
      kind: "gateway-api",
      profile: "envoy-gateway",
      gateway: { namespace: "shop", name: "public" },
    });
    assert.equal(declared.endpoint, "http://public.example.com");
  });

  it("installs Istio with Gateway API's definitions, in ambient mode its node parts too", async () => {
    const declared = await declare(istio);
    assert.deepEqual(kindsOf(declared), [
      "Namespace shop",
      "ConfigFile platform-gateway-api",
      "Release platform-base",
      "Release platform-istiod",
      "Release platform-cni",
      "Release platform-ztunnel",
      "Gateway shop/public",
    ]);
    assert.deepEqual(releaseOf(declared, "istiod")["values"], {
      autoscaleMin: 2,
      profile: "ambient",
    });
    const sidecar = await declare(
      {
        ...istio,
        install: { mode: "sidecar", gatewayApiCrds: false },
      },
      {},
      new FakeReader(),
    );
    assert.deepEqual(kindsOf(sidecar), [
      "Namespace shop",
      "Release platform-base",
      "Release platform-istiod",
      "Gateway shop/public",
    ]);
    assert.deepEqual(releaseOf(sidecar, "istiod")["values"], { autoscaleMin: 2 });
  });

  it("installs the controller of VPC Lattice with what it has to be told, and a service network", async () => {
    const declared = await declare(lattice);
    assert.deepEqual(kindsOf(declared), [
      "Namespace shop",
      "ConfigFile platform-gateway-api",
      "Release platform-aws-gateway-controller-chart",
      "GatewayClass amazon-vpc-lattice",
      "Gateway shop/public",
    ]);
    const values = releaseOf(declared, "aws-gateway-controller-chart")["values"];
    assert.deepEqual(values, latticeValues("arn:aws:iam::123456789012:role/lattice"));
  });

  it("makes roles on EKS for what its own service accounts do at AWS, and knows the place", async () => {
    const { install: _, ...rest } = lattice;
    const declared = await declareOnEks({ ...rest, install: {} });
    assert.ok(kindsOf(declared).includes("Role platform-aws-gateway-controller-chart-role"));
    const order = kindsOf(declared);
    assert.ok(
      order.indexOf("RolePolicy platform-aws-gateway-controller-chart-policy") <
        order.indexOf("Release platform-aws-gateway-controller-chart"),
      "the controller has its rights before it starts, and loses them after it is gone",
    );
    const values = releaseOf(declared, "aws-gateway-controller-chart")["values"];
    assert.deepEqual(values, latticeValues("arn:aws:iam::123456789012:role/made"));
    const trust = z
      .looseObject({ assumeRolePolicy: z.string() })
      .parse(declared.graph.get("Role platform-aws-gateway-controller-chart-role"));
    assert.match(
      trust.assumeRolePolicy,
      /system:serviceaccount:aws-application-networking-system:gateway-api-controller/,
    );
    const mesh = await declareOnEks(appMesh);
    assert.deepEqual(
      kindsOf(mesh).filter((key) => key.startsWith("Role ")),
      ["Role platform-appmesh-controller-role", "Role platform-appmesh-gateway-role"],
    );
    const envoys = mesh.graph.get("Role platform-appmesh-gateway-role");
    assert.match(JSON.stringify(envoys), /system:serviceaccount:shop:public/);
  });

  it("installs App Mesh: controller, Mesh, VirtualGateway, and then its Envoys", async () => {
    const declared = await declare({
      ...appMesh,
      install: { annotations: { "example.com/scheme": "internal" } },
    });
    assert.deepEqual(kindsOf(declared), [
      "Namespace shop",
      "Release platform-appmesh-controller",
      "Mesh shop",
      "VirtualGateway shop/public",
      "Release platform-appmesh-gateway",
      "Service platform-public",
    ]);
    const { spec } = z
      .looseObject({ spec: z.looseObject({ podSelector: z.unknown() }) })
      .parse(declared.graph.get("VirtualGateway shop/public"));
    assert.deepEqual(spec.podSelector, { matchLabels: { "app.kubernetes.io/name": "public" } });
    const gatewayRelease = releaseOf(declared, "appmesh-gateway");
    assert.equal(gatewayRelease["name"], "public");
    assert.equal(gatewayRelease["namespace"], "shop");
    assert.deepEqual(gatewayRelease["repositoryOpts"], {
      repo: "https://aws.github.io/eks-charts",
    });
    assert.deepEqual(gatewayRelease["values"], {
      appmesh: { gateway: false, preview: false },
      fullnameOverride: "public",
      service: {
        type: "LoadBalancer",
        annotations: {
          "service.beta.kubernetes.io/aws-load-balancer-type": "nlb",
          "example.com/scheme": "internal",
        },
      },
      serviceAccount: { create: true, name: "public" },
    });
    assert.equal(declared.endpoint, "http://nlb.example.com");
  });

  it("takes another version and further values, and the user's own endpoint", async () => {
    const declared = await declare(
      {
        ...appMesh,
        install: {
          version: "1.13.2",
          values: {
            "appmesh-controller": { image: { repository: "example.com/controller" } },
            "appmesh-gateway": { service: { type: "ClusterIP" }, hpa: { enabled: true } },
          },
        },
      },
      { endpoint: "https://shop.example.com" },
    );
    const controller = releaseOf(declared, "appmesh-controller");
    assert.equal(controller["version"], "1.13.2");
    assert.deepEqual(controller["values"], {
      image: { repository: "example.com/controller" },
      serviceAccount: { create: true, name: "appmesh-controller" },
    });
    const envoys = releaseOf(declared, "appmesh-gateway");
    assert.equal(envoys["version"], "0.1.5");
    const { service, hpa } = z
      .looseObject({ service: z.looseObject({ type: z.string() }), hpa: z.unknown() })
      .parse(envoys["values"]);
    assert.equal(service.type, "ClusterIP");
    assert.deepEqual(hpa, { enabled: true });
    assert.equal(declared.endpoint, "https://shop.example.com");
  });

  it("gives the Gateway's own Service what the cloud is to know", async () => {
    const annotations = { "service.beta.kubernetes.io/aws-load-balancer-scheme": "internal" };
    const declared = await declare({ ...envoyGateway, install: { annotations } });
    const { spec } = z
      .looseObject({ spec: z.looseObject({ infrastructure: z.unknown() }) })
      .parse(declared.graph.get("Gateway shop/public"));
    assert.deepEqual(spec.infrastructure, { annotations });
  });

  it("refuses all that contradicts itself at once, each at its key", () => {
    const faults = (router: object): string => {
      try {
        settingsOf(router as RouterInput); // wrong on purpose, as users may write
      } catch (error) {
        assert.ok(error instanceof ContractError);
        return error.message;
      }
      return "";
    };
    const wrong = faults({
      kind: "gateway-api",
      profile: "envoy-gateway",
      gateway: { namespace: "infra", name: "public", listener: "web" },
      install: {
        mode: "ambient",
        region: "eu-west-1",
        gatewayApiCrds: false,
        values: { istiod: {} },
      },
    });
    for (const [key, message] of [
      ["gateway.namespace", "is that of the Gateway that install makes"],
      ["gateway.listener", "is that of the Gateway that install makes"],
      ["install.mode", "belongs to istio, not envoy-gateway"],
      ["install.region", "belongs to vpc-lattice and app-mesh"],
      ["install.gatewayApiCrds", "belongs to istio and vpc-lattice, not envoy-gateway"],
      [
        "install.values",
        "names chart istiod, which is not installed here: name one of gateway-helm",
      ],
    ]) {
      const line = wrong.split("\n").find((one) => one.includes(`router.${key}`));
      assert.ok(line?.includes(message ?? ""), `${key}: ${wrong}`);
    }
    const outside = faults({ ...lattice, install: { annotations: { a: "b" } } });
    for (const key of ["region", "vpcId", "clusterName", "roleArn"]) {
      assert.match(
        outside,
        new RegExp(`install\\.${key}.*is not set: VPC Lattice works for the VPC`),
      );
    }
    assert.match(outside, /install\.annotations.*are of a load balancer/);
    assert.match(
      faults({ ...istio, gateway: { name: "public", className: "nginx" } }),
      /gateway\.className.*is istio for what install brings/,
    );
    assert.match(
      faults({ ...istio, profile: "contour" }),
      /install.*upramp has no chart of contour: install it as its own documentation says/,
    );
    assert.match(
      faults({ ...appMesh, createMesh: false, virtualGateway: { name: "public", port: 80 } }),
      /createMesh.*is false, but no Mesh is there before its controller[\s\S]*port.*is 8088 in the chart/,
    );
    assert.match(
      faults({ ...appMesh, allowDiscontinuedAppMesh: false }),
      /2026-09-30: nothing in a real account, on EKS too, .*profile envoy-gateway, istio or vpc-lattice/,
    );
    assert.match(
      faults({ ...envoyGateway, install: { version: "latest" } }),
      /install\.version.*is not the version of a chart/,
    );
    assert.throws(
      () => parse(routerWrittenFor("eks"), lattice, "router"),
      /install\.region.*is known to target eks itself: remove it/,
    );
  });

  it("looks for what it does not bring, and for names that are taken", async () => {
    const refused = async (router: RouterInput, reader: FakeReader): Promise<string> => {
      try {
        await declare(router, {}, reader);
      } catch (error) {
        assert.ok(error instanceof ContractError);
        return error.message;
      }
      return "";
    };
    const bare = new FakeReader().withoutKinds("Gateway", "GatewayClass");
    assert.match(
      await refused({ ...istio, install: { gatewayApiCrds: false } }, bare),
      /does not know Gateway API: .*remove `router.install.gatewayApiCrds: false`/,
    );
    assert.match(
      await refused(envoyGateway, new FakeReader("Gateway shop/public")),
      /Gateway shop\/public is there already/,
    );
  });
});
