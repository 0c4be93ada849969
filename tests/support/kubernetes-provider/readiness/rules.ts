import type { ApiClient } from "../api-client.ts";
import { type Fields, annotationOf, isOwnedBy, listAt, namespaceOf } from "../kubernetes-object.ts";
import { daemonSetVerdict } from "./daemon-set.ts";
import { currentReplicaSet, deploymentVerdict } from "./deployment.ts";
import { podProblems, podVerdict } from "./pod.ts";
import { serviceVerdict, waitsForEndpoints } from "./service.ts";
import type { Verdict } from "./verdict.ts";
import { parseWaitFor } from "./wait-for.ts";

/** How to tell that an object of a kind is ready. */
export interface ReadinessRule {
  /** @param companion the object that is watched beside it, when there is one */
  verdict(object: Fields, companion: Fields | undefined): Verdict;
  /** Kind of the object of the same name that the verdict also needs; undefined for none. */
  companion?(object: Fields): { readonly apiVersion: string; readonly kind: string } | undefined;
  /** What else to say about an object that is not ready. */
  problems?(api: ApiClient, object: Fields): Promise<string[]>;
}

/** How long provider v4 waits where neither the program nor an annotation says, in ms. */
export const defaultTimeoutMs = 600_000;

const rules: Readonly<Record<string, ReadinessRule>> = {
  "apps/v1/DaemonSet": {
    verdict: daemonSetVerdict,
    problems: async (api, daemonSet) => await problemsOfPods(api, daemonSet, [daemonSet]),
  },
  "apps/v1/Deployment": {
    verdict: deploymentVerdict,
    problems: async (api, deployment) => {
      const sets = await listOf(api, "apps/v1", "ReplicaSet", namespaceOf(deployment));
      const owned = sets.filter((set) => isOwnedBy(set, deployment));
      const current = currentReplicaSet(deployment, owned);
      return current === undefined ? [] : await problemsOfPods(api, deployment, [current]);
    },
  },
  "v1/Pod": { verdict: podVerdict },
  "v1/Service": {
    verdict: serviceVerdict,
    companion: (service) =>
      waitsForEndpoints(service) ? { apiVersion: "v1", kind: "Endpoints" } : undefined,
  },
};

/** Kinds that the official provider waits for and this one cannot. */
const unknownRules = new Set([
  "apps/v1/StatefulSet",
  "batch/v1/Job",
  "networking.k8s.io/v1/Ingress",
  "v1/PersistentVolume",
  "v1/PersistentVolumeClaim",
  "v1/ReplicationController",
  "v1/ResourceQuota",
]);

/**
 * The rule that applies to an object: none under `skipAwait`, that of `waitFor`, that of its kind.
 *
 * @param inputs where the annotations are read
 * @throws Error for a kind that the official provider waits for and this one cannot
 */
export function readinessRule(inputs: Fields): ReadinessRule | undefined {
  if (annotationOf(inputs, "pulumi.com/skipAwait") === "true") return undefined;
  const waitFor = annotationOf(inputs, "pulumi.com/waitFor");
  if (waitFor !== "") return { verdict: parseWaitFor(waitFor) };
  const key = `${String(inputs["apiVersion"])}/${String(inputs["kind"])}`;
  if (unknownRules.has(key)) {
    throw new Error(
      `this stand-in does not know when a ${key} is ready; annotate it with pulumi.com/skipAwait ` +
        "or pulumi.com/waitFor, or install the official kubernetes provider",
    );
  }
  return rules[key];
}

async function problemsOfPods(
  api: ApiClient,
  object: Fields,
  owners: readonly Fields[],
): Promise<string[]> {
  const pods = await listOf(api, "v1", "Pod", namespaceOf(object));
  return pods.filter((pod) => owners.some((owner) => isOwnedBy(pod, owner))).flatMap(podProblems);
}

async function listOf(
  api: ApiClient,
  apiVersion: string,
  kind: string,
  namespace: string,
): Promise<readonly Fields[]> {
  const path = await api.collectionPath(apiVersion, kind, namespace);
  return listAt(await api.object({ method: "GET", path }), "items");
}
