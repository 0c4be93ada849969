import type * as pulumi from "@pulumi/pulumi";
import type { ClusterIdentity } from "../eks/service-account-role.ts";

/** What of AWS a cluster is in: known to target `eks`, and to nobody else. */
export interface AwsPlace {
  readonly identity: ClusterIdentity;
  readonly region: string;
  readonly clusterName: pulumi.Input<string>;
  readonly vpcId: pulumi.Input<string>;
}

/** The account of an ARN, such as that of a role or of a cluster's OIDC provider. */
export function accountOf(arn: string): string {
  return arn.split(":")[4] ?? "";
}
