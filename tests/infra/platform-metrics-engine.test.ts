import assert from "node:assert/strict";
import * as aws from "@pulumi/aws";
import * as kubernetes from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
import type { PulumiFn } from "@pulumi/pulumi/automation/index.js";
import { z } from "zod";
import { parse } from "../../infra/contract.ts";
import { kubernetesPlatformWritten } from "../../infra/kubernetes-contract.ts";
import { declareMetrics } from "../../infra/platform/metrics.ts";
import { declareMetricsServer } from "../../infra/platform/metrics-server.ts";
import { eksPrometheusWritten } from "../../infra/prometheus-contract.ts";
import { TestStack } from "../support/kubernetes-provider/test-stack.ts";
import { startTypedEngine, type TypedProviders } from "../support/typed-providers/start.ts";
import { kubeconfig } from "../support/unasked-cluster.ts";

const region = "eu-west-1";

/** Metrics of a platform on EKS, written to a workspace that the stack makes. */
const program: PulumiFn = async () => {
  const written = {
    target: "kubernetes",
    namespace: { name: "shop" },
    router: { kind: "gateway-api", profile: "contour", gateway: { name: "in", className: "c" } },
    prometheus: { address: "http://in.its.place" },
  };
  const prometheus = parse(
    eksPrometheusWritten,
    { amp: { create: true }, deploy: { volume: { size: "20Gi" } }, dashboard: {} },
    "upramp:platform.prometheus",
  );
  const settings = { ...parse(kubernetesPlatformWritten, written, "upramp:platform"), prometheus };
  const providers = [
    new aws.Provider("aws", { region }),
    new kubernetes.Provider("cluster", { kubeconfig }),
  ];
  const parent = new pulumi.ComponentResource("test:Platform", "platform", {}, { providers });
  const options = { parent, dependsOn: [] };
  const identity = {
    oidcProviderArn: "arn:aws:iam::123456789012:oidc-provider/oidc.example/id/1",
    oidcIssuer: "oidc.example/id/1",
  };
  const place = { identity, region };
  const part = await declareMetrics("platform", "o/p/dev", settings, options, place);
  declareMetricsServer("platform", "o/p/dev", options);
  return { place: part.place };
};

describe("the metrics of a platform on EKS, by an engine whose packages check every input", function () {
  this.timeout(120_000);
  let providers: TypedProviders;
  let stack: TestStack;

  before(async () => {
    providers = await startTypedEngine(["aws", "kubernetes"]);
    stack = await TestStack.create(providers.env);
  });
  after(async () => {
    await stack?.remove();
    await providers?.stop();
  });

  it("can be previewed before there is a workspace", async () => {
    const { errors } = await stack.preview(program);
    assert.equal(errors, "");
  });

  it("are written to the workspace that is made, and are the same in the next update", async () => {
    const { errors, result } = await stack.up(program);
    assert.equal(errors, "");
    const { amp } = z
      .object({ amp: z.object({ endpoint: z.string(), region: z.literal(region) }) })
      .parse(result?.outputs["place"]?.value);
    assert.match(
      amp.endpoint,
      /^https:\/\/aps-workspaces\.eu-west-1\.amazonaws\.com\/workspaces\/ws-/,
    );
    const resources = await stack.resources();
    const config = resources.find(({ urn }) => urn.endsWith("::platform-prometheus-config"));
    assert.ok(JSON.stringify(config?.inputs).includes(`${amp.endpoint}api/v1/remote_write`));
    const policy = resources.find(({ type }) => type === "aws:iam/rolePolicy:RolePolicy");
    const arn = amp.endpoint.replace(/^.*(workspaces)\/(ws-[^/]+)\/$/, "workspace/$2");
    assert.match(
      String(policy?.inputs["policy"]),
      new RegExp(`"aps:RemoteWrite","Resource":"arn:aws:aps:eu-west-1:123456789012:${arn}"`),
    );
    const again = await stack.up(program);
    assert.deepEqual(Object.keys(again.result?.summary.resourceChanges ?? {}), ["same"]);
  });

  it("are gone once they are destroyed", async () => {
    const { errors, steps } = await stack.destroy();
    assert.equal(errors, "");
    assert.equal(new Map(steps).get("platform-prometheus"), "delete");
    assert.deepEqual(await stack.resources(), []);
  });
});
