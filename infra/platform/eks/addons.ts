import { Addon } from "@pulumi/aws/eks/addon.js";
import type * as pulumi from "@pulumi/pulumi";
import type { DeclareOptions } from "../declare-options.ts";
import { managedPolicyArn, type Region } from "./regions.ts";
import { declareServiceAccountRole, type ClusterIdentity } from "./service-account-role.ts";

/** What an add-on of a cluster is declared from. */
export interface AddonArgs {
  readonly clusterName: pulumi.Input<string>;
  readonly identity: ClusterIdentity;
  readonly region: Region;
}

/** Service account and policy of an add-on that acts in AWS. */
interface AddonRole {
  readonly serviceAccount: string;
  readonly policy: string;
}

/** Add-ons of EKS. Their versions are those that EKS takes for the cluster's. */
const roles = {
  "vpc-cni": { serviceAccount: "aws-node", policy: "AmazonEKS_CNI_Policy" },
  "kube-proxy": undefined,
  coredns: undefined,
  "aws-ebs-csi-driver": {
    serviceAccount: "ebs-csi-controller-sa",
    policy: "service-role/AmazonEBSCSIDriverPolicy",
  },
} as const satisfies Record<string, AddonRole | undefined>;
export type AddonName = keyof typeof roles;

/** An add-on, with a role of its own where it acts in AWS. */
export function declareAddon(
  prefix: string,
  addonName: AddonName,
  { clusterName, identity, region }: AddonArgs,
  options: DeclareOptions,
): Addon {
  const own = roles[addonName];
  const roleArn =
    own === undefined
      ? undefined
      : declareServiceAccountRole(
          `${prefix}-${addonName}`,
          {
            identity,
            namespace: "kube-system",
            serviceAccount: own.serviceAccount,
            managedPolicyArns: [managedPolicyArn(region, own.policy)],
          },
          { parent: options.parent },
        );
  return new Addon(
    `${prefix}-${addonName}`,
    {
      clusterName,
      addonName,
      ...(roleArn === undefined ? {} : { serviceAccountRoleArn: roleArn }),
      // a cluster can come with ones of its own, which these are in the place of
      resolveConflictsOnCreate: "OVERWRITE",
      // what an operator set by hand stays
      resolveConflictsOnUpdate: "PRESERVE",
    },
    options,
  );
}
