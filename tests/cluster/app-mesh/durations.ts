import type { NodeListener, MeshDuration } from "./objects.ts";

/** App Mesh's bound on a request where none is given, in ms. */
export const defaultRequestTimeoutMs = 15_000;

/** @returns ms */
export function toMs({ unit, value }: MeshDuration): number {
  return unit === "s" ? value * 1_000 : value;
}

/** As Envoy's JSON has durations: seconds with an `s`. */
export function seconds(ms: number): string {
  return `${ms / 1_000}s`;
}

/** The stricter of two bounds in ms, of which 0 means none. */
export function stricter(oneMs: number, otherMs: number): number {
  if (oneMs === 0 || otherMs === 0) return oneMs + otherMs;
  return Math.min(oneMs, otherMs);
}

/** The bound that a node's own Envoy puts on a request, in ms; 0 means none. */
export function listenerTimeoutMs({ timeout, portMapping }: NodeListener): number {
  const { perRequest } = timeout?.[portMapping.protocol] ?? {};
  return perRequest === undefined ? defaultRequestTimeoutMs : toMs(perRequest);
}
