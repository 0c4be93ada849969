import type * as pulumi from "@pulumi/pulumi";

/** One part of the platform: what the outputs say of it, and what has to be there before they do. */
export interface Part<Place> {
  readonly place: Place;
  readonly resources: readonly pulumi.CustomResource[];
}
