import type { PolicyResource } from "@pulumi/policy";
import { isKeeper } from "./keeper-rule.ts";
import { at, elements, entries, notKnownYet, textOf } from "./properties.ts";
import { gatewayRoute, meshRouter } from "./route-types.ts";
import { podOf } from "./workload-pods.ts";

/** A place that a route of Kubernetes sends requests to, as far as the stack shows what is there. */
export interface RouteTarget {
  readonly routeUrn: string;
  /** Kind and name of what the route names. */
  readonly name: string;
  /** Labels of the pods that answer. */
  readonly selector: readonly (readonly [string, unknown])[];
  readonly namespace: string;
}

interface Reference {
  readonly type: RegExp;
  readonly name: string;
  readonly namespace: string;
}

const serviceType = /^kubernetes:core\/v1:Service$/;
const nodeType = /^kubernetes:appmesh\.k8s\.aws\/[^:]+:VirtualNode$/;

/** What the routes of a stack give weight to. What is not in the same stack is not in it either. */
export function routeTargets(resources: readonly PolicyResource[]): readonly RouteTarget[] {
  return resources.flatMap((route) =>
    referencesOf(route).flatMap((reference): RouteTarget[] => {
      const found = resources.find(
        ({ type, props }) =>
          reference.type.test(type) &&
          at(props, "metadata", "name") === reference.name &&
          namespaceOf(props) === reference.namespace,
      );
      if (found === undefined) return [];
      const { props, type } = found;
      const selector = serviceType.test(type)
        ? at(props, "spec", "selector")
        : at(props, "spec", "podSelector", "matchLabels");
      const kind = type.split(":").at(-1) ?? "";
      return [
        {
          routeUrn: route.urn,
          name: `${kind} "${reference.name}"`,
          selector: entries(selector),
          namespace: reference.namespace,
        },
      ];
    }),
  );
}

/** What a route gives weight to, by name. */
function referencesOf({ type, props }: PolicyResource): readonly Reference[] {
  const namespace = namespaceOf(props);
  if (gatewayRoute.test(type)) {
    return elements(at(props, "spec", "rules"))
      .filter((rule) => !isKeeper(rule))
      .flatMap((rule) => weighted(at(rule, "backendRefs")))
      .filter((ref) => (at(ref, "kind") ?? "Service") === "Service")
      .map((ref) => referenceOf(serviceType, ref, namespace));
  }
  if (!meshRouter.test(type) || isPastTheWeights(props)) return [];
  return elements(at(props, "spec", "routes")).flatMap((route) =>
    ["httpRoute", "http2Route", "grpcRoute", "tcpRoute"]
      .flatMap((protocol) => weighted(at(route, protocol, "action", "weightedTargets")))
      .map((target) => referenceOf(nodeType, at(target, "virtualNodeRef"), namespace)),
  );
}

/** The canary's own router, which always names the slot for new revisions, empty or not. */
function isPastTheWeights(props: unknown): boolean {
  const service = textOf(at(props, "metadata", "labels", "upramp.dev/service"));
  return service !== undefined && at(props, "metadata", "name") === `${service}-canary`;
}

/** Targets that get requests; one without a weight has 1. */
function weighted(targets: unknown): readonly unknown[] {
  return elements(targets).filter((target) => {
    const weight = at(target, "weight") ?? 1;
    return typeof weight === "number" && weight > 0;
  });
}

function referenceOf(type: RegExp, reference: unknown, namespace: string): Reference {
  return {
    type,
    name: textOf(at(reference, "name")) ?? "",
    namespace: textOf(at(reference, "namespace")) ?? namespace,
  };
}

function namespaceOf(props: unknown): string {
  return textOf(at(props, "metadata", "namespace")) ?? "default";
}

/** Why nobody answers at a target; null when somebody may. */
export function emptinessOf(
  { selector, namespace }: RouteTarget,
  resources: readonly PolicyResource[],
): string | null {
  if (selector.length === 0) return null;
  const workloads = resources.filter(({ type, props }) => {
    const pod = podOf(type, props);
    return (
      pod !== null &&
      namespaceOf(props) === namespace &&
      selector.every(([key, value]) => value !== notKnownYet && at(pod.labels, key) === value)
    );
  });
  if (workloads.length === 0) {
    // the pods of somebody else's Service may come from elsewhere; those of a slot never do
    return selector.some(([key]) => key === "upramp.dev/slot") ? "no workload runs there" : null;
  }
  const empty = workloads.filter(({ props }) => at(props, "spec", "replicas") === 0);
  if (empty.length < workloads.length) return null;
  const names = empty.map(({ type, props, name }) => {
    const kind = type.split(":").at(-1) ?? "";
    return `${kind} "${textOf(at(props, "metadata", "name")) ?? name}"`;
  });
  return `${names.join(", ")} has 0 replicas`;
}
