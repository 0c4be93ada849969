import type { KubernetesPlatformSettings } from "../kubernetes-contract.ts";
import type { PrometheusPlace } from "../prometheus-contract.ts";
import type { DeclareOptions } from "./declare-options.ts";
import type { Part } from "./part.ts";
import { declarePrometheus } from "./prometheus-deployment.ts";
import { serviceNamespacesOf } from "./service-namespaces.ts";

/** What the checks of rollouts ask. */
export function declareMetrics(
  prefix: string,
  owner: string,
  settings: KubernetesPlatformSettings,
  options: DeclareOptions,
): Part<PrometheusPlace> {
  const { prometheus, router } = settings;
  if (!("deploy" in prometheus)) return { place: prometheus, resources: [] };
  return declarePrometheus(
    prefix,
    {
      owner,
      namespace: settings.namespace.name,
      settings: prometheus.deploy,
      serviceNamespaces: serviceNamespacesOf(settings),
      router: router.kind,
    },
    options,
  );
}
