import { readFileSync } from "node:fs";
import type { V1Container, V1PodSpec } from "@kubernetes/client-node";
import type { AnyObject } from "./apply.ts";
import type { TestCluster } from "./test-cluster.ts";

/** Port that podinfo listens at. */
export const podinfoPort = 9_898;

const sourceName = "podinfo-source";

/**
 * The part of a pod that runs podinfo. On the process cluster it is an image of its own; on a real
 * one the same server runs from a ConfigMap in a stock Node image.
 *
 * @param version a plain version such as `1.0.0`
 * @param env     podinfo's variables
 * @param more    further fields of the container
 */
export function podinfoPod(
  cluster: TestCluster,
  version: string,
  env: Readonly<Record<string, string>> = {},
  more: Partial<V1Container> = {},
): V1PodSpec {
  const isOwn = cluster.processes !== undefined;
  const variables = { VERSION: version, ...env };
  const container: V1Container = {
    name: "podinfo",
    image: isOwn ? `podinfo:${version}` : "node:24-alpine",
    ports: [{ name: "http", containerPort: podinfoPort }],
    env: Object.entries(variables).map(([name, value]) => ({ name, value })),
    readinessProbe: { httpGet: { path: "/readyz", port: "http" }, periodSeconds: 1 },
    // Gives the gateway time to learn that the pod leaves, before it stops answering.
    lifecycle: { preStop: { sleep: { seconds: 1 } } },
    ...more,
  };
  if (isOwn) return { containers: [container], terminationGracePeriodSeconds: 10 };
  const mount = { name: sourceName, mountPath: "/srv" };
  return {
    containers: [
      Object.assign({}, container, {
        command: ["node", "/srv/podinfo.ts"],
        volumeMounts: [...(container.volumeMounts ?? []), mount],
      }),
    ],
    volumes: [{ name: sourceName, configMap: { name: sourceName } }],
    terminationGracePeriodSeconds: 10,
  };
}

/** Objects that a namespace needs before {@link podinfoPod} can run there. */
export function podinfoSource(cluster: TestCluster, namespace: string): AnyObject[] {
  if (cluster.processes !== undefined) return [];
  const source = readFileSync(new URL("podinfo.ts", import.meta.url), "utf8");
  return [
    {
      apiVersion: "v1",
      kind: "ConfigMap",
      metadata: { name: sourceName, namespace },
      data: { "podinfo.ts": source },
    },
  ];
}
