import type { AnyObject } from "../apply.ts";
import { podinfoPort } from "../podinfo-template.ts";
import type { HeaderMatch } from "./objects.ts";

const apiVersion = "appmesh.k8s.aws/v1beta2";

/** Port of the virtual gateway's listener. */
export const gatewayPort = 8_088;

/** A mesh of the namespace's own. */
export function membership(namespace: string): AnyObject[] {
  const labels = { mesh: namespace };
  return [
    { apiVersion: "v1", kind: "Namespace", metadata: { name: namespace, labels } },
    {
      apiVersion,
      kind: "Mesh",
      metadata: { name: namespace },
      spec: { namespaceSelector: { matchLabels: labels } },
    },
  ];
}

/** Everything but the router. */
export function meshed(namespace: string): AnyObject[] {
  return [
    {
      apiVersion,
      kind: "VirtualGateway",
      metadata: { name: "ingress" },
      spec: {
        namespaceSelector: { matchLabels: { mesh: namespace } },
        podSelector: { matchLabels: { app: "ingress" } },
        listeners: [{ portMapping: { port: gatewayPort, protocol: "http" } }],
      },
    },
    node(namespace, "primary"),
    node(namespace, "canary"),
    {
      apiVersion,
      kind: "VirtualService",
      metadata: { name: "podinfo" },
      spec: { provider: { virtualRouter: { virtualRouterRef: { name: "podinfo" } } } },
    },
    {
      apiVersion,
      kind: "GatewayRoute",
      metadata: { name: "podinfo" },
      spec: {
        httpRoute: {
          match: { prefix: "/" },
          action: { target: { virtualService: { virtualServiceRef: { name: "podinfo" } } } },
        },
      },
    },
  ];
}

/** The virtual node of a slot, found by the Service of its name. */
export function node(namespace: string, slot: string, more: object = {}): AnyObject {
  return {
    apiVersion,
    kind: "VirtualNode",
    metadata: { name: slot },
    spec: {
      podSelector: { matchLabels: { app: slot } },
      listeners: [{ portMapping: { port: podinfoPort, protocol: "http" } }],
      serviceDiscovery: { dns: { hostname: `${slot}.${namespace}.svc.cluster.local.` } },
      ...more,
    },
  };
}

/**
 * The router.
 *
 * @param weight  of the canary
 * @param headers sends requests that match them to the canary, whatever the weight
 * @param canary  name of the canary's node
 */
export function router(
  weight: number,
  headers?: readonly Pick<HeaderMatch, "name" | "match">[],
  canary = "canary",
): AnyObject {
  const split = (percent: number): object => ({
    weightedTargets: [
      { virtualNodeRef: { name: canary }, weight: percent },
      { virtualNodeRef: { name: "primary" }, weight: 100 - percent },
    ],
  });
  const route = (name: string, priority: number, match: object, percent: number): object => ({
    name,
    priority,
    httpRoute: { match, action: split(percent) },
  });
  return {
    apiVersion,
    kind: "VirtualRouter",
    metadata: { name: "podinfo" },
    spec: {
      listeners: [{ portMapping: { port: podinfoPort, protocol: "http" } }],
      routes: [
        ...(headers === undefined ? [] : [route("insiders", 10, { prefix: "/", headers }, 100)]),
        route("podinfo", 20, { prefix: "/" }, weight),
      ],
    },
  };
}
