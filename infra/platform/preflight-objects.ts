import { z } from "zod";
import type {
  KubernetesPlatformOutputs,
  KubernetesPlatformSettings,
} from "../kubernetes-contract.ts";
import type { Lookup, ObjectName } from "../service/cluster-reader.ts";
import { ownerAnnotation } from "../owner.ts";

/** What tells whether a cluster holds an object; `ClusterReader` is one. */
export interface ObjectReader {
  lookUp(name: ObjectName): Promise<Lookup>;
}

/** What is looked at before a platform is declared. */
export interface PlatformPreflightArgs {
  readonly settings: KubernetesPlatformSettings;
  /** Full name of the stack. */
  readonly owner: string;
  /** What the platform was after the last update; undefined before the first. */
  readonly previous: KubernetesPlatformOutputs | undefined;
}

/** The settings of one router. */
export type Router<Kind extends KubernetesPlatformSettings["router"]["kind"]> =
  KubernetesPlatformSettings["router"] & { readonly kind: Kind };

/** What all objects have. */
export const objectSchema = z.object({
  metadata: z.object({
    labels: z.record(z.string(), z.string()).default({}),
    annotations: z.record(z.string(), z.string()).default({}),
    deletionTimestamp: z.unknown().optional(),
  }),
});

/** An object of a name that this stack needs, which it did not make. `use` says how to get along with it. */
export function takenFaults(
  found: Lookup,
  owner: string,
  what: string,
  use: string,
): readonly string[] {
  if (found.kind !== "found") return [];
  const { annotations } = objectSchema.parse(found.object).metadata;
  if (annotations[ownerAnnotation] === owner) return [];
  return [
    `${what} is there already and this stack did not make it: ${use}, or delete or rename it`,
  ];
}
