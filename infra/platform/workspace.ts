import type * as pulumi from "@pulumi/pulumi";
import type { AmpSettings } from "../prometheus-contract.ts";
import type { RemoteWorkspace } from "./prometheus-config.ts";

/** A workspace of Amazon Managed Prometheus. */
export interface Workspace {
  readonly at: pulumi.Input<RemoteWorkspace>;
  /** Role that a Prometheus of the cluster writes to it with; without, it finds credentials by itself. */
  readonly roleArn?: pulumi.Input<string>;
  readonly resources: readonly pulumi.CustomResource[];
}

/** One that is there. */
export function existingWorkspace({
  workspaceId,
  region,
  roleArn,
}: Exclude<AmpSettings, { readonly create: true }>): Workspace {
  const endpoint = `https://aps-workspaces.${region}.amazonaws.com/workspaces/${workspaceId}/`;
  return {
    at: { endpoint, region },
    ...(roleArn === undefined ? {} : { roleArn }),
    resources: [],
  };
}
