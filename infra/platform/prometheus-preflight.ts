import { z } from "zod";
import { takenFaults, type ObjectReader, type PlatformPreflightArgs } from "./preflight-objects.ts";
import { prometheusName } from "./prometheus-deployment.ts";

/** What of a Prometheus is missing or in the way. */
export async function prometheusFaults(
  reader: ObjectReader,
  { settings, owner }: PlatformPreflightArgs,
): Promise<readonly string[]> {
  const { prometheus, namespace } = settings;
  if ("address" in prometheus) return [];
  if ("service" in prometheus) return serviceFaults(reader, prometheus.service);
  const kinds = [
    ["v1", "ServiceAccount"],
    ["v1", "Service"],
    ["apps/v1", "Deployment"],
  ] as const;
  const name = prometheusName;
  const faults = await Promise.all(
    kinds.map(async ([apiVersion, kind]) => {
      const place = { namespace: namespace.name, name };
      const found = await reader.lookUp({ apiVersion, kind, ...place });
      const use = `a namespace has room for one Prometheus of upramp: use that one with prometheus.service`;
      return takenFaults(found, owner, `${kind} ${namespace.name}/${name}`, use);
    }),
  );
  return faults.flat();
}

const serviceSchema = z.object({
  spec: z.object({ ports: z.array(z.object({ port: z.number() })).default([]) }),
});

async function serviceFaults(
  reader: ObjectReader,
  service: { readonly namespace: string; readonly service: string; readonly port: number },
): Promise<readonly string[]> {
  const { namespace, service: name, port } = service;
  const found = await reader.lookUp({ apiVersion: "v1", kind: "Service", namespace, name });
  if (found.kind !== "found") {
    return [
      `Service ${namespace}/${name} does not exist: correct prometheus.service, or let this stack make one with ` +
        "`prometheus: {deploy: {}}`",
    ];
  }
  const known = serviceSchema.parse(found.object).spec.ports.map((one) => one.port);
  if (known.includes(port)) return [];
  return [
    `prometheus.service.port = ${port}: Service ${namespace}/${name} has only ${known.join(", ")}`,
  ];
}
