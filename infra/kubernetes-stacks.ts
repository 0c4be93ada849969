import * as kubernetes from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
import type { StackConfig } from "./config.ts";
import { ContractError, configNamespace, parse, type ServiceOutputs } from "./contract.ts";
import type { ClusterAccess } from "./cluster-access.ts";
import {
  kubernetesPlatformOutputsSchema,
  type KubernetesPlatformOutputs,
} from "./kubernetes-contract.ts";
import { KubernetesPlatform } from "./platform/kubernetes-platform.ts";
import { projectDirectory } from "./project-directory.ts";
import { CanaryService } from "./service/canary-service.ts";
import { currentDrive } from "./service/drive.ts";
import { previousOutputs } from "./service/previous-outputs.ts";
import { readPlatformOutputs } from "./stack-outputs.ts";

type PlatformConfig = StackConfig & { readonly kind: "platform"; readonly target: "kubernetes" };
type ServiceConfig = StackConfig & { readonly kind: "service"; readonly target: "kubernetes" };

/** A platform stack of target `kubernetes`. */
export function declareKubernetesPlatform({
  platform,
}: PlatformConfig): pulumi.Output<KubernetesPlatformOutputs> {
  const providers = [providerOf(platform.cluster)];
  const args = { stack: pulumi.getStack(), settings: platform };
  return new KubernetesPlatform("platform", args, { providers }).outputs;
}

/** A service stack of target `kubernetes`: what a program of one's own does with `CanaryService`. */
export async function declareKubernetesService(
  config: ServiceConfig,
): Promise<pulumi.Output<ServiceOutputs>> {
  const platform = await platformOf(config);
  const { cluster, namespace, router, prometheus, endpoint } = platform;
  const { service } = config;
  return new CanaryService(
    service.name,
    {
      namespace,
      ...service,
      cluster,
      router,
      prometheus,
      endpoint,
      rollout: config.rollout,
      platform,
      directory: projectDirectory(),
    },
    { providers: [providerOf(cluster, service.adopt)] },
  ).outputs;
}

/** As for target `local`: an update by the driver goes on with the platform that the last plain one found. */
async function platformOf(config: ServiceConfig): Promise<KubernetesPlatformOutputs> {
  const previous = currentDrive() === null ? null : await previousOutputs(config.service.name);
  if (previous?.platform?.target === "kubernetes") return previous.platform;
  const found = await readPlatformOutputs(config.platform);
  const target: unknown = Reflect.get(Object(found), "target");
  if (target !== "kubernetes") {
    throw new ContractError(
      `${configNamespace}:service.target = "kubernetes", but platform stack "${config.platform}" is of target ` +
        `"${String(target)}": name another platform, or remove the target`,
    );
  }
  return parse(
    kubernetesPlatformOutputsSchema,
    found,
    `outputs of platform stack ${config.platform}`,
  );
}

function providerOf({ kubeconfig, context }: ClusterAccess, adopt = false): kubernetes.Provider {
  return new kubernetes.Provider("kubernetes", {
    // what others wrote in an object that is taken over is a conflict otherwise
    ...(adopt ? { upsertExistingObjects: true, enablePatchForce: true } : {}),
    ...(kubeconfig === undefined ? {} : { kubeconfig }),
    ...(context === undefined ? {} : { context }),
  });
}
