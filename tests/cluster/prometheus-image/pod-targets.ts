import { z } from "zod";

const textsSchema = z.record(z.string(), z.string()).default({});

const containerSchema = z.object({
  name: z.string(),
  ports: z
    .array(
      z.object({
        containerPort: z.number(),
        name: z.string().default(""),
        protocol: z.string().default("TCP"),
      }),
    )
    .default([]),
});

const podSchema = z.object({
  metadata: z.object({
    name: z.string(),
    namespace: z.string(),
    uid: z.string(),
    labels: textsSchema,
    annotations: textsSchema,
  }),
  spec: z.object({
    nodeName: z.string().default(""),
    containers: z.array(containerSchema),
    initContainers: z.array(containerSchema).default([]),
  }),
  status: z
    .object({
      podIP: z.string().default(""),
      hostIP: z.string().default(""),
      phase: z.string().default(""),
      conditions: z.array(z.object({ type: z.string(), status: z.string() })).default([]),
    })
    .prefault({}),
});
type Pod = z.output<typeof podSchema>;

/** A list of pods as the API server has it. */
export const podListSchema = z.object({ items: z.array(podSchema) });

/** A target of a file that Prometheus discovers targets from. */
export interface TargetGroup {
  readonly targets: readonly [address: string];
  readonly labels: Readonly<Record<string, string>>;
}

/** What Prometheus's own discovery of role `pod` makes of pods: a target for each port of each container. */
export function podTargets(pods: readonly Pod[]): readonly TargetGroup[] {
  return pods.filter(({ status }) => status.podIP !== "").flatMap(targetsOf);
}

function targetsOf({ metadata, spec, status }: Pod): TargetGroup[] {
  const ready = status.conditions.find(({ type }) => type === "Ready")?.status ?? "unknown";
  const ofPod = {
    namespace: metadata.namespace,
    pod_name: metadata.name,
    pod_uid: metadata.uid,
    pod_ip: status.podIP,
    pod_phase: status.phase,
    pod_ready: ready.toLowerCase(),
    pod_host_ip: status.hostIP,
    pod_node_name: spec.nodeName,
    ...named("pod_label", metadata.labels),
    ...named("pod_annotation", metadata.annotations),
  };
  const containers = [
    ...spec.containers.map((container) => ({ container, isInit: false })),
    ...spec.initContainers.map((container) => ({ container, isInit: true })),
  ];
  return containers.flatMap(({ container: { name, ports }, isInit }) => {
    const ofContainer = { ...ofPod, pod_container_name: name, pod_container_init: String(isInit) };
    if (ports.length === 0) return [group(status.podIP, ofContainer)];
    return ports.map((port) =>
      group(`${status.podIP}:${port.containerPort}`, {
        ...ofContainer,
        pod_container_port_number: String(port.containerPort),
        pod_container_port_name: port.name,
        pod_container_port_protocol: port.protocol,
      }),
    );
  });
}

function group(address: string, meta: Readonly<Record<string, string>>): TargetGroup {
  const labels = Object.entries(meta).map(([key, value]) => [`__meta_kubernetes_${key}`, value]);
  return { targets: [address], labels: Object.fromEntries(labels) as Record<string, string> };
}

/** Labels or annotations, whose keys may hold what a metric's labels may not. */
function named(prefix: string, values: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(values).flatMap(([key, value]) => {
      const clean = key.replaceAll(/\W/g, "_");
      return [
        [`${prefix}_${clean}`, value],
        [`${prefix}present_${clean}`, "true"],
      ];
    }),
  );
}
