import type { KubernetesPlatformSettings } from "../kubernetes-contract.ts";

/** Label that the API server itself gives each namespace, and that nobody can give to another one. */
export const namespaceNameLabel = "kubernetes.io/metadata.name";

/** Where services of the platform live: these namespaces, or everywhere. */
export type ServiceNamespaces = "all" | readonly string[];

/** The platform's own namespace and the further ones, each once. */
export function serviceNamespacesOf({
  namespace,
  serviceNamespaces,
}: Pick<KubernetesPlatformSettings, "namespace" | "serviceNamespaces">): ServiceNamespaces {
  if (serviceNamespaces === "all") return "all";
  return [...new Set([namespace.name, ...serviceNamespaces])];
}

/** A label selector of exactly these namespaces; no label has to be set for it. */
export function namespaceSelector(namespaces: ServiceNamespaces): object {
  if (namespaces === "all") return {};
  return {
    matchExpressions: [{ key: namespaceNameLabel, operator: "In", values: [...namespaces] }],
  };
}
