import assert from "node:assert/strict";
import * as kubernetes from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
import { parse } from "../../infra/contract.ts";
import {
  kubernetesPlatformOutputsSchema,
  kubernetesPlatformWritten,
} from "../../infra/kubernetes-contract.ts";
import { KubernetesPlatform } from "../../infra/platform/kubernetes-platform.ts";
import { TestStack } from "../support/kubernetes-provider/test-stack.ts";
import { startTypedEngine, type TypedProviders } from "../support/typed-providers/start.ts";
import { kubeconfig } from "../support/unasked-cluster.ts";
import { appMesh, envoyGateway, istio, lattice } from "./installed-routers.ts";
import { FakeReader } from "./kubernetes-platform-reader.ts";

/** Where requests go in, and the routers that are told of there. */
const endpoints = {
  "public.shop.gateway.example.com": [envoyGateway, istio, lattice],
  "public.shop.elb.example.com": [appMesh],
} as const;

describe("router.install with an engine", function () {
  this.timeout(120_000);
  let providers: TypedProviders;

  before(async () => {
    providers = await startTypedEngine(["kubernetes"]);
  });
  after(async () => {
    await providers?.stop();
  });

  for (const [host, routers] of Object.entries(endpoints)) {
    for (const router of routers) {
      const name = router.kind === "app-mesh" ? router.kind : router.profile;
      it(`previews, makes, keeps and destroys what ${name} needs`, async () => {
        const stack = await TestStack.create(providers.env);
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
