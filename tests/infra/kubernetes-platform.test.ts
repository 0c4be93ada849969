import assert from "node:assert/strict";
import * as pulumi from "@pulumi/pulumi";
import { parse as parseYaml } from "yaml";
import { z } from "zod";
import { ContractError, parse } from "../../infra/contract.ts";
import {
  kubernetesPlatformOutputsSchema,
  kubernetesPlatformWritten,
  type KubernetesPlatformOutputs,
} from "../../infra/kubernetes-contract.ts";
import { KubernetesPlatform } from "../../infra/platform/kubernetes-platform.ts";
import { FakeReader } from "./kubernetes-platform-reader.ts";

type Written = z.input<typeof kubernetesPlatformWritten>;

const contour = {
  kind: "gateway-api",
  profile: "contour",
  gateway: { name: "shop", className: "contour" },
} as const;
const mesh = { kind: "app-mesh", mesh: "shop", allowDiscontinuedAppMesh: true } as const;
const elsewhere = { address: "http://prometheus.example.com" } as const;

const base: Written = {
  target: "kubernetes",
  namespace: { name: "shop" },
  router: contour,
  prometheus: { deploy: {} },
};

/** The settings of {@link base} with some of them changed, as a program gets them. */
function settingsOf(changes: Partial<Written>) {
  return parse(kubernetesPlatformWritten, { ...base, ...changes }, "upramp:platform");
}

const objectSchema = z.looseObject({
  metadata: z.looseObject({
    name: z.string(),
    namespace: z.string().optional(),
    labels: z.record(z.string(), z.string()),
    annotations: z.record(z.string(), z.string()),
  }),
});
type DeclaredObject = z.output<typeof objectSchema>;

interface Declared {
  readonly outputs: KubernetesPlatformOutputs;
  /** By `Kind namespace/name` or `Kind name`. */
  readonly objects: ReadonlyMap<string, DeclaredObject>;
}

/** Declares a platform without an engine and without a cluster. */
async function declare(
  changes: Partial<Written> = {},
  reader = new FakeReader(),
  previous?: unknown,
): Promise<Declared> {
  const objects = new Map<string, DeclaredObject>();
  await pulumi.runtime.setMocks(
    {
      newResource: ({ type, name, inputs, custom }) => {
        if (custom === true && type.startsWith("kubernetes:")) {
          const object = objectSchema.parse(inputs);
          const { namespace, name: own } = object.metadata;
          const place = namespace === undefined ? own : `${namespace}/${own}`;
          objects.set(`${type.split(":").at(-1)} ${place}`, object);
        }
        return { id: `${name}-id`, state: inputs as object };
      },
      call: ({ token }) => {
        assert.equal(token, "pulumi:pulumi:readStackOutputs");
        return { outputs: previous === undefined ? {} : { upramp: previous } };
      },
    },
    "upramp",
    "dev",
    false,
    "organization",
  );
  const settings = settingsOf(changes);
  const { outputs } = new KubernetesPlatform("platform", { stack: "dev", settings, reader });
  const value = await new Promise<unknown>((resolve, reject) => {
    // a rejected Output has no other sign in the SDK's types
    (outputs as unknown as { promise(): Promise<unknown> }).promise().then(resolve, reject);
  });
  return { outputs: kubernetesPlatformOutputsSchema.parse(value), objects };
}

function objectOf({ objects }: Declared, key: string): DeclaredObject {
  const found = objects.get(key);
  assert.ok(found, `no ${key} among ${[...objects.keys()].join(", ")}`);
  return found;
}

function specOf(declared: Declared, key: string): Record<string, unknown> {
  return z.record(z.string(), z.unknown()).parse(objectOf(declared, key)["spec"]);
}

const listenersSchema = z
  .array(z.looseObject({ port: z.number(), allowedRoutes: z.object({ namespaces: z.unknown() }) }))
  .length(1);

function routesFrom(declared: Declared): unknown {
  const { listeners } = specOf(declared, "Gateway shop/shop");
  return listenersSchema.parse(listeners)[0]?.allowedRoutes.namespaces;
}

const configSchema = z.object({
  global: z.record(z.string(), z.string()),
  scrape_configs: z.array(
    z.looseObject({
      job_name: z.string(),
      kubernetes_sd_configs: z
        .array(z.object({ role: z.string(), namespaces: z.unknown().optional() }))
        .optional(),
      static_configs: z.unknown().optional(),
    }),
  ),
});

function configOf(declared: Declared): z.output<typeof configSchema> {
  const [key] = [...declared.objects.keys()].filter((one) => one.startsWith("ConfigMap "));
  const { data } = objectOf(declared, key ?? "ConfigMap");
  const text = z.object({ "prometheus.yml": z.string() }).parse(data)["prometheus.yml"];
  return configSchema.parse(parseYaml(text));
}

function jobsOf(declared: Declared): string[] {
  return configOf(declared).scrape_configs.map((job) => job.job_name);
}

const all = (names: string[]) => ({
  matchExpressions: [{ key: "kubernetes.io/metadata.name", operator: "In", values: names }],
});

describe("the platform of target kubernetes", () => {
  it("declares a namespace, a Gateway and a Prometheus, and says where they are", async () => {
    const declared = await declare({ endpoint: "http://shop.example.com" });
    assert.deepEqual(
      [...declared.objects.keys()].map((key) => key.replace(/-[0-9a-f]{10}$/, "-HASH")).toSorted(),
      [
        "ConfigMap shop/upramp-prometheus-HASH",
        "Deployment shop/upramp-prometheus",
        "Gateway shop/shop",
        "Namespace shop",
        "Role shop/upramp-prometheus-shop",
        "RoleBinding shop/upramp-prometheus-shop",
        "Service shop/upramp-prometheus",
        "ServiceAccount shop/upramp-prometheus",
      ],
    );
    assert.deepEqual(declared.outputs, {
      contract: 1,
      target: "kubernetes",
      stack: "dev",
      cluster: {},
      namespace: "shop",
      router: {
        kind: "gateway-api",
        profile: "contour",
        gateway: { namespace: "shop", name: "shop" },
      },
      endpoint: "http://shop.example.com",
      prometheus: { service: { namespace: "shop", service: "upramp-prometheus", port: 9_090 } },
    });
  });

  it("marks every object with the stack that made it", async () => {
    const declared = await declare({ serviceNamespaces: ["pay"] }, new FakeReader("Namespace pay"));
    for (const [key, { metadata }] of declared.objects) {
      assert.equal(metadata.annotations["upramp.dev/stack"], "organization/upramp/dev", key);
      assert.equal(metadata.labels["app.kubernetes.io/managed-by"], "upramp", key);
    }
  });

  it("declares nothing that it is told is there", async () => {
    const reader = new FakeReader(
      "Namespace shop",
      ["Gateway infra/public", { spec: { listeners: [{ name: "web" }] } }],
      ["Service monitoring/prometheus", { spec: { ports: [{ port: 9_090 }] } }],
    );
    const gateway = { namespace: "infra", name: "public", listener: "web" };
    const service = { namespace: "monitoring", service: "prometheus", port: 9_090 };
    const declared = await declare(
      {
        namespace: { name: "shop", create: false },
        router: { ...contour, gateway },
        prometheus: { service },
      },
      reader,
    );
    assert.deepEqual([...declared.objects.keys()], []);
    assert.deepEqual(declared.outputs.router, { ...contour, gateway });
    assert.deepEqual(declared.outputs.prometheus, { service });
    const addressed = await declare({ prometheus: elsewhere });
    assert.deepEqual([...addressed.objects.keys()].toSorted(), [
      "Gateway shop/shop",
      "Namespace shop",
    ]);
    assert.deepEqual(addressed.outputs.prometheus, elsewhere);
  });

  it("lays a namespace's own labels and annotations over those it needs", async () => {
    const labels = { "istio-injection": "enabled" };
    const annotations = { "linkerd.io/inject": "enabled" };
    const plain = objectOf(
      await declare({ namespace: { name: "shop", labels, annotations } }),
      "Namespace shop",
    ).metadata;
    assert.equal(plain.labels["istio-injection"], "enabled");
    assert.equal(plain.annotations["linkerd.io/inject"], "enabled");
    const injector = "appmesh.k8s.aws/sidecarInjectorWebhook";
    assert.equal(plain.labels[injector], undefined);
    const meshed = await declare({ router: mesh });
    assert.equal(objectOf(meshed, "Namespace shop").metadata.labels[injector], "enabled");
    const without = await declare({
      router: mesh,
      namespace: { name: "shop", labels: { [injector]: "disabled" } },
    });
    assert.equal(objectOf(without, "Namespace shop").metadata.labels[injector], "disabled");
  });

  it("lets the routes of the services' namespaces attach, and no others", async () => {
    assert.deepEqual(routesFrom(await declare()), { from: "Same" });
    const reader = new FakeReader("Namespace pay");
    assert.deepEqual(routesFrom(await declare({ serviceNamespaces: ["pay", "shop"] }, reader)), {
      from: "Selector",
      selector: all(["shop", "pay"]),
    });
    assert.deepEqual(routesFrom(await declare({ serviceNamespaces: "all" })), { from: "All" });
  });

  it("waits until the Gateway is programmed", async () => {
    const { metadata } = objectOf(await declare(), "Gateway shop/shop");
    assert.equal(metadata.annotations["pulumi.com/waitFor"], "condition=Programmed");
    const { gatewayClassName, listeners } = specOf(await declare(), "Gateway shop/shop");
    assert.equal(gatewayClassName, "contour");
    assert.equal(listenersSchema.parse(listeners)[0]?.port, 80);
  });

  it("declares the Mesh of the services' namespaces, and a VirtualGateway for their routes", async () => {
    const declared = await declare(
      { router: { ...mesh, virtualGateway: { name: "in" } }, serviceNamespaces: ["pay"] },
      new FakeReader("Namespace pay"),
    );
    const selector = all(["shop", "pay"]);
    assert.deepEqual(specOf(declared, "Mesh shop"), { namespaceSelector: selector });
    assert.deepEqual(specOf(declared, "VirtualGateway shop/in"), {
      namespaceSelector: selector,
      podSelector: { matchLabels: { app: "in" } },
      listeners: [{ portMapping: { port: 8_088, protocol: "http" } }],
    });
    assert.deepEqual(declared.outputs.router, {
      ...mesh,
      virtualGateway: { namespace: "shop", name: "in" },
    });
  });

  it("uses a Mesh and a VirtualGateway that are there", async () => {
    const everywhere = { spec: { namespaceSelector: {} } };
    const reader = new FakeReader(["Mesh shop", everywhere], "VirtualGateway infra/in");
    const virtualGateway = { namespace: "infra", name: "in" };
    const router = { ...mesh, createMesh: false, virtualGateway };
    const declared = await declare({ router, prometheus: elsewhere }, reader);
    assert.deepEqual([...declared.objects.keys()], ["Namespace shop"]);
    assert.deepEqual(declared.outputs.router, { ...mesh, virtualGateway });
  });

  describe("Prometheus", () => {
    it("looks for pods where services are, and where it is told, and nowhere else", async () => {
      const deploy = { namespaces: ["gateways", "shop"] };
      const declared = await declare(
        { serviceNamespaces: ["pay"], prometheus: { deploy } },
        new FakeReader("Namespace pay", "Namespace gateways"),
      );
      const [pods] = configOf(declared).scrape_configs;
      assert.deepEqual(pods?.kubernetes_sd_configs, [
        { role: "pod", namespaces: { names: ["shop", "pay", "gateways"] } },
      ]);
      for (const place of ["shop", "pay", "gateways"]) {
        const role = objectOf(declared, `Role ${place}/upramp-prometheus-shop`);
        assert.deepEqual(role["rules"], [
          { apiGroups: [""], resources: ["pods"], verbs: ["get", "list", "watch"] },
        ]);
        const binding = objectOf(declared, `RoleBinding ${place}/upramp-prometheus-shop`);
        assert.deepEqual(binding["subjects"], [
          { kind: "ServiceAccount", namespace: "shop", name: "upramp-prometheus" },
        ]);
      }
      const kinds = [...declared.objects.keys()].map((key) => key.split(" ")[0]);
      assert.ok(!kinds.includes("ClusterRole"));
    });

    it("looks everywhere for services that are everywhere, under a name of the namespace's", async () => {
      const declared = await declare({ serviceNamespaces: "all" });
      const [pods] = configOf(declared).scrape_configs;
      assert.deepEqual(pods?.kubernetes_sd_configs, [{ role: "pod" }]);
      const binding = objectOf(declared, "ClusterRoleBinding upramp-prometheus-shop");
      assert.partialDeepStrictEqual(binding["roleRef"], {
        kind: "ClusterRole",
        name: "upramp-prometheus-shop",
      });
      assert.ok(!declared.objects.has("Role shop/upramp-prometheus-shop"));
    });

    it("scrapes targets by address, at Envoy's path or at their own", async () => {
      const targets = ["envoy.example.com:9901", "traefik:9100/metrics", "[::1]:80/a/b"];
      const declared = await declare({
        prometheus: { deploy: { targets, scrapeInterval: "30s" } },
      });
      assert.deepEqual(configOf(declared).global, {
        scrape_interval: "30000ms",
        scrape_timeout: "10000ms",
      });
      assert.deepEqual(configOf(declared).scrape_configs.at(-1)?.static_configs, [
        {
          targets: ["envoy.example.com:9901"],
          labels: { __metrics_path__: "/stats/prometheus" },
        },
        { targets: ["traefik:9100"], labels: { __metrics_path__: "/metrics" } },
        { targets: ["[::1]:80"], labels: { __metrics_path__: "/a/b" } },
      ]);
      assert.deepEqual(jobsOf(declared), ["pods", "contour-envoy", "targets"]);
    });

    it("scrapes every sidecar of App Mesh, and each once", async () => {
      const declared = await declare({ router: mesh });
      assert.deepEqual(jobsOf(declared), ["pods", "appmesh-envoy"]);
      const text = JSON.stringify(configOf(declared).scrape_configs[0]);
      assert.match(text, /"action":"drop","source_labels":\["__address__"\],"regex":"\.\*:9901"/);
      assert.deepEqual(jobsOf(await declare()), ["pods", "contour-envoy"]);
    });

    it("has a name for each content of its configuration, and the pod follows it", async () => {
      const configName = async (scrapeInterval: string): Promise<string> => {
        const declared = await declare({ prometheus: { deploy: { scrapeInterval } } });
        const [key = ""] = [...declared.objects.keys()].filter((one) =>
          one.startsWith("ConfigMap "),
        );
        const name = key.split("/")[1] ?? "";
        const deployment = JSON.stringify(specOf(declared, "Deployment shop/upramp-prometheus"));
        assert.ok(deployment.includes(`"configMap":{"name":"${name}"}`), deployment);
        return name;
      };
      assert.equal(await configName("5s"), await configName("5000ms"));
      assert.notEqual(await configName("5s"), await configName("6s"));
    });

    it("runs with few rights, within bounds, outside every mesh", async () => {
      const { template } = specOf(await declare(), "Deployment shop/upramp-prometheus");
      assert.partialDeepStrictEqual(template, {
        metadata: {
          labels: { "sidecar.istio.io/inject": "false" },
          annotations: {
            "appmesh.k8s.aws/sidecarInjectorWebhook": "disabled",
            "linkerd.io/inject": "disabled",
          },
        },
        spec: {
          serviceAccountName: "upramp-prometheus",
          securityContext: { runAsNonRoot: true, seccompProfile: { type: "RuntimeDefault" } },
          containers: [
            {
              image: "prom/prometheus:v3.16.0",
              securityContext: {
                allowPrivilegeEscalation: false,
                readOnlyRootFilesystem: true,
                capabilities: { drop: ["ALL"] },
              },
              readinessProbe: { httpGet: { path: "/-/ready" } },
              resources: {
                requests: { cpu: "100m", memory: "512Mi" },
                limits: { cpu: "1", memory: "512Mi" },
              },
            },
          ],
        },
      });
    });
  });

  describe("refuses", () => {
    async function refused(
      changes: Partial<Written>,
      reader = new FakeReader(),
      previous?: unknown,
    ): Promise<string> {
      const error = await declare(changes, reader, previous).then(
        () => assert.fail("it was not refused"),
        (thrown: unknown) => thrown,
      );
      assert.ok(error instanceof ContractError, String(error));
      return error.message;
    }

    it("a namespace that is not there, or that is somebody else's, or about to go", async () => {
      const existing = { namespace: { name: "shop", create: false } };
      assert.match(
        await refused(existing),
        /namespace "shop" does not exist: create it with `kubectl/,
      );
      const foreign = new FakeReader("Namespace shop");
      assert.match(await refused({}, foreign), /is there already .*: use it as it is with/);
      const leaving = new FakeReader([
        "Namespace shop",
        { metadata: { annotations: FakeReader.own, deletionTimestamp: "2026-01-01T00:00:00Z" } },
      ]);
      assert.match(await refused({}, leaving), /is being deleted: try again when it is gone/);
    });

    it("to delete its own namespace by the way, or to move to another", async () => {
      const own = new FakeReader(["Namespace shop", { metadata: { annotations: FakeReader.own } }]);
      assert.equal((await declare({}, own)).outputs.namespace, "shop");
      const changes = { namespace: { name: "shop", create: false } };
      assert.match(await refused(changes, own), /would now delete it with all that is in it/);
      const { outputs } = await declare();
      const moved = { namespace: { name: "store" } };
      assert.match(
        await refused(moved, new FakeReader(), outputs),
        /namespace\.name = "store": this platform is in namespace "shop" .* cannot move/,
      );
    });

    it("a cluster without Gateway API, without the class, or whose class is refused", async () => {
      const without = new FakeReader().withoutKinds("Gateway", "GatewayClass");
      assert.match(await refused({}, without), /does not know Gateway API: install its CRDs/);
      const classless = new FakeReader().without("GatewayClass contour");
      assert.match(await refused({}, classless), /GatewayClass contour does not exist: install/);
      const broken = new FakeReader([
        "GatewayClass contour",
        {
          spec: { controllerName: "example.com/controller" },
          status: {
            conditions: [{ type: "Accepted", status: "False", message: "no such parameters" }],
          },
        },
      ]);
      assert.match(
        await refused({}, broken),
        /GatewayClass contour is not accepted by example.com\/controller \(no such parameters\)/,
      );
    });

    it("a Gateway or a listener that is not there, and a name that is taken", async () => {
      const gateway = { namespace: "infra", name: "public", listener: "web" };
      const router = { ...contour, gateway };
      assert.match(await refused({ router }), /Gateway infra\/public does not exist: create it/);
      const other = { spec: { listeners: [{ name: "http" }, { name: "https" }] } };
      assert.match(
        await refused({ router }, new FakeReader(["Gateway infra/public", other])),
        /listener = "web": Gateway infra\/public has only http, https/,
      );
      assert.match(
        await refused({}, new FakeReader("Gateway shop/shop")),
        /Gateway shop\/shop is there already .* gateway: \{namespace: shop, name: shop\}/,
      );
    });

    it("a cluster without App Mesh, and a Mesh that is missing, taken or has other members", async () => {
      const without = new FakeReader().withoutKinds("Mesh", "VirtualGateway");
      assert.match(await refused({ router: mesh }, without), /does not know App Mesh: install/);
      const used = { ...mesh, createMesh: false };
      assert.match(await refused({ router: used }), /Mesh shop does not exist: create it/);
      const theirs = new FakeReader([
        "Mesh shop",
        { spec: { namespaceSelector: { matchLabels: { team: "shop" } } } },
      ]);
      assert.match(await refused({ router: mesh }, theirs), /createMesh: false/);
      assert.match(
        await refused({ router: used }, theirs),
        /namespace "shop" is not in Mesh shop, whose namespaceSelector is \{"matchLabels":\{"team":"shop"\}\}: add/,
      );
      const labeled = { name: "shop", labels: { team: "shop" } };
      await declare({ router: used, namespace: labeled }, theirs);
      const virtualGateway = { namespace: "infra", name: "in" };
      assert.match(
        await refused({ router: { ...mesh, virtualGateway } }),
        /VirtualGateway infra\/in does not exist: create it/,
      );
    });

    it("a Prometheus that is not there, a wrong port, and names that are taken", async () => {
      const service = { namespace: "monitoring", service: "prometheus", port: 9_090 };
      const prometheus = { service };
      assert.match(
        await refused({ prometheus }),
        /Service monitoring\/prometheus does not exist: correct prometheus\.service/,
      );
      const other = ["Service monitoring/prometheus", { spec: { ports: [{ port: 80 }] } }] as const;
      assert.match(
        await refused({ prometheus }, new FakeReader(other)),
        /port = 9090: Service monitoring\/prometheus has only 80/,
      );
      assert.match(
        await refused({}, new FakeReader("Deployment shop/upramp-prometheus")),
        /Deployment shop\/upramp-prometheus is there already/,
      );
    });

    it("all that is wrong at once", async () => {
      const reader = new FakeReader("Namespace shop").without("GatewayClass contour");
      const message = await refused(
        { serviceNamespaces: ["pay"], prometheus: { deploy: { namespaces: ["gateways"] } } },
        reader,
      );
      assert.equal(message.split("\n").length, 4, message);
      assert.match(message, /namespace "pay" of serviceNamespaces does not exist/);
      assert.match(
        message,
        /namespace "gateways" of prometheus\.deploy\.namespaces does not exist/,
      );
    });
  });

  describe("the settings", () => {
    function fault(changes: object): string {
      // what users write need not be of the right type
      try {
        settingsOf(changes as Partial<Written>);
      } catch (error) {
        assert.ok(error instanceof ContractError);
        return error.message;
      }
      return "";
    }

    it("name either a Gateway that is there or one of the stack's own", () => {
      const gateway = (written: object): string =>
        fault({ router: { ...contour, gateway: written } });
      assert.match(gateway({ name: "a" }), /router\.gateway\.namespace: is not set/);
      assert.match(
        gateway({ namespace: "b", name: "a", port: 80 }),
        /port = 80: .* give className/,
      );
      assert.match(
        gateway({ namespace: "b", name: "a", className: "c" }),
        /namespace = "b": is the/,
      );
      assert.match(gateway({ name: "a", className: "c", listener: "d" }), /listener = "d": is the/);
      assert.match(
        fault({ router: { ...contour, profile: "linkerd" } }),
        /className = "contour": Linkerd serves no Gateways/,
      );
    });

    it("need the word that App Mesh's control plane is not AWS's", () => {
      assert.match(
        fault({ router: { kind: "app-mesh", mesh: "shop" } }),
        /allowDiscontinuedAppMesh: AWS has switched App Mesh off on 2026-09-30/,
      );
      const virtualGateway = { namespace: "a", name: "b", port: 80 };
      assert.match(fault({ router: { ...mesh, virtualGateway } }), /port = 80: belongs to/);
    });

    it("name one Prometheus, of a fixed version", () => {
      assert.match(fault({ prometheus: {} }), /give one of address, service, deploy and amp/);
      assert.match(fault({ prometheus: { ...elsewhere, deploy: {} } }), /give one of/);
      const deploy = (written: object): string => fault({ prometheus: { deploy: written } });
      for (const image of ["prom/prometheus", "prom/prometheus:latest", "host:5000/prometheus"]) {
        assert.match(deploy({ image }), /names no fixed version/, image);
      }
      const digest = `prom/prometheus@sha256:${"0".repeat(64)}`;
      for (const image of ["host:5000/prometheus:v3.8.0", digest]) {
        assert.equal(deploy({ image }), "", image);
      }
      assert.match(deploy({ targets: ["a:1", "b"] }), /targets\[1\] = "b": is not HOST:PORT/);
      assert.match(deploy({ scrapeInterval: "10ms" }), /scrapeInterval.*: is below 100ms/);
      assert.match(deploy({ memory: "1GB" }), /memory = "1GB": is not a size such as/);
    });

    it("label only a namespace that the stack makes", () => {
      const namespace = { name: "shop", create: false, labels: { a: "b" } };
      assert.match(
        fault({ namespace }),
        /namespace\.labels: are set only on a namespace that this/,
      );
      assert.match(
        fault({ serviceNamespaces: "some" }),
        /is neither a list of namespaces nor "all"/,
      );
    });
  });
});
