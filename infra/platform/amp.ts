import { Workspace as AwsWorkspace } from "@pulumi/aws/amp/workspace.js";
import * as pulumi from "@pulumi/pulumi";
import type { AmpSettings } from "../prometheus-contract.ts";
import { accountOf } from "./charts/aws-place.ts";
import type { DeclareOptions } from "./declare-options.ts";
import { declareServiceAccountRole, type ClusterIdentity } from "./eks/service-account-role.ts";
import { prometheusName } from "./prometheus-deployment.ts";
import { existingWorkspace, type Workspace } from "./workspace.ts";

/** What a workspace is declared from. */
export interface WorkspaceArgs {
  /** Full name of the stack. */
  readonly owner: string;
  readonly amp: AmpSettings;
  /** Of the Prometheus that writes to it. */
  readonly namespace: string;
  readonly identity: ClusterIdentity;
  /** Of the platform. */
  readonly region: string;
}

/**
 * A workspace that the deployed Prometheus writes to: made here, or one that is there; and the role that lets it write,
 * and nothing else. A workspace that was made stays, with what is in it, when the stack lets go of it.
 */
export function declareWorkspace(
  prefix: string,
  args: WorkspaceArgs,
  options: DeclareOptions,
): Workspace {
  const { owner, amp, region } = args;
  if ("create" in amp) {
    const made = new AwsWorkspace(
      `${prefix}-workspace`,
      { alias: owner, region },
      { ...options, retainOnDelete: true },
    );
    return {
      at: made.prometheusEndpoint.apply((endpoint) => ({ endpoint, region })),
      roleArn: amp.roleArn ?? declareWriter(prefix, made.arn, args, options),
      resources: [made],
    };
  }
  const found = existingWorkspace(amp);
  if (found.roleArn !== undefined) return found;
  const arn = pulumi.output(args.identity.oidcProviderArn).apply((known) => {
    const [, partition] = known.split(":");
    // a workspace of another account is written with a role of its own
    return `arn:${partition}:aps:${amp.region}:${accountOf(known)}:workspace/${amp.workspaceId}`;
  });
  return { ...found, roleArn: declareWriter(prefix, arn, args, options) };
}

/** ARN of the role of the Prometheus in the cluster: it may write to this workspace. */
function declareWriter(
  prefix: string,
  workspaceArn: pulumi.Input<string>,
  { identity, namespace }: WorkspaceArgs,
  options: DeclareOptions,
): pulumi.Output<string> {
  const policy = {
    Version: "2012-10-17",
    Statement: [{ Effect: "Allow", Action: "aps:RemoteWrite", Resource: workspaceArn }],
  };
  return declareServiceAccountRole(
    `${prefix}-prometheus`,
    {
      identity,
      namespace,
      serviceAccount: prometheusName,
      policy,
    },
    options,
  );
}
