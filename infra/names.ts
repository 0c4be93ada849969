import { join } from "node:path";
import type { Slot } from "./contract.ts";

/** Names of resources, files and Envoy objects, in one place. */

export const slots = ["blue", "green"] as const satisfies readonly Slot[];

/** One value a slot. */
export function perSlot<T>(make: (slot: Slot) => T): Record<Slot, T> {
  return { blue: make("blue"), green: make("green") };
}

/** Name of the Envoy cluster of one slot; metrics carry it as `envoy_cluster_name`. */
export function clusterName(service: string, slot: Slot): string {
  return `${service}-${slot}`;
}

/** Name of one process of a slot, counted from 0. */
export function processName(slot: Slot, index: number): string {
  return `${slot}-${index}`;
}

/** Name of the route configuration of a service. */
export function routeConfigName(service: string): string {
  return service;
}

/** Files of a platform on this machine. */
export function platformPaths(
  stateDir: string,
): Record<
  "logs" | "xds" | "prometheusConfig" | "prometheusData" | "targets" | "bootstrap",
  string
> {
  return {
    logs: join(stateDir, "logs"),
    xds: join(stateDir, "envoy"),
    bootstrap: join(stateDir, "envoy", "bootstrap.json"),
    prometheusConfig: join(stateDir, "prometheus", "prometheus.yml"),
    prometheusData: join(stateDir, "prometheus", "data"),
    targets: join(stateDir, "prometheus", "targets"),
  };
}

/** Files of Envoy that belong to one service. */
export function xdsPaths(
  xds: string,
  service: string,
): { readonly route: string; readonly endpoints: Record<Slot, string> } {
  return {
    route: join(xds, "routes", `${service}.json`),
    endpoints: perSlot((slot) => join(xds, "endpoints", `${clusterName(service, slot)}.json`)),
  };
}

/** Directory below which each service of a platform on this machine has its own. */
export function serviceDirectories(stateDir: string): string {
  return join(stateDir, "services");
}

/** Directory of one service on this machine. */
export function serviceDirectory(stateDir: string, service: string): string {
  return join(serviceDirectories(stateDir), service);
}
