/**
 * Who has which address. The whole range is local to the cluster's network namespace (AnyIP), so
 * every process can bind an address of its own, and EndpointSlices accept it, as they would not
 * accept a loopback address.
 */
export const addressRange = "10.244.0.0/16";

/** Range the API server allots Service addresses from. Nothing routes them: gateways read EndpointSlices. */
export const serviceRange = "10.96.0.0/16";

/** What the API server advertises; it listens on loopback. */
export const apiServerAddress = "10.244.0.1";

/** The one node: where the kubelet serves logs and metrics. */
export const nodeAddress = "10.244.0.2";

/** Loopback ports of the control plane; free by construction, as the namespace is new. */
export const ports = { etcd: 2379, etcdPeer: 2380, apiServer: 6443, kubelet: 10250 } as const;

/**
 * Address of the n-th pod, from 10.244.1.0 upwards.
 *
 * @param index 0 to 65,279; the range ends there
 */
export function podAddress(index: number): string {
  const offset = index + 256;
  if (offset > 65_535) throw new Error(`no pod address is left in ${addressRange}`);
  return `10.244.${offset >> 8}.${offset & 255}`;
}
