import type { KubernetesPlatformSettings } from "../kubernetes-contract.ts";
import { ownerAnnotation } from "../owner.ts";
import {
  objectSchema,
  type ObjectReader,
  type PlatformPreflightArgs,
} from "./preflight-objects.ts";

/** What is wrong with the platform's namespace. */
export async function namespaceFaults(
  reader: ObjectReader,
  { settings, owner }: PlatformPreflightArgs,
): Promise<readonly string[]> {
  const { name, create } = settings.namespace;
  const found = await reader.lookUp({ apiVersion: "v1", kind: "Namespace", name });
  if (found.kind !== "found") {
    if (create) return [];
    return [
      `namespace "${name}" does not exist: create it with \`kubectl create namespace ${name}\`, correct ` +
        "namespace.name, or remove `namespace.create: false`",
    ];
  }
  const { metadata } = objectSchema.parse(found.object);
  const isOwn = metadata.annotations[ownerAnnotation] === owner;
  if (create && !isOwn) {
    return [
      `namespace "${name}" is there already and this stack did not make it: use it as it is with ` +
        "`namespace.create: false`, or give another namespace.name",
    ];
  }
  if (!create && isOwn) {
    return [
      `namespace.create = false: this stack made namespace "${name}", and would now delete it with all that is in it: ` +
        `remove the key; or, to leave the namespace in place, first take it out of the stack (\`pulumi state delete\`) ` +
        `and run \`kubectl annotate namespace ${name} ${ownerAnnotation}-\``,
    ];
  }
  if (metadata.deletionTimestamp === undefined) return [];
  return [`namespace "${name}" is being deleted: try again when it is gone`];
}

/** Which namespaces beside the platform's own are named somewhere and are not there. */
export async function furtherNamespaceFaults(
  reader: ObjectReader,
  settings: KubernetesPlatformSettings,
): Promise<readonly string[]> {
  const { namespace, serviceNamespaces, prometheus } = settings;
  const { deploy, operator, dashboard } = prometheus;
  const places = new Map<string, string>([
    ...(deploy?.namespaces ?? []).map((name) => [name, "prometheus.deploy.namespaces"] as const),
    ...(operator?.namespaces ?? []).map(
      (name) => [name, "prometheus.operator.namespaces"] as const,
    ),
    ...(dashboard?.namespace === undefined
      ? []
      : [[dashboard.namespace, "prometheus.dashboard.namespace"] as const]),
    ...(serviceNamespaces === "all" ? [] : serviceNamespaces).map(
      (name) => [name, "serviceNamespaces"] as const,
    ),
  ]);
  places.delete(namespace.name);
  const faults = await Promise.all(
    [...places].map(async ([name, place]) => {
      const found = await reader.lookUp({ apiVersion: "v1", kind: "Namespace", name });
      if (found.kind === "found") return [];
      return [`namespace "${name}" of ${place} does not exist: create it, or remove it there`];
    }),
  );
  return faults.flat();
}
