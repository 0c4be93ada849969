import { OpenIdConnectProvider } from "@pulumi/aws/iam/openIdConnectProvider.js";
import * as kubernetes from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
import type { EksPlatformSettings, NetworkSettings } from "../../eks-contract.ts";
import type { KubernetesPlatformOutputs } from "../../kubernetes-contract.ts";
import { fullStackName } from "../../stack-outputs.ts";
import type { AwsPlace } from "../charts/aws-place.ts";
import { KubernetesPlatform } from "../kubernetes-platform.ts";
import type { ObjectReader } from "../preflight-objects.ts";
import { EksCluster, type ClusterNetwork } from "./cluster.ts";
import type { ExistingCluster } from "./existing-cluster.ts";
import { EksNetwork } from "./network.ts";
import { declareStorageClass } from "./storage-class.ts";

/** What the platform of target `eks` is declared from. */
export interface EksPlatformArgs {
  /** Name of the stack. */
  readonly stack: string;
  readonly settings: EksPlatformSettings;
  /** Names of the zones of a network that is made. */
  readonly zones: readonly string[];
  /** Name of a cluster that is made. */
  readonly clusterName: string;
  /** The cluster of `settings.place`, where it is there. */
  readonly existing: ExistingCluster | undefined;
  /** Tells what the cluster holds already; null as long as there is none, or it cannot be asked. */
  readonly reader: ObjectReader | null;
}

/** A cluster, made or found, as the parts on it see it. */
interface OnAws {
  readonly aws: AwsPlace;
  readonly kubeconfig: pulumi.Input<string>;
  /** What has to be there before pods run. */
  readonly ready: readonly pulumi.Resource[];
}

/**
 * The platform of target `eks`: a network, a cluster in it, and on that all that a platform of target `kubernetes` has.
 * To services and the driver it is one of that target.
 */
export class EksPlatform extends pulumi.ComponentResource {
  /** Known once every part is ready. */
  readonly outputs: pulumi.Output<KubernetesPlatformOutputs>;

  constructor(name: string, args: EksPlatformArgs, options?: pulumi.ComponentResourceOptions) {
    super("upramp:platform:EksPlatform", name, {}, options);
    const { stack, settings, existing, reader } = args;
    const { aws, kubeconfig, ready } =
      existing === undefined
        ? declareOwnCluster(name, args, this)
        : useExistingCluster(name, existing, settings, this);
    const provider = new kubernetes.Provider(
      `${name}-kubernetes`,
      // by its name a cluster stays the same one when its certificate or address changes
      { kubeconfig, clusterIdentifier: pulumi.interpolate`${settings.region}/${aws.clusterName}` },
      { parent: this, dependsOn: [...ready] },
    );
    if (existing === undefined && keepsData(settings)) {
      const by = isAutoMode(settings) ? "autoMode" : "addon";
      declareStorageClass(name, fullStackName(stack), by, { parent: this, provider });
    }
    const platform = new KubernetesPlatform(
      name,
      {
        stack,
        settings: settings.platform,
        reader,
        aws,
        cluster: pulumi.output(kubeconfig).apply((text) => ({ kubeconfig: text })),
      },
      // the roles of controllers are of AWS
      { parent: this, providers: [provider] },
    );
    this.outputs = pulumi
      .all([platform.outputs, aws.clusterName])
      .apply(([outputs, clusterName]): KubernetesPlatformOutputs => ({
        ...outputs,
        eks: { clusterName, region: settings.region },
      }));
    this.registerOutputs({});
  }
}

function declareOwnCluster(
  prefix: string,
  { settings, stack, zones, clusterName }: EksPlatformArgs,
  parent: pulumi.Resource,
): OnAws {
  const { region, place, protect, tags } = settings;
  if (place.kind !== "own") throw new Error(`cluster ${place.cluster.existing} was not looked up`);
  const network = declareNetwork(prefix, { ...settings, zones, network: place.network }, parent);
  const cluster = new EksCluster(
    `${prefix}-cluster`,
    {
      clusterName,
      region,
      settings: place.cluster,
      network,
      keepsData: keepsData(settings),
      tags: { ...tags, "upramp:stack": fullStackName(stack) },
      protect,
    },
    { parent },
  );
  const { identity, kubeconfig, ready } = cluster;
  return {
    aws: { identity, region, clusterName, vpcId: network.vpcId },
    kubeconfig,
    ready,
  };
}

function declareNetwork(
  prefix: string,
  {
    network,
    zones,
    region,
    protect,
  }: Pick<EksPlatformSettings, "region" | "protect"> & {
    readonly network: NetworkSettings;
    readonly zones: readonly string[];
  },
  parent: pulumi.Resource,
): ClusterNetwork {
  const { serviceCidr } = network;
  if (network.kind === "existing") return { ...network, routes: [], serviceCidr };
  const { cidr, nat } = network;
  const made = new EksNetwork(
    `${prefix}-network`,
    { region, cidr, zones, nat, protect },
    { parent },
  );
  const { vpcId, privateSubnetIds, publicSubnetIds, routes } = made;
  return { vpcId, privateSubnetIds, publicSubnetIds, routes, serviceCidr };
}

function useExistingCluster(
  prefix: string,
  { name, kubeconfig, vpcId, issuerUrl, oidcProviderArn }: ExistingCluster,
  { region }: EksPlatformSettings,
  parent: pulumi.Resource,
): OnAws {
  const identity = {
    oidcIssuer: issuerUrl.replace("https://", ""),
    oidcProviderArn:
      oidcProviderArn ??
      new OpenIdConnectProvider(
        `${prefix}-oidc`,
        { url: issuerUrl, clientIdLists: ["sts.amazonaws.com"] },
        { parent },
      ).arn,
  };
  return { aws: { identity, region, clusterName: name, vpcId }, kubeconfig, ready: [] };
}

/** Whether a pod of the platform has a disk of its own. */
function keepsData({ platform }: EksPlatformSettings): boolean {
  return platform.prometheus.deploy?.volume !== undefined;
}

function isAutoMode({ place }: EksPlatformSettings): boolean {
  return place.kind === "own" && place.cluster.autoMode;
}
