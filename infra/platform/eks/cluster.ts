import { LogGroup } from "@pulumi/aws/cloudwatch/logGroup.js";
import { Key } from "@pulumi/aws/kms/key.js";
import * as eks from "@pulumi/eks";
import * as pulumi from "@pulumi/pulumi";
import { z } from "zod";
import { accessRoles, type AccessSettings, type OwnClusterSettings } from "../../eks-contract.ts";
import { declareAddon, type AddonArgs } from "./addons.ts";
import { kubeconfigText } from "./kubeconfig.ts";
import { declareNodes } from "./nodes.ts";
import { partitionOf, type Region } from "./regions.ts";
import type { ClusterIdentity } from "./service-account-role.ts";

/** Where a cluster's nodes and load balancers go. */
export interface ClusterNetwork {
  readonly vpcId: pulumi.Input<string>;
  readonly privateSubnetIds: readonly pulumi.Input<string>[];
  readonly publicSubnetIds: readonly pulumi.Input<string>[];
  /** What nodes cannot start without. */
  readonly routes: readonly pulumi.Resource[];
  readonly serviceCidr?: string | undefined;
}

/** What a cluster is declared from. */
export interface EksClusterArgs {
  readonly clusterName: string;
  readonly region: Region;
  readonly settings: OwnClusterSettings;
  readonly network: ClusterNetwork;
  /** Pods keep data on disks of their own. */
  readonly keepsData: boolean;
  readonly tags: Readonly<Record<string, string>>;
  /** Refuse to delete the cluster and its key, and keep its logs. */
  readonly protect: boolean;
}

/** Days in which a key that was deleted can be had back; the most that AWS gives. */
const keyDeletionDays = 30;

/**
 * A cluster of EKS that upramp's services can run on: its Secrets are encrypted, IAM alone says who gets in, its control
 * plane's logs are kept, and it has nodes.
 */
export class EksCluster extends pulumi.ComponentResource {
  /** Text of a kubeconfig without a secret. */
  readonly kubeconfig: pulumi.Output<string>;
  readonly identity: ClusterIdentity;
  /** Pods run once these are there. */
  readonly ready: readonly pulumi.Resource[];

  constructor(name: string, args: EksClusterArgs, options?: pulumi.ComponentResourceOptions) {
    super("upramp:platform:EksCluster", name, {}, options);
    const { clusterName, region, settings } = args;
    const cluster = declareCluster(name, args, this);
    const { oidcProviderArn, oidcIssuer } = cluster;
    this.identity = { oidcProviderArn, oidcIssuer };
    // it says how to get a token and holds none; a secret could not be part of the outputs
    this.kubeconfig = pulumi.unsecret(cluster.kubeconfigJson).apply((text) => {
      const [known] = kubeconfigSchema.parse(JSON.parse(text)).clusters;
      return kubeconfigText({
        clusterName,
        region,
        server: known.cluster.server,
        certificateAuthority: known.cluster["certificate-authority-data"],
      });
    });
    const addon = { clusterName, identity: this.identity, region };
    this.ready = settings.autoMode ? [cluster] : this.#declareNodes(name, args, cluster, addon);
    this.registerOutputs({});
  }

  /** The network of pods has to be there before a node is ready, and a node before a Deployment of an add-on is. */
  #declareNodes(
    name: string,
    { clusterName, region, settings, network, keepsData }: EksClusterArgs,
    cluster: eks.Cluster,
    addon: AddonArgs,
  ): pulumi.Resource[] {
    const onCluster = { parent: this, dependsOn: [cluster] };
    const networks = (["vpc-cni", "kube-proxy"] as const).map((addonName) =>
      declareAddon(name, addonName, addon, onCluster),
    );
    const nodes = declareNodes(
      name,
      {
        clusterName,
        version: settings.version,
        region,
        subnetIds: [...network.privateSubnetIds],
        settings: settings.nodes,
      },
      { parent: this, dependsOn: [cluster, ...networks, ...network.routes] },
    );
    const onNodes = { parent: this, dependsOn: [nodes] };
    const further = keepsData
      ? (["coredns", "aws-ebs-csi-driver"] as const)
      : (["coredns"] as const);
    return [nodes, ...further.map((addonName) => declareAddon(name, addonName, addon, onNodes))];
  }
}

const kubeconfigSchema = z.object({
  clusters: z.tuple([
    z.object({
      cluster: z.object({ server: z.string(), "certificate-authority-data": z.string() }),
    }),
  ]),
});

function declareCluster(
  name: string,
  { clusterName, region, settings, network, tags, protect }: EksClusterArgs,
  parent: pulumi.Resource,
): eks.Cluster {
  const { logs, publicAccessCidrs, autoMode, encryptionKeyArn, support } = settings;
  // made here, so that it does not keep logs for ever, as the one that EKS makes would
  const logGroup = new LogGroup(
    `${name}-logs`,
    { name: `/aws/eks/${clusterName}/cluster`, retentionInDays: logs.retentionDays },
    { parent, retainOnDelete: protect },
  );
  return new eks.Cluster(
    name,
    {
      name: clusterName,
      version: settings.version,
      upgradePolicy: { supportType: support === "standard" ? "STANDARD" : "EXTENDED" },
      vpcId: network.vpcId,
      privateSubnetIds: [...network.privateSubnetIds],
      publicSubnetIds: [...network.publicSubnetIds],
      ...(network.serviceCidr === undefined
        ? {}
        : { kubernetesServiceIpAddressRange: network.serviceCidr }),
      endpointPrivateAccess: true,
      endpointPublicAccess: publicAccessCidrs.length > 0,
      ...(publicAccessCidrs.length > 0 ? { publicAccessCidrs } : {}),
      encryptionConfigKeyArn:
        encryptionKeyArn ?? declareKey(name, clusterName, parent, protect).arn,
      enabledClusterLogTypes: logs.types,
      authenticationMode: eks.AuthenticationMode.Api,
      accessEntries: accessEntries(region, settings.access),
      createOidcProvider: true,
      skipDefaultNodeGroup: true,
      // nodes and control plane use the group that EKS makes for both
      skipDefaultSecurityGroups: true,
      ...(autoMode
        ? { autoMode: { enabled: true } }
        : {
            // add-ons of EKS take their place, each with rights of its own
            bootstrapSelfManagedAddons: false,
            useDefaultVpcCni: true,
            kubeProxyAddonOptions: { enabled: false },
            corednsAddonOptions: { enabled: false },
          }),
      tags,
      clusterTags: tags,
    },
    { parent, protect, dependsOn: [logGroup] },
  );
}

function declareKey(
  name: string,
  clusterName: string,
  parent: pulumi.Resource,
  protect: boolean,
): Key {
  return new Key(
    `${name}-secrets`,
    {
      description: `Secrets of the Kubernetes cluster ${clusterName}`,
      enableKeyRotation: true,
      deletionWindowInDays: keyDeletionDays,
    },
    { parent, protect },
  );
}

function accessEntries(
  region: Region,
  access: Readonly<Record<string, AccessSettings>>,
): Record<string, eks.types.input.AccessEntryArgs> {
  const entry = ({ principalArn, role, namespaces }: AccessSettings) => ({
    principalArn,
    accessPolicies: {
      [role]: {
        policyArn: `arn:${partitionOf(region)}:eks::aws:cluster-access-policy/${accessRoles[role]}`,
        accessScope:
          namespaces === undefined ? { type: "cluster" } : { type: "namespace", namespaces },
      },
    },
  });
  return Object.fromEntries(Object.entries(access).map(([key, value]) => [key, entry(value)]));
}
