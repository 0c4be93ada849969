import { z } from "zod";
import type { AcceptedNode } from "./account.ts";
import type { NodeListener } from "./objects.ts";
import { selects } from "./selectors.ts";

/** Where a request can be sent. */
export interface Endpoint {
  readonly address: string;
  readonly port: number;
}

const metadataSchema = z.object({
  name: z.string(),
  namespace: z.string(),
  labels: z.record(z.string(), z.string()).default({}),
});

/** A Service, as far as names and ports go. */
export const serviceSchema = z.object({
  metadata: metadataSchema,
  spec: z
    .object({
      clusterIP: z.string().optional(),
      ports: z.array(z.object({ name: z.string().default(""), port: z.number() })).default([]),
    })
    .prefault({}),
});

/** An EndpointSlice. */
export const sliceSchema = z.object({
  metadata: metadataSchema,
  endpoints: z
    .array(
      z.object({
        addresses: z.array(z.string()),
        conditions: z.object({ ready: z.boolean().nullish() }).nullish(),
      }),
    )
    .nullish()
    .transform((endpoints) => endpoints ?? []),
  ports: z
    .array(z.object({ name: z.string().nullish(), port: z.number().nullish() }))
    .nullish()
    .transform((ports) => ports ?? []),
});

/** A pod, as far as its address and readiness go. */
export const podSchema = z.object({
  metadata: metadataSchema.extend({ deletionTimestamp: z.unknown().optional() }),
  status: z
    .object({
      podIP: z.string().optional(),
      conditions: z.array(z.object({ type: z.string(), status: z.string() })).default([]),
    })
    .prefault({}),
});

export type Service = z.output<typeof serviceSchema>;
export type EndpointSlice = z.output<typeof sliceSchema>;
export type Pod = z.output<typeof podSchema>;

/** What the names of a cluster stand for. */
export interface Network {
  readonly services: readonly Service[];
  readonly slices: readonly EndpointSlice[];
  readonly pods: readonly Pod[];
}

const serviceHost = /^(?<name>[^.]+)\.(?<namespace>[^.]+)\.svc(?:\.cluster\.local)?\.?$/;
const ipAddress = /^\d+\.\d+\.\d+\.\d+$/;

/**
 * Where a request to one listener of a node ends: the ready endpoints, sorted. A real Envoy of App Mesh
 * resolves the node's host name by DNS and sends to the Service's address and the *node's* port, which
 * kube-proxy turns into a pod; here both are done at once. So a Service that lacks the node's port
 * leads nowhere here as it does there, and a headless Service is reached at the node's port directly.
 */
export function endpointsOf(
  { discovery }: AcceptedNode,
  { portMapping }: NodeListener,
  network: Network,
): Endpoint[] {
  const { port } = portMapping;
  if (discovery === undefined) return [];
  if (discovery.kind === "dns") return sorted(byHostname(discovery.hostname, port, network));
  const { namespace, selector } = discovery;
  const pods = network.pods.filter(
    ({ metadata }) => metadata.namespace === namespace && selects(selector, metadata.labels),
  );
  return sorted(pods.filter(isReady).map(({ status }) => ({ address: status.podIP ?? "", port })));
}

function byHostname(hostname: string, port: number, network: Network): Endpoint[] {
  if (ipAddress.test(hostname)) return [{ address: hostname, port }];
  const { name, namespace } = serviceHost.exec(hostname)?.groups ?? {};
  const service = network.services.find(
    ({ metadata }) => metadata.name === name && metadata.namespace === namespace,
  );
  if (service === undefined) return [];
  const slices = network.slices.filter(
    ({ metadata }) =>
      metadata.namespace === namespace && metadata.labels["kubernetes.io/service-name"] === name,
  );
  return slices.flatMap((slice) => {
    const target = targetPort(service, slice, port);
    return target === undefined ? [] : readyAddresses(slice, target);
  });
}

function targetPort({ spec }: Service, slice: EndpointSlice, port: number): number | undefined {
  if (spec.clusterIP === "None") return port;
  const servicePort = spec.ports.find((candidate) => candidate.port === port);
  if (servicePort === undefined) return undefined;
  return slice.ports.find(({ name }) => (name ?? "") === servicePort.name)?.port ?? undefined;
}

function readyAddresses({ endpoints }: EndpointSlice, port: number): Endpoint[] {
  return endpoints
    .filter(({ conditions }) => conditions?.ready !== false)
    .flatMap(({ addresses }) => addresses.map((address) => ({ address, port })));
}

function isReady({ metadata, status }: Pod): boolean {
  return (
    metadata.deletionTimestamp === undefined &&
    status.podIP !== undefined &&
    status.conditions.some(({ type, status: is }) => type === "Ready" && is === "True")
  );
}

/** In one order, so that the same endpoints make the same file. */
function sorted(endpoints: readonly Endpoint[]): Endpoint[] {
  const key = ({ address, port }: Endpoint): string => `${address}:${port}`;
  const byKey = new Map(endpoints.map((endpoint) => [key(endpoint), endpoint]));
  return [...byKey.values()].toSorted((one, other) => (key(one) < key(other) ? -1 : 1));
}
