import { LaunchTemplate } from "@pulumi/aws/ec2/launchTemplate.js";
import { NodeGroup } from "@pulumi/aws/eks/nodeGroup.js";
import { Role } from "@pulumi/aws/iam/role.js";
import { RolePolicyAttachment } from "@pulumi/aws/iam/rolePolicyAttachment.js";
import type * as pulumi from "@pulumi/pulumi";
import { architectureOf, type NodeSettings } from "../../eks-contract.ts";
import type { DeclareOptions } from "../declare-options.ts";
import { managedPolicyArn, type Region } from "./regions.ts";

/** What a managed group of nodes is declared from. */
export interface NodesArgs {
  readonly clusterName: pulumi.Input<string>;
  readonly version: string;
  readonly region: Region;
  readonly subnetIds: pulumi.Input<string>[];
  readonly settings: NodeSettings;
}

/** What every node needs; what pods need beside is given to their service accounts. */
const nodePolicies = ["AmazonEKSWorkerNodePolicy", "AmazonEC2ContainerRegistryPullOnly"];

/** AMIs of Amazon Linux 2023, which EKS brings up itself. */
const amiTypes = { arm64: "AL2023_ARM_64_STANDARD", x86_64: "AL2023_x86_64_STANDARD" } as const;

/** A managed group of nodes: their disks are encrypted, and no pod can take the rights of the node it is on. */
export function declareNodes(prefix: string, args: NodesArgs, options: DeclareOptions): NodeGroup {
  const { clusterName, version, region, subnetIds, settings } = args;
  const { instanceTypes, min, max, desired = min, diskGib, capacity } = settings;
  const { role, policies } = declareNodeRole(prefix, region, options);
  const template = declareTemplate(prefix, diskGib, options);
  const [first = ""] = instanceTypes;
  return new NodeGroup(
    `${prefix}-nodes`,
    {
      clusterName,
      version,
      nodeRoleArn: role.arn,
      subnetIds,
      instanceTypes,
      amiType: amiTypes[architectureOf(first)],
      capacityType: capacity === "spot" ? "SPOT" : "ON_DEMAND",
      launchTemplate: { id: template.id, version: template.latestVersion.apply(String) },
      scalingConfig: { minSize: min, maxSize: max, desiredSize: desired },
      updateConfig: { maxUnavailable: 1 },
    },
    {
      ...options,
      dependsOn: [...options.dependsOn, ...policies],
      // an autoscaler's, or whoever's: an update of the platform is no reason to take nodes away
      ignoreChanges: ["scalingConfig.desiredSize"],
    },
  );
}

function declareNodeRole(
  prefix: string,
  region: Region,
  { parent }: DeclareOptions,
): { readonly role: Role; readonly policies: RolePolicyAttachment[] } {
  const assumeRolePolicy = JSON.stringify({
    Version: "2012-10-17",
    Statement: [
      {
        Effect: "Allow",
        Principal: {
          Service: region.startsWith("cn-") ? "ec2.amazonaws.com.cn" : "ec2.amazonaws.com",
        },
        Action: "sts:AssumeRole",
      },
    ],
  });
  const role = new Role(`${prefix}-nodes`, { assumeRolePolicy }, { parent });
  const policies = nodePolicies.map((name) => {
    const policyArn = managedPolicyArn(region, name);
    return new RolePolicyAttachment(
      `${prefix}-nodes-${name}`,
      { role: role.name, policyArn },
      { parent },
    );
  });
  return { role, policies };
}

function declareTemplate(
  prefix: string,
  diskGib: number,
  { parent }: DeclareOptions,
): LaunchTemplate {
  return new LaunchTemplate(
    `${prefix}-nodes`,
    {
      updateDefaultVersion: true,
      metadataOptions: {
        httpEndpoint: "enabled",
        // version 2 of the metadata service only, and not from a pod's network: else each pod had the node's role
        httpTokens: "required",
        httpPutResponseHopLimit: 1,
      },
      blockDeviceMappings: [
        {
          deviceName: "/dev/xvda",
          ebs: {
            volumeSize: diskGib,
            volumeType: "gp3",
            encrypted: "true",
            deleteOnTermination: "true",
          },
        },
      ],
      tagSpecifications: ["instance", "volume"].map((resourceType) => ({
        resourceType,
        tags: { Name: `${prefix}-nodes` },
      })),
    },
    { parent },
  );
}
