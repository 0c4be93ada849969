import type { V1Pod } from "@kubernetes/client-node";

/** A pod's identity. The API server always fills the three, which the client's types do not know. */
export interface PodKey {
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
}

/** @throws Error for an object that did not come from an API server */
export function podKey(pod: V1Pod): PodKey {
  const { namespace, name, uid } = pod.metadata ?? {};
  if (namespace === undefined || name === undefined || uid === undefined) {
    throw new Error("a pod without namespace, name or uid");
  }
  return { namespace, name, uid };
}
