import * as pulumi from "@pulumi/pulumi";
import { readConfig } from "./config.ts";
import type { StackConfig } from "./config.ts";
import { outputName } from "./contract.ts";
import { projectDirectory } from "./project-directory.ts";

/**
 * The Pulumi program: declares the stack that the configuration describes and gives its outputs. It is the same
 * function for `pulumi up` and, as inline program, for the driver.
 */
export async function program(): Promise<Record<string, unknown>> {
  const config = readConfig({
    values: pulumi.runtime.allConfig(),
    isSecret: isConfigSecret,
    environment: process.env,
    directory: projectDirectory(),
  });
  return { [outputName]: await declare(config) };
}

/** Each target's part is loaded only when it is used: the packages of a cluster cost a second. */
async function declare(config: StackConfig): Promise<unknown> {
  if (config.kind === "pipeline") {
    const { declarePipeline } = await import("./pipeline/declare-pipeline.ts");
    return declarePipeline(config);
  }
  switch (config.target) {
    case "local": {
      const { declareLocalPlatform, declareLocalService } = await import("./local-stacks.ts");
      return config.kind === "platform"
        ? declareLocalPlatform(config)
        : declareLocalService(config);
    }
    case "kubernetes": {
      const { declareKubernetesPlatform, declareKubernetesService } =
        await import("./kubernetes-stacks.ts");
      return config.kind === "platform"
        ? declareKubernetesPlatform(config)
        : declareKubernetesService(config);
    }
    case "eks": {
      const { declareEksPlatform } = await import("./eks-stacks.ts");
      return declareEksPlatform(config);
    }
  }
}

/** Whether a key of the configuration is secret; a function of the SDK that its types leave out. */
function isConfigSecret(key: string): boolean {
  const { runtime } = pulumi as unknown as { runtime: { isConfigSecret(key: string): boolean } };
  return runtime.isConfigSecret(key);
}
