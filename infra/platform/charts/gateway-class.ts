import * as kubernetes from "@pulumi/kubernetes";
import { gatewayApiVersion } from "../gateway.ts";
import type { DeclareOptions } from "../declare-options.ts";
import { awaiting, ownedMetadata } from "../owned-object.ts";
import { chartTable } from "./chart-table.ts";

/** Time in which a class has to be accepted, in s: its controller is running already. */
const acceptedSeconds = 120;

/** A class that an installed implementation serves and does not make itself, with what it refers to. */
export function declareGatewayClass(
  prefix: string,
  profile: string,
  { owner, name }: { readonly owner: string; readonly name: string },
  options: DeclareOptions,
): readonly kubernetes.apiextensions.CustomResource[] {
  switch (profile) {
    case "envoy-gateway": {
      const proxy = declareEnvoyProxy(prefix, { owner, name }, options);
      const controllerName = "gateway.envoyproxy.io/gatewayclass-controller";
      const parametersRef = {
        group: "gateway.envoyproxy.io",
        kind: "EnvoyProxy",
        namespace: proxyNamespace,
        name,
      };
      const made = declareClass(
        prefix,
        { owner, name },
        { controllerName, parametersRef },
        { ...options, dependsOn: [...options.dependsOn, proxy] },
      );
      return [proxy, made];
    }
    case "vpc-lattice": {
      const controllerName = "application-networking.k8s.aws/gateway-api-controller";
      return [declareClass(prefix, { owner, name }, { controllerName }, options)];
    }
    default:
      // Istio makes its own
      return [];
  }
}

const proxyNamespace = chartTable["gateway-helm"].namespace ?? "";

/** Envoys whose metrics tell the two slots of a service apart: one cluster of Envoy a Service. */
function declareEnvoyProxy(
  prefix: string,
  { owner, name }: { readonly owner: string; readonly name: string },
  options: DeclareOptions,
): kubernetes.apiextensions.CustomResource {
  return new kubernetes.apiextensions.CustomResource(
    `${prefix}-envoy-proxy`,
    {
      apiVersion: "gateway.envoyproxy.io/v1alpha1",
      kind: "EnvoyProxy",
      metadata: ownedMetadata({ owner, namespace: proxyNamespace, name }),
      spec: { mergeBackends: {} },
    },
    options,
  );
}

function declareClass(
  prefix: string,
  { owner, name }: { readonly owner: string; readonly name: string },
  spec: object,
  options: DeclareOptions,
): kubernetes.apiextensions.CustomResource {
  return new kubernetes.apiextensions.CustomResource(
    `${prefix}-gateway-class`,
    {
      apiVersion: gatewayApiVersion,
      kind: "GatewayClass",
      metadata: ownedMetadata({ owner, name }, {}, awaiting("Accepted", acceptedSeconds)),
      spec,
    },
    options,
  );
}
