import { release } from "node:os";
import { CoordinationV1Api, V1MicroTime, type V1Node } from "@kubernetes/client-node";
import { nodeAddress, ports } from "../addresses.ts";
import { statusOf, strategicMerge, type KubeletApi } from "./api.ts";
import type { KubeletConfig } from "./config.ts";

/** A node whose Lease is older than 40 s counts as lost, and its pods are evicted. */
const leaseRenewalMs = 10_000;
const leaseDurationSeconds = 40;
const leaseNamespace = "kube-node-lease";

/** Makes this process known as a ready node and keeps it so until `signal` aborts. */
export async function registerNode(
  api: KubeletApi,
  config: KubeletConfig,
  signal: AbortSignal,
): Promise<void> {
  const { nodeName: name } = config;
  await unlessThere(api.core.createNode({ body: nodeObject(config) }));
  await api.core.patchNodeStatus({ name, body: { status: nodeStatus(config) } }, strategicMerge);
  const leases = api.config.makeApiClient(CoordinationV1Api);
  const renew = (): Promise<unknown> =>
    leases.patchNamespacedLease(
      {
        name,
        namespace: leaseNamespace,
        body: { spec: { renewTime: new V1MicroTime() } },
      },
      strategicMerge,
    );
  await unlessThere(
    leases.createNamespacedLease({
      namespace: leaseNamespace,
      body: {
        metadata: { name },
        spec: { holderIdentity: name, leaseDurationSeconds, renewTime: new V1MicroTime() },
      },
    }),
  );
  // A renewal that fails, as while the API server restarts, is made up for by the next.
  const timer = setInterval(() => void renew().catch(() => undefined), leaseRenewalMs);
  signal.addEventListener("abort", () => clearInterval(timer), { once: true });
}

function nodeObject({ nodeName }: KubeletConfig): V1Node {
  return {
    metadata: {
      name: nodeName,
      labels: {
        "kubernetes.io/hostname": nodeName,
        "kubernetes.io/os": "linux",
        "kubernetes.io/arch": architecture(),
      },
    },
  };
}

function nodeStatus({ nodeName, capacity }: KubeletConfig): V1Node["status"] {
  const now = new Date();
  const condition = (type: string, status: string, reason: string) => ({
    type,
    status,
    reason,
    message: reason,
    lastHeartbeatTime: now,
    lastTransitionTime: now,
  });
  return {
    capacity,
    allocatable: capacity,
    addresses: [
      { type: "InternalIP", address: nodeAddress },
      { type: "Hostname", address: nodeName },
    ],
    daemonEndpoints: { kubeletEndpoint: { Port: ports.kubelet } },
    conditions: [
      condition("MemoryPressure", "False", "KubeletHasSufficientMemory"),
      condition("DiskPressure", "False", "KubeletHasNoDiskPressure"),
      condition("PIDPressure", "False", "KubeletHasSufficientPID"),
      condition("Ready", "True", "KubeletReady"),
    ],
    nodeInfo: {
      architecture: architecture(),
      operatingSystem: "linux",
      kernelVersion: release(),
      osImage: "processes of this machine",
      containerRuntimeVersion: "process://1",
      kubeletVersion: "v1.37.2-upramp-test",
      kubeProxyVersion: "",
      bootID: "",
      machineID: "",
      systemUUID: "",
    },
  };
}

function architecture(): string {
  return process.arch === "x64" ? "amd64" : process.arch;
}

async function unlessThere(call: Promise<unknown>): Promise<void> {
  try {
    await call;
  } catch (error) {
    if (statusOf(error) !== 409) throw error;
  }
}
