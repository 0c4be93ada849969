import { Role } from "@pulumi/aws/iam/role.js";
import { RolePolicy } from "@pulumi/aws/iam/rolePolicy.js";
import { RolePolicyAttachment } from "@pulumi/aws/iam/rolePolicyAttachment.js";
import * as pulumi from "@pulumi/pulumi";

/** By what IAM knows the service accounts of a cluster. */
export interface ClusterIdentity {
  readonly oidcProviderArn: pulumi.Input<string>;
  /** Without `https://`. */
  readonly oidcIssuer: pulumi.Input<string>;
}

/** What a role for a service account is declared from. */
export interface ServiceAccountRoleArgs {
  readonly identity: ClusterIdentity;
  readonly namespace: string;
  readonly serviceAccount: string;
  /** What it may do: a policy document, whose values may be outputs. */
  readonly policy?: object;
  readonly managedPolicyArns?: readonly string[];
}

/**
 * A role of AWS that pods with one service account of the cluster get, and nobody else: its ARN. Whatever uses that comes
 * after its policies, and goes before them, so that a controller can still clean up at AWS while it is taken away.
 */
export function declareServiceAccountRole(
  prefix: string,
  args: ServiceAccountRoleArgs,
  options: pulumi.CustomResourceOptions,
): pulumi.Output<string> {
  const { identity, namespace, serviceAccount, policy, managedPolicyArns = [] } = args;
  const { oidcProviderArn, oidcIssuer } = identity;
  const assumeRolePolicy = pulumi.all([oidcProviderArn, oidcIssuer]).apply(([provider, issuer]) =>
    JSON.stringify({
      Version: "2012-10-17",
      Statement: [
        {
          Effect: "Allow",
          Principal: { Federated: provider },
          Action: "sts:AssumeRoleWithWebIdentity",
          Condition: {
            StringEquals: {
              [`${issuer}:aud`]: "sts.amazonaws.com",
              [`${issuer}:sub`]: `system:serviceaccount:${namespace}:${serviceAccount}`,
            },
          },
        },
      ],
    }),
  );
  const role = new Role(`${prefix}-role`, { assumeRolePolicy }, options);
  const own =
    policy === undefined
      ? []
      : [
          new RolePolicy(
            `${prefix}-policy`,
            { role: role.name, policy: pulumi.jsonStringify(policy) },
            options,
          ),
        ];
  const managed = managedPolicyArns.map(
    (policyArn, index) =>
      new RolePolicyAttachment(
        `${prefix}-policy-${index}`,
        { role: role.name, policyArn },
        options,
      ),
  );
  const rights = pulumi.all([...own, ...managed].map(({ id }) => id));
  return pulumi.all([role.arn, rights]).apply(([arn]) => arn);
}
