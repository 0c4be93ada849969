import { setTimeout as sleep } from "node:timers/promises";
import { getAvailabilityZones } from "@pulumi/aws/getAvailabilityZones.js";
import { Provider } from "@pulumi/aws/provider.js";
import * as pulumi from "@pulumi/pulumi";
import type { StackConfig } from "./config.ts";
import { ContractError, configNamespace } from "./contract.ts";
import type { EksPlatformSettings } from "./eks-contract.ts";
import {
  kubernetesPlatformOutputsSchema,
  type KubernetesPlatformOutputs,
} from "./kubernetes-contract.ts";
import { EksPlatform } from "./platform/eks/eks-platform.ts";
import { findCluster, type ExistingCluster } from "./platform/eks/existing-cluster.ts";
import type { ObjectReader } from "./platform/preflight-objects.ts";
import { fullStackName, readOutputs } from "./stack-outputs.ts";

type PlatformConfig = StackConfig & { readonly kind: "platform"; readonly target: "eks" };

/** Time for a cluster to answer before it is taken for one that cannot be reached from here. */
const answerMs = 10_000;

/** A platform stack of target `eks`. */
export async function declareEksPlatform({
  platform: settings,
}: PlatformConfig): Promise<pulumi.Output<KubernetesPlatformOutputs>> {
  const stack = pulumi.getStack();
  const provider = new Provider("aws", {
    region: settings.region,
    defaultTags: { tags: { ...settings.tags, "upramp:stack": fullStackName(stack) } },
  });
  const { place } = settings;
  const existing =
    place.kind === "existing"
      ? await findCluster(place.cluster, settings.region, { provider })
      : undefined;
  const zones = await zonesOf(settings, { provider });
  const args = {
    stack,
    settings,
    zones,
    existing,
    clusterName: (place.kind === "own" ? place.cluster.name : undefined) ?? defaultName(stack),
    reader: await readerOf(existing),
  };
  return new EksPlatform("platform", args, { providers: [provider] }).outputs;
}

function defaultName(stack: string): string {
  return `${pulumi.getProject()}-${stack}`.slice(0, 100);
}

/** Names of the zones of a network that is made: those that are written, or the first by name. */
async function zonesOf(
  { place, region }: EksPlatformSettings,
  options: pulumi.InvokeOptions,
): Promise<readonly string[]> {
  if (place.kind === "existing" || place.network.kind === "existing") return [];
  const { zones } = place.network;
  const filters = [{ name: "opt-in-status", values: ["opt-in-not-required"] }];
  const { names } = await getAvailabilityZones({ state: "available", region, filters }, options);
  const known = names.toSorted();
  const key = `${configNamespace}:platform.network.zones`;
  if (typeof zones === "number") {
    if (known.length >= zones) return known.slice(0, zones);
    throw new ContractError(
      `${key} = ${zones}: ${region} has ${known.length} for this account (${known.join(", ")}): take fewer`,
    );
  }
  const strange = zones.filter((zone) => !known.includes(zone));
  if (strange.length === 0) return zones;
  throw new ContractError(
    `${key}: this account has no ${strange.join(", ")} in ${region}: take of ${known.join(", ")}`,
  );
}

/** What asks the cluster before anything is declared on it; null as long as there is none, or it does not answer here. */
async function readerOf(existing: ExistingCluster | undefined): Promise<ObjectReader | null> {
  const kubeconfig = existing?.kubeconfig ?? (await previousKubeconfig());
  if (kubeconfig === undefined) return null;
  const { ClusterReader } = await import("./service/cluster-reader.ts");
  const reader = new ClusterReader({ kubeconfig });
  const asked = reader.lookUp({ apiVersion: "v1", kind: "Namespace", name: "kube-system" });
  const late = sleep(answerMs, `no answer within ${answerMs / 1000} s`, { ref: false });
  const failure = await Promise.race([asked.then(() => undefined), late]).catch((error: unknown) =>
    error instanceof Error ? error.message : String(error),
  );
  if (failure === undefined) return reader;
  await pulumi.log.warn(`what the cluster holds was not looked at beforehand: ${failure}`);
  return null;
}

/** Of the cluster that the last update of this stack left. */
async function previousKubeconfig(): Promise<string | undefined> {
  const previous = await readOutputs(fullStackName(pulumi.getStack()));
  return kubernetesPlatformOutputsSchema.safeParse(previous).data?.cluster.kubeconfig;
}
