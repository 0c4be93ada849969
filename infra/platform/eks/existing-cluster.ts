import { getCluster } from "@pulumi/aws/eks/getCluster.js";
import { getOpenIdConnectProvider } from "@pulumi/aws/iam/getOpenIdConnectProvider.js";
import type * as pulumi from "@pulumi/pulumi";
import { ContractError } from "../../contract.ts";
import type { ExistingClusterSettings } from "../../eks-contract.ts";
import { kubeconfigText } from "./kubeconfig.ts";
import type { Region } from "./regions.ts";

/** A cluster that is there, as AWS describes it. */
export interface ExistingCluster {
  readonly name: string;
  /** Text of a kubeconfig without a secret. */
  readonly kubeconfig: string;
  readonly vpcId: string;
  /** URL of what signs the tokens of its service accounts. */
  readonly issuerUrl: string;
  /** Undefined where this stack is to make it. */
  readonly oidcProviderArn: string | undefined;
}

/** Asks AWS for a cluster that is there. Throws ContractError when there is none, or IAM does not know it. */
export async function findCluster(
  { existing: name, createOidcProvider }: ExistingClusterSettings,
  region: Region,
  options: pulumi.InvokeOptions,
): Promise<ExistingCluster> {
  const found = await getCluster({ name, region }, options).catch((error: unknown) =>
    refuse(
      `cluster.existing = "${name}": AWS tells nothing of such a cluster in ${region}`,
      error,
      "correct name or region, or see to your rights (eks:DescribeCluster)",
    ),
  );
  const [authority] = found.certificateAuthorities;
  const issuerUrl = found.identities[0]?.oidcs[0]?.issuer;
  if (authority === undefined || issuerUrl === undefined) {
    throw new ContractError(
      `cluster.existing = "${name}": it is ${found.status} and has no certificate or issuer yet: wait until it is ACTIVE`,
    );
  }
  const provider = createOidcProvider
    ? undefined
    : await getOpenIdConnectProvider({ url: issuerUrl }, options).catch((error: unknown) =>
        refuse(
          `cluster.existing = "${name}": IAM has no OIDC provider for ${issuerUrl}`,
          error,
          "set cluster.createOidcProvider: true",
        ),
      );
  return {
    name,
    kubeconfig: kubeconfigText({
      clusterName: name,
      region,
      server: found.endpoint,
      certificateAuthority: authority.data,
    }),
    vpcId: found.vpcConfig.vpcId,
    issuerUrl,
    oidcProviderArn: provider?.arn,
  };
}

function refuse(what: string, error: unknown, change: string): never {
  const why = error instanceof Error ? error.message : String(error);
  throw new ContractError(`${what} (${why}): ${change}`);
}
