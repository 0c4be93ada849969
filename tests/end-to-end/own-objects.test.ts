import assert from "node:assert/strict";
import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import * as aws from "@pulumi/aws";
import * as kubernetes from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
import { parse as parseYaml } from "yaml";
import { z } from "zod";
import { parse } from "../../infra/contract.ts";
import { kubernetesPlatformWritten } from "../../infra/kubernetes-contract.ts";
import { KubernetesPlatform } from "../../infra/platform/kubernetes-platform.ts";
import { program } from "../../infra/program.ts";
import { packageDirectory } from "../../rollout/cli/project.ts";
import { kubeconfig } from "../support/unasked-cluster.ts";
import { PolicyStack } from "./policy-stack.ts";

type Router = z.input<typeof kubernetesPlatformWritten>["router"];

const gateway = { name: "public" };
const appMesh = {
  kind: "app-mesh",
  mesh: "shop",
  allowDiscontinuedAppMesh: true,
  virtualGateway: { name: "public" },
  install: { region: "eu-west-1", roleArn: "arn:aws:iam::123456789012:role/controller" },
} as const;
const allowAppMesh = { "forbid-discontinued-app-mesh": { allowDiscontinuedAppMesh: true } };

const routers: readonly (readonly [string, Router, object])[] = [
  ["Envoy Gateway", { kind: "gateway-api", profile: "envoy-gateway", gateway, install: {} }, {}],
  ["App Mesh", appMesh, allowAppMesh],
];

const examples = globSync("examples/eks-*/Pulumi.dev.yaml", { cwd: packageDirectory });
const passed = { isRefused: false, violations: [], errors: "" } as const;

/** What the pack says of platforms as upramp declares them. */
describe("the policy pack on upramp's own platforms", function () {
  this.timeout(60_000);
  let stack: PolicyStack;

  before(async () => {
    stack = await PolicyStack.create();
  });
  after(async () => {
    await stack?.remove();
  });

  async function platform(router: Router): Promise<void> {
    const written = {
      target: "kubernetes",
      namespace: { name: "shop", create: true },
      router,
      prometheus: { deploy: {} },
      metricsServer: true,
    };
    const settings = parse(kubernetesPlatformWritten, written, "upramp:platform");
    const providers = [
      new kubernetes.Provider("cluster", { kubeconfig }),
      new aws.Provider("aws", { region: "eu-west-1" }),
    ];
    const args = { stack: pulumi.getStack(), settings, reader: null };
    new KubernetesPlatform("platform", args, { providers });
  }

  for (const [name, router, config] of routers) {
    it(`lets one on Kubernetes with ${name} pass`, async () => {
      assert.deepEqual(await stack.preview(() => platform(router), config), passed);
    });
  }

  /** The configuration of an example's platform. */
  function configOf(path: string): object {
    const text = readFileSync(join(packageDirectory, path), "utf8");
    return z.object({ config: z.record(z.string(), z.unknown()) }).parse(parseYaml(text)).config;
  }

  for (const path of examples) {
    it(`lets ${path} pass`, async () => {
      const config = path.includes("app-mesh") ? allowAppMesh : {};
      assert.deepEqual(await stack.preview(program, config, configOf(path)), passed);
    });
  }

  it("judges the cluster of an example", async () => {
    const config = configOf("examples/eks-gateway-api/Pulumi.dev.yaml");
    const strict = { "require-limited-cluster-endpoint": { privateOnly: true } };
    const { violations } = await stack.preview(program, strict, config);
    assert.match(violations.join("\n"), /endpointPublicAccess is not false/);
  });
});
