import { ownerAnnotation } from "../owner.ts";
import { managedBy } from "../service/kubernetes-names.ts";

/** What an object of the platform is called, and whose it is. */
export interface OwnedName {
  /** Full name of the stack. */
  readonly owner: string;
  readonly name: string;
  /** None for an object of the whole cluster. */
  readonly namespace?: string;
}

/** Annotations by which an update waits, so long at the most, until an object has a condition. */
export function awaiting(condition: string, timeoutSeconds: number): Record<string, string> {
  return {
    "pulumi.com/waitFor": `condition=${condition}`,
    "pulumi.com/timeoutSeconds": String(timeoutSeconds),
  };
}

/** Metadata of an object that this stack makes. */
export function ownedMetadata(
  { owner, name, namespace }: OwnedName,
  labels: Readonly<Record<string, string>> = {},
  annotations: Readonly<Record<string, string>> = {},
): {
  readonly name: string;
  readonly namespace?: string;
  readonly labels: Record<string, string>;
  readonly annotations: Record<string, string>;
} {
  return {
    name,
    ...(namespace === undefined ? {} : { namespace }),
    labels: { ...labels, ...managedBy },
    annotations: { ...annotations, [ownerAnnotation]: owner },
  };
}
