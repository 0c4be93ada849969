import type { KubeConfig } from "@kubernetes/client-node";
import { nodeAddress, ports } from "./addresses.ts";
import { applyTogether, type AnyObject } from "./apply.ts";

const name = "metrics-server";
const namespace = "kube-system";

/** Makes the resource metrics that the kubelet serves known to the API server. */
export async function registerMetricsApi(config: KubeConfig): Promise<void> {
  const objects: AnyObject[] = [
    {
      apiVersion: "v1",
      kind: "Service",
      metadata: { name, namespace },
      spec: { ports: [{ name: "https", port: 443, targetPort: ports.kubelet }] },
    },
    {
      apiVersion: "discovery.k8s.io/v1",
      kind: "EndpointSlice",
      metadata: { name, namespace, labels: { "kubernetes.io/service-name": name } },
      addressType: "IPv4",
      ports: [{ name: "https", port: ports.kubelet, protocol: "TCP" }],
      endpoints: [{ addresses: [nodeAddress], conditions: { ready: true } }],
    },
    {
      apiVersion: "apiregistration.k8s.io/v1",
      kind: "APIService",
      metadata: { name: "v1beta1.metrics.k8s.io" },
      spec: {
        group: "metrics.k8s.io",
        version: "v1beta1",
        groupPriorityMinimum: 100,
        versionPriority: 100,
        insecureSkipTLSVerify: true,
        service: { name, namespace, port: 443 },
      },
    },
  ];
  await applyTogether(config, objects);
}
