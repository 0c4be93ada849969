import assert from "node:assert/strict";
import * as pulumi from "@pulumi/pulumi";
import { parse as parseYaml } from "yaml";
import { z } from "zod";
import { ContractError, parse } from "../../infra/contract.ts";
import { kubernetesPlatformWritten } from "../../infra/kubernetes-contract.ts";
import { declareMetrics, type AwsAccess } from "../../infra/platform/metrics.ts";
import { platformFaults } from "../../infra/platform/platform-preflight.ts";
import { eksPrometheusWritten, prometheusPlaceSchema } from "../../infra/prometheus-contract.ts";
import { FakeReader } from "./kubernetes-platform-reader.ts";

type Written = z.input<typeof kubernetesPlatformWritten>;
type Settings = z.output<typeof kubernetesPlatformWritten>;

const owner = "organization/upramp/dev";

const contour = {
  kind: "gateway-api",
  profile: "contour",
  gateway: { name: "shop", className: "contour" },
} as const;
const mesh = {
  kind: "app-mesh",
  mesh: "shop",
  allowDiscontinuedAppMesh: true,
  virtualGateway: { namespace: "edge", name: "in" },
} as const;
const linkerd = {
  kind: "gateway-api",
  profile: "linkerd",
  gateway: { namespace: "edge", name: "in" },
} as const;

const workspaceId = "ws-12345678-1234-1234-1234-123456789012";
const region = "eu-central-1";
const there = { address: "http://prometheus.example.com" } as const;

/** A platform in AWS account 111122223333. */
const aws: AwsAccess = {
  region,
  identity: {
    oidcProviderArn: "arn:aws:iam::111122223333:oidc-provider/oidc.eks.example/id/1",
    oidcIssuer: "oidc.eks.example/id/1",
  },
};

function settingsOf(
  prometheus: Written["prometheus"],
  router: Written["router"] = contour,
): Settings {
  const written = { target: "kubernetes", namespace: { name: "shop" }, router, prometheus };
  return parse(kubernetesPlatformWritten, written, "upramp:platform");
}

/** The same of a platform of target `eks`. */
function eksSettingsOf(prometheus: z.input<typeof eksPrometheusWritten>): Settings {
  const parsed = parse(eksPrometheusWritten, prometheus, "upramp:platform.prometheus");
  return { ...settingsOf(there), prometheus: parsed };
}

interface Declared {
  readonly place: unknown;
  /** By type and name, without what each content has of its own. */
  readonly resources: ReadonlyMap<string, Readonly<Record<string, unknown>>>;
}

/** Declares the metrics of a platform without an engine and without a cluster. */
async function declare(settings: Settings, place?: AwsAccess): Promise<Declared> {
  const resources = new Map<string, Readonly<Record<string, unknown>>>();
  await pulumi.runtime.setMocks(
    {
      newResource: ({ type, name, inputs, custom }) => {
        const state = z.record(z.string(), z.unknown()).parse(inputs);
        if (custom === true) resources.set(`${type.split(/[:/]/).at(-1)} ${name}`, state);
        const made = {
          arn: `arn:aws:made:::${name}`,
          ...(type === "aws:amp/workspace:Workspace"
            ? { prometheusEndpoint: `https://aps.example/workspaces/made/` }
            : {}),
        };
        return { id: `${name}-id`, state: { ...state, ...made } };
      },
      call: ({ inputs }) => inputs as object,
    },
    "upramp",
    "dev",
    false,
    "organization",
  );
  const parent = new pulumi.ComponentResource("test:Platform", "platform");
  const options = { parent, dependsOn: [] };
  const part = await declareMetrics("platform", owner, settings, options, place);
  const known = pulumi.all([part.place, pulumi.all(part.resources.map(({ id }) => id))]);
  const value = await new Promise<unknown>((resolve, reject) => {
    // a rejected Output has no other sign in the SDK's types
    (known as unknown as { promise(): Promise<[unknown]> })
      .promise()
      .then(([found]) => resolve(found), reject);
  });
  return { place: prometheusPlaceSchema.parse(value), resources };
}

function of({ resources }: Declared, key: string): Readonly<Record<string, unknown>> {
  const found = resources.get(key);
  assert.ok(found, `no ${key} among ${[...resources.keys()].join(", ")}`);
  return found;
}

const configSchema = z.object({
  scrape_configs: z.array(z.looseObject({ job_name: z.string(), relabel_configs: z.unknown() })),
  remote_write: z.unknown().optional(),
});

function configOf(declared: Declared): z.output<typeof configSchema> {
  const { data } = of(declared, "ConfigMap platform-prometheus-config");
  const text = z.object({ "prometheus.yml": z.string() }).parse(data)["prometheus.yml"];
  return configSchema.parse(parseYaml(text));
}

const deployed = [
  "ConfigMap platform-prometheus-config",
  "Deployment platform-prometheus",
  "Role platform-prometheus-role-shop",
  "RoleBinding platform-prometheus-binding-shop",
  "Service platform-prometheus-service",
  "ServiceAccount platform-prometheus-account",
];

describe("the metrics of a platform", () => {
  describe("on a Prometheus that is there", () => {
    it("are nothing of their own", async () => {
      const { place, resources } = await declare(settingsOf(there));
      assert.deepEqual(place, there);
      assert.deepEqual([...resources.keys()], []);
    });

    it("are PodMonitors for one of the Prometheus Operator", async () => {
      const operator = { labels: { release: "prometheus" }, namespaces: ["projectcontour"] };
      const declared = await declare(settingsOf({ ...there, operator }));
      assert.deepEqual(declared.place, there);
      assert.deepEqual([...declared.resources.keys()].toSorted(), [
        "PodMonitor platform-pod-monitor-contour-envoy",
        "PodMonitor platform-pod-monitor-pods",
      ]);
      const monitor = of(declared, "PodMonitor platform-pod-monitor-pods");
      assert.equal(monitor["apiVersion"], "monitoring.coreos.com/v1");
      assert.partialDeepStrictEqual(monitor["metadata"], {
        namespace: "shop",
        name: "upramp-pods",
        labels: { release: "prometheus", "app.kubernetes.io/managed-by": "upramp" },
        annotations: { "upramp.dev/stack": owner },
      });
      assert.partialDeepStrictEqual(monitor["spec"], {
        namespaceSelector: { matchNames: ["shop", "projectcontour"] },
        selector: {},
        podMetricsEndpoints: [{ interval: "5000ms", scrapeTimeout: "5000ms" }],
      });
    });

    for (const [name, router, monitors] of [
      ["App Mesh", mesh, ["pods", "appmesh-envoy"]],
      ["Linkerd", linkerd, ["pods", "linkerd-proxy"]],
      ["Contour", contour, ["pods", "contour-envoy"]],
    ] as const) {
      it(`have for ${name} the rules that a deployed one has`, async () => {
        const operator = { scrapeInterval: "30s" };
        const declared = await declare(settingsOf({ ...there, operator }, router));
        const own = configOf(await declare(settingsOf({ deploy: {} }, router))).scrape_configs;
        assert.deepEqual(
          own.map((job) => job.job_name),
          monitors,
        );
        for (const job of own) {
          const { spec } = z
            .object({
              spec: z.object({
                podMetricsEndpoints: z.array(z.looseObject({ relabelings: z.unknown() })).length(1),
              }),
            })
            .parse(of(declared, `PodMonitor platform-pod-monitor-${job.job_name}`));
          const [endpoint] = spec.podMetricsEndpoints;
          const text = JSON.stringify(job.relabel_configs)
            .replaceAll('"source_labels"', '"sourceLabels"')
            .replaceAll('"target_label"', '"targetLabel"');
          assert.deepEqual(sorted(endpoint?.relabelings), sorted(JSON.parse(text)));
          assert.equal(endpoint?.["path"], job["metrics_path"]);
          assert.equal(endpoint?.["interval"], "30000ms");
          assert.equal(endpoint?.["scrapeTimeout"], undefined);
        }
      });
    }

    it("look for App Mesh's gateway where it is, and everywhere for services everywhere", async () => {
      const operator = {};
      const settings = settingsOf({ ...there, operator }, mesh);
      const selectorOf = (declared: Declared): unknown =>
        Reflect.get(
          Object(of(declared, "PodMonitor platform-pod-monitor-pods")["spec"]),
          "namespaceSelector",
        );
      assert.deepEqual(selectorOf(await declare(settings)), { matchNames: ["shop", "edge"] });
      const everywhere = { ...settings, serviceNamespaces: "all" } as const;
      assert.deepEqual(selectorOf(await declare(everywhere)), { any: true });
    });
  });

  describe("on a Prometheus that this stack deploys", () => {
    it("are in its pod unless a volume is asked for", async () => {
      const declared = await declare(settingsOf({ deploy: {} }));
      assert.deepEqual([...declared.resources.keys()].toSorted(), deployed);
      const { spec } = of(declared, "Deployment platform-prometheus");
      assert.partialDeepStrictEqual(spec, { strategy: { type: "RollingUpdate" } });
      const text = JSON.stringify(spec);
      assert.match(text, /"emptyDir":\{"sizeLimit":"4Gi"\}/);
      assert.match(text, /retention\.time=21600000ms","--storage\.tsdb\.retention\.size=3072MB"/);
    });

    it("are on a volume of one pod at a time, and drop the oldest before it is full", async () => {
      const volume = { size: "20Gi", storageClass: "gp3" };
      const declared = await declare(settingsOf({ deploy: { volume, retention: "48h" } }));
      const claim = of(declared, "PersistentVolumeClaim platform-prometheus-volume");
      assert.deepEqual(claim["spec"], {
        accessModes: ["ReadWriteOnce"],
        resources: { requests: { storage: "20Gi" } },
        storageClassName: "gp3",
      });
      const { spec } = of(declared, "Deployment platform-prometheus");
      assert.deepEqual(Reflect.get(Object(spec), "strategy"), { type: "Recreate" });
      const text = JSON.stringify(spec);
      assert.match(text, /"persistentVolumeClaim":\{"claimName":"upramp-prometheus"\}/);
      assert.match(text, /"fsGroup":65534/);
      assert.match(text, /retention\.time=172800000ms","--storage\.tsdb\.retention\.size=15360MB"/);
    });

    it("leave the class of a volume to the cluster unless one is written", async () => {
      const classOf = async (volume: object): Promise<unknown> => {
        const written = { deploy: { volume: { size: "1Ti", ...volume } } };
        const declared = await declare(settingsOf(written));
        const claim = of(declared, "PersistentVolumeClaim platform-prometheus-volume");
        return Reflect.get(Object(claim["spec"]), "storageClassName");
      };
      assert.equal(await classOf({}), undefined);
      assert.equal(await classOf({ storageClass: "" }), "");
    });

    it("are looked for where an installed gateway has its Envoys", async () => {
      const router = { kind: "gateway-api", profile: "envoy-gateway", install: {} } as const;
      const gateway = { name: "shop" };
      const declared = await declare(settingsOf({ deploy: {} }, { ...router, gateway }));
      const { metadata } = of(declared, "Role platform-prometheus-role-envoy-gateway-system");
      assert.partialDeepStrictEqual(metadata, { namespace: "envoy-gateway-system" });
    });

    it("are Contour's own Envoys too, beside a Gateway that is there, unless they ask to be scraped", async () => {
      const router = { ...contour, gateway: { namespace: "edge", name: "in" } };
      const declared = await declare(settingsOf({ deploy: {} }, router));
      assert.ok(declared.resources.has("Role platform-prometheus-role-edge"));
      const rules = JSON.stringify(configOf(declared).scrape_configs[1]?.relabel_configs);
      assert.match(rules, /"regex":"envoy;metrics"/);
      assert.match(rules, /"drop","source_labels":\["[^"]*annotation_prometheus_io_scrape"\]/);
    });

    it("have Linkerd's proxies with the labels that its queries ask for", async () => {
      const config = configOf(await declare(settingsOf({ deploy: {} }, linkerd)));
      const rules = JSON.stringify(config.scrape_configs[1]?.relabel_configs);
      assert.match(rules, /"regex":"linkerd-proxy;linkerd-admin"/);
      assert.match(rules, /linkerd_io_proxy_\(deployment\|/);
      assert.doesNotMatch(rules, /container_init/);
    });
  });

  describe("in a workspace of Amazon Managed Prometheus", () => {
    const endpoint = `https://aps-workspaces.${region}.amazonaws.com/workspaces/${workspaceId}/`;

    it("that is there are asked there", async () => {
      const { place, resources } = await declare(settingsOf({ amp: { workspaceId, region } }));
      assert.deepEqual(place, { amp: { endpoint, region } });
      assert.deepEqual([...resources.keys()], []);
    });

    it("are written by a deployed Prometheus with the role that is given, or that its pod has", async () => {
      const roleArn = "arn:aws:iam::111122223333:role/writer";
      for (const role of [{ roleArn }, {}]) {
        const amp = { workspaceId, region, ...role };
        const declared = await declare(settingsOf({ deploy: {}, amp }));
        assert.deepEqual(declared.place, { amp: { endpoint, region } });
        assert.deepEqual([...declared.resources.keys()].toSorted(), deployed);
        assert.deepEqual(configOf(declared).remote_write, [
          {
            url: `${endpoint}api/v1/remote_write`,
            sigv4: { region },
            queue_config: { batch_send_deadline: "1s" },
          },
        ]);
        const { metadata } = of(declared, "ServiceAccount platform-prometheus-account");
        const annotations: unknown = Reflect.get(Object(metadata), "annotations");
        const role_arn: unknown = Reflect.get(Object(annotations), "eks.amazonaws.com/role-arn");
        assert.equal(role_arn, "roleArn" in role ? roleArn : undefined);
      }
    });

    const isWorkspace = (key: string): boolean => key.startsWith("Workspace ");

    function writerOf(declared: Declared): { readonly trust: string; readonly policies: string } {
      const roles = [...declared.resources].filter(([, one]) => "assumeRolePolicy" in one);
      assert.equal(roles.length, 1, [...declared.resources.keys()].join(", "));
      const trust = String(roles[0]?.[1]["assumeRolePolicy"]);
      const all = [...declared.resources].filter(([key]) => /olicy/.test(key));
      return { trust, policies: JSON.stringify([roles, all]).replaceAll("\\", "") };
    }

    it("that this stack makes are written with a role that can do nothing else", async () => {
      const declared = await declare(eksSettingsOf({ amp: { create: true } }), aws);
      assert.deepEqual(declared.place, {
        amp: { endpoint: "https://aps.example/workspaces/made/", region },
      });
      assert.equal([...declared.resources.keys()].filter(isWorkspace).length, 1);
      assert.partialDeepStrictEqual(configOf(declared).remote_write, [
        { url: "https://aps.example/workspaces/made/api/v1/remote_write", sigv4: { region } },
      ]);
      const { trust, policies } = writerOf(declared);
      assert.match(trust, /system:serviceaccount:shop:upramp-prometheus/);
      const actions = [...policies.matchAll(/"(aps:[^"]*)"/g)].map(([, action]) => action);
      assert.deepEqual(new Set(actions), new Set(["aps:RemoteWrite"]));
      assert.match(policies, /"Resource":"arn:aws:made:::platform-workspace"/);
      const { metadata } = of(declared, "ServiceAccount platform-prometheus-account");
      assert.match(JSON.stringify(metadata), /"eks.amazonaws.com\/role-arn":"arn:aws:made:::/);
    });

    it("that is there are written on target eks with a role for it alone", async () => {
      const declared = await declare(
        eksSettingsOf({ deploy: {}, amp: { workspaceId, region: "us-east-1" } }),
        aws,
      );
      assert.ok(![...declared.resources.keys()].some(isWorkspace));
      const arn = `arn:aws:aps:us-east-1:111122223333:workspace/${workspaceId}`;
      assert.ok(writerOf(declared).policies.includes(`"Resource":"${arn}"`));
    });
  });

  describe("have a dashboard", () => {
    it("in a ConfigMap with the label that Grafana's sidecar looks for, or with others", async () => {
      const plain = await declare(settingsOf({ ...there, dashboard: {} }));
      const key = "ConfigMap platform-dashboard";
      assert.partialDeepStrictEqual(of(plain, key)["metadata"], {
        namespace: "shop",
        name: "upramp-rollout-dashboard",
        labels: { grafana_dashboard: "1" },
      });
      const dashboard = { namespace: "grafana", labels: { dashboards: "yes" } };
      const other = await declare(settingsOf({ ...there, dashboard }));
      assert.partialDeepStrictEqual(of(other, key)["metadata"], {
        namespace: "grafana",
        labels: { dashboards: "yes" },
      });
    });
  });

  describe("are refused when", () => {
    function fault(prometheus: object, target: "kubernetes" | "eks" = "kubernetes"): string {
      try {
        // what users write need not be of the right type
        if (target === "eks") eksSettingsOf(prometheus);
        else settingsOf(prometheus as Written["prometheus"]);
      } catch (error) {
        assert.ok(error instanceof ContractError);
        return error.message;
      }
      return "";
    }

    it("no place is named, or several", () => {
      for (const written of [
        {},
        { ...there, deploy: {} },
        { ...there, amp: { workspaceId, region } },
        { dashboard: {} },
      ]) {
        assert.match(fault(written), /^upramp:platform\.prometheus: give one of address, service/);
      }
      assert.equal(fault({ deploy: {}, amp: { workspaceId, region } }), "");
    });

    it("a workspace has no region, or no name, or is both there and made", () => {
      const amp = (written: object, target?: "eks"): string => fault({ amp: written }, target);
      assert.match(amp({ workspaceId }), /prometheus\.amp\.region: is not set: a workspace is in/);
      assert.match(
        amp({ region }),
        /amp\.workspaceId: is not set: name a workspace .* `create: true`/,
      );
      assert.match(amp({ create: true }), /amp\.create = true: needs target eks/);
      assert.equal(amp({ create: true }, "eks"), "");
      const both = amp({ create: true, workspaceId, region }, "eks");
      assert.match(both, /amp\.workspaceId = "ws-.*": is of a workspace that is there/);
      assert.match(both, /amp\.region = "eu-central-1": is the platform's/);
      assert.match(amp({ workspaceId, region: "Frankfurt" }), /region = "Frankfurt": is not a/);
      assert.match(amp({ workspaceId: "mine", region }), /workspaceId = "mine": is not the ID/);
    });

    it("options contradict each other, all in one message", () => {
      const roleArn = "arn:aws:iam::111122223333:role/writer";
      assert.match(fault({ ...there, deploy: {}, operator: {} }), /operator: is for a Prometheus/);
      const all = fault({ amp: { workspaceId, roleArn, create: true }, operator: {} });
      assert.equal(all.split("\n").length, 3, all);
      assert.match(fault({ amp: { workspaceId, region, roleArn } }), /amp\.roleArn.*: give deploy/);
    });

    it("a volume is no size, or what is kept is next to nothing", () => {
      const deploy = (written: object): string => fault({ deploy: written });
      assert.match(deploy({ volume: { size: "512Mi" } }), /volume\.size = "512Mi": is not a size/);
      assert.match(deploy({ volume: {} }), /volume\.size/);
      assert.match(deploy({ retention: "5m" }), /retention = "5m": is below 1h/);
    });
  });

  describe("are refused before anything is declared when", () => {
    async function faults(
      prometheus: Written["prometheus"],
      reader: FakeReader,
      changes: Partial<Settings> = {},
    ): Promise<readonly string[]> {
      const settings = { ...settingsOf(prometheus), ...changes };
      return platformFaults(reader, { settings, owner, previous: undefined });
    }

    it("the Prometheus Operator is not there, or another platform has its PodMonitors", async () => {
      const operator = { namespaces: ["projectcontour"] };
      const [lack, unserved, ...more] = await faults(
        { ...there, operator },
        new FakeReader().withoutKinds("PodMonitor"),
      );
      assert.match(
        lack ?? "",
        /"projectcontour" of prometheus\.operator\.namespaces does not exist/,
      );
      assert.match(unserved ?? "", /operator: the cluster does not know PodMonitors: install the/);
      assert.deepEqual(more, []);
      const [taken] = await faults(
        { ...there, operator: {} },
        new FakeReader("PodMonitor shop/upramp-pods"),
      );
      assert.match(taken ?? "", /PodMonitor shop\/upramp-pods is there already/);
    });

    it("a volume would be replaced by an empty one", async () => {
      const claim = [
        "PersistentVolumeClaim shop/upramp-prometheus",
        {
          metadata: { annotations: FakeReader.own },
          spec: { storageClassName: "gp2", resources: { requests: { storage: "20Gi" } } },
        },
      ] as const;
      const found = (volume: { size: string; storageClass?: string }) =>
        faults({ deploy: { volume } }, new FakeReader(claim));
      assert.deepEqual(await found({ size: "1Ti", storageClass: "gp2" }), []);
      assert.deepEqual(await found({ size: "20Gi" }), []);
      const [otherClass, shrunk] = await found({ size: "10Gi", storageClass: "gp3" });
      assert.match(otherClass ?? "", /storageClass = "gp3": the volume is of class "gp2"/);
      assert.match(shrunk ?? "", /size = "10Gi": the volume has 20Gi, and none can shrink/);
    });

    it("a volume of that name is somebody else's", async () => {
      const reader = new FakeReader("PersistentVolumeClaim shop/upramp-prometheus");
      const [taken] = await faults({ deploy: { volume: { size: "1Gi" } } }, reader);
      assert.match(taken ?? "", /PersistentVolumeClaim shop\/upramp-prometheus is there already/);
    });

    it("there is nothing to show, or no namespace for it", async () => {
      const { router } = settingsOf(there, { ...contour, profile: "nginx-gateway-fabric" });
      const dashboard = { namespace: "grafana" };
      const found = await faults({ ...there, dashboard }, new FakeReader(), { router });
      assert.match(found.join("\n"), /profile "nginx-gateway-fabric" counts nothing per backend/);
      assert.match(
        found.join("\n"),
        /"grafana" of prometheus\.dashboard\.namespace does not exist/,
      );
    });

    it("the cluster has a metrics server that this stack did not install", async () => {
      const name = "APIService v1beta1.metrics.k8s.io";
      const wanted = { metricsServer: true };
      assert.deepEqual(await faults(there, new FakeReader(), wanted), []);
      const own = new FakeReader([name, { metadata: { annotations: FakeReader.own } }]);
      assert.deepEqual(await faults(there, own, wanted), []);
      const [taken] = await faults(there, new FakeReader(name), wanted);
      assert.match(taken ?? "", /metricsServer = true: APIService .* remove metricsServer/);
      assert.deepEqual(await faults(there, new FakeReader(name)), []);
    });
  });
});

/** With the keys of every object in one order. */
function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== "object" || value === null) return value;
  const entries = Object.entries(value).toSorted(([left], [right]) => left.localeCompare(right));
  return Object.fromEntries(entries.map(([key, held]) => [key, sorted(held)]));
}
