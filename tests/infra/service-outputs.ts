import { parseRevision } from "../../infra/contract.ts";
import type { PlatformOutputs, ServiceOutputs } from "../../infra/contract.ts";

export const platformOutputs: PlatformOutputs = {
  contract: 1,
  target: "local",
  stack: "dev",
  stateDir: "/state",
  envoy: { admin: "http://127.0.0.1:9901", directory: "/state/envoy" },
  prometheus: { address: "http://127.0.0.1:9090", targetsDirectory: "/state/targets" },
  logs: ["/state/logs/envoy.log"],
};

/** Version 1 primary in blue with 80 percent, version 2 canary in green with 20. */
export function serviceOutputs(more: Partial<ServiceOutputs> = {}): ServiceOutputs {
  const blue = parseRevision("VERSION=1 node server.ts", "test");
  const green = parseRevision("VERSION=2 node server.ts", "test");
  return {
    contract: 1,
    service: "podinfo",
    target: "local",
    assignment: { primary: "blue", slots: { blue, green }, weights: { blue: 80, green: 20 } },
    configured: green,
    failed: null,
    rollout: {
      intervalMs: 10_000,
      failedChecksMax: 3,
      steps: [{ weight: 20, checks: 1, hold: false }],
      metrics: [{ name: "request-duration", max: 500, windowMs: 10_000, variables: {} }],
      limits: {
        blindChecksMax: 5,
        readyMs: 1_000,
        readBackMs: 1_000,
        rolloutMs: 60_000,
        attemptsMax: 3,
      },
      bakeMs: 0,
      drainMs: 0,
    },
    endpoint: "http://127.0.0.1:8080",
    metrics: {
      address: "http://127.0.0.1:9090",
      queries: {},
      variables: { blue: { cluster: "podinfo-blue" }, green: { cluster: "podinfo-green" } },
    },
    traffic: {
      router: "envoy",
      admin: "http://127.0.0.1:9901",
      routeConfig: "podinfo",
      clusters: { blue: "podinfo-blue", green: "podinfo-green" },
    },
    store: { kind: "file", directory: "/state/services/podinfo/rollout" },
    platform: platformOutputs,
    logs: [],
    ...more,
  };
}
