import type * as pulumi from "@pulumi/pulumi";

/** Where a part of the platform hangs, and what has to be there first. */
export interface DeclareOptions {
  readonly parent: pulumi.Resource;
  readonly dependsOn: pulumi.Resource[];
}
