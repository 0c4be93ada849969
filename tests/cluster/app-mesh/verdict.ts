import type { Entry } from "./account.ts";
import type { MeshObject } from "./objects.ts";

/** What became of one object in one pass. */
export interface Verdict {
  readonly object: MeshObject;
  /** What its status should say; undefined while App Mesh has never accepted it. */
  readonly arn: string | undefined;
  /** Of a router's routes, by name. */
  readonly routeArns: Readonly<Record<string, string>> | undefined;
  /** Why the object as it is now is not in force; undefined when it is. */
  readonly refusal: string | undefined;
  /** It is being deleted and nothing refers to it any more. */
  readonly isReleased: boolean;
}

/** The verdict on a living object. */
export function verdictOf(
  object: MeshObject,
  entry: Entry | undefined,
  refusal: string | undefined,
): Verdict {
  return { object, arn: entry?.arn, routeArns: entry?.routeArns, refusal, isReleased: false };
}
