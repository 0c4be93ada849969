import assert from "node:assert/strict";
import * as kubernetes from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
import { parse } from "../../infra/contract.ts";
import {
  kubernetesPlatformOutputsSchema,
  kubernetesPlatformWritten,
} from "../../infra/kubernetes-contract.ts";
import { KubernetesPlatform } from "../../infra/platform/kubernetes-platform.ts";
import { pulumiEnvironment } from "../../tools/environment.ts";
import { progressTo } from "../../tools/progress.ts";
import { TestStack } from "../support/kubernetes-provider/test-stack.ts";
import { startTypedProviders, type TypedProviders } from "../support/typed-providers/start.ts";
import { FakeReader } from "./kubernetes-platform-reader.ts";

const gateway = { name: "public" };
const endpoints = {
  "public.shop.gateway.example.com": [
    { kind: "gateway-api", profile: "envoy-gateway", gateway, install: {} },
    { kind: "gateway-api", profile: "istio", gateway, install: {} },
    {
      kind: "gateway-api",
      profile: "vpc-lattice",
      gateway,
      install: {
        region: "eu-west-1",
        vpcId: "vpc-0123456789abcdef0",
        clusterName: "shop",
        roleArn: "arn:aws:iam::123456789012:role/lattice",
      },
    },
  ],
  "public.shop.elb.example.com": [
    {
      kind: "app-mesh",
      mesh: "shop",
      allowDiscontinuedAppMesh: true,
      virtualGateway: { name: "public" },
      install: {},
    },
  ],
} as const;

/** Of a cluster that nobody asks. */
const kubeconfig = JSON.stringify({
  apiVersion: "v1",
  kind: "Config",
  clusters: [{ name: "none", cluster: { server: "https://127.0.0.1:1" } }],
  users: [{ name: "nobody", user: { token: "none" } }],
  contexts: [{ name: "none", context: { cluster: "none", user: "nobody" } }],
  "current-context": "none",
});

describe("router.install with an engine", function () {
  this.timeout(120_000);
  let providers: TypedProviders;
  let env: Record<string, string>;

  before(async () => {
    providers = await startTypedProviders(["kubernetes"]);
    const progress = progressTo(process.stderr);
    env = { ...(await pulumiEnvironment({ program: "inline", progress })), ...providers.env };
  });
  after(async () => {
    await providers?.stop();
  });

  for (const [host, routers] of Object.entries(endpoints)) {
    for (const router of routers) {
      const name = router.kind === "app-mesh" ? router.kind : router.profile;
      it(`previews, makes, keeps and destroys what ${name} needs`, async () => {
        const stack = await TestStack.create(env);
        const program = async (): Promise<{ upramp: pulumi.Output<unknown> }> => {
          const written = {
            target: "kubernetes",
            namespace: { name: "shop" },
            router,
            prometheus: { address: "http://prometheus.example.com" },
          };
          const provider = new kubernetes.Provider("kubernetes", { kubeconfig });
          const { outputs } = new KubernetesPlatform(
            "platform",
            {
              stack: pulumi.getStack(),
              settings: parse(kubernetesPlatformWritten, written, "platform"),
              reader: new FakeReader().withoutKinds("Gateway", "Mesh", "VirtualGateway"),
            },
            { providers: [provider] },
          );
          return Promise.resolve({ upramp: outputs });
        };
        try {
          const preview = await stack.preview(program);
          assert.equal(preview.errors, "");
          const { result, errors } = await stack.up(program);
          assert.equal(errors, "");
          const given: unknown = result?.outputs["upramp"]?.value;
          const { endpoint } = kubernetesPlatformOutputsSchema.parse(given);
          assert.equal(endpoint, `http://${host}`);
          const again = await stack.up(program);
          assert.equal(again.errors, "");
          assert.deepEqual(Object.keys(again.result?.summary.resourceChanges ?? {}), ["same"]);
          assert.equal((await stack.destroy()).errors, "");
        } finally {
          await stack.remove();
        }
      });
    }
  }
});
