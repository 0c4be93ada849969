import { z } from "zod";
import { clusterAccessSchema } from "./cluster-access.ts";
import { duration } from "./duration.ts";
import { label, port } from "./object-names.ts";

/** The part of the stack contract that is about the Prometheus of a cluster: what users write, and what outputs say. */

const inCluster = z.strictObject({ namespace: label, service: label, port });

/** Where Prometheus is: a URL that the driver reaches, or a Service reached through the API server. */
export const prometheusPlaceSchema = z.union(
  [z.strictObject({ address: z.url() }), z.strictObject({ service: inCluster })],
  'write {address: "http://…"}, or {service: {namespace, service, port}} for one inside the cluster',
);
export type PrometheusPlace = z.infer<typeof prometheusPlaceSchema>;

export const serviceProxySchema = inCluster.extend({ cluster: clusterAccessSchema });
/** A Service reached through the API server, with the rights of whoever drives. */
export type ServiceProxy = z.infer<typeof serviceProxySchema>;

// ---- what users write ----------------------------------------------------------------------------

/** An amount of memory as Kubernetes writes it, whole and with a binary unit. */
const memory = z.string().regex(/^[1-9]\d*[MG]i$/, 'is not a size such as "512Mi" or "2Gi"');

const deployWritten = z.strictObject({
  image: z
    .string()
    .regex(/@sha256:|:(?!latest$)[^/:]+$/, "names no fixed version: give a tag other than latest")
    .default("prom/prometheus:v3.16.0"),
  scrapeInterval: duration.refine((ms) => ms >= 100, "is below 100ms").default(5_000),
  /**
   * Host and port of what exports the router's counters, with a path where it is not Envoy's `/stats/prometheus`. Each
   * must be one process: behind a Service of several, counters of one would be taken for those of another.
   */
  targets: z
    .array(z.string().regex(/^(\[[\da-fA-F:]+\]|[\w.-]+):\d{1,5}(\/.*)?$/, "is not HOST:PORT"))
    .default([]),
  /**
   * Namespaces beside those of services in which pods that ask to be scraped (annotation `prometheus.io/scrape`) are
   * found, such as the one of the gateway's Envoys.
   */
  namespaces: z.array(label).default([]),
  /** What it gets, and no more. It holds 6 hours of the series it scrapes. */
  memory: memory.default("512Mi"),
});
/** A Prometheus that the platform deploys. */
export type PrometheusDeployment = z.infer<typeof deployWritten>;

/** What users write under `prometheus` of a platform: one that is there, or one that this stack deploys. */
export const prometheusWritten = z
  .strictObject({
    address: z.url().optional(),
    service: inCluster.optional(),
    deploy: deployWritten.optional(),
  })
  .transform(({ address, service, deploy }, context) => {
    const given = [
      ...(address === undefined ? [] : [{ address }]),
      ...(service === undefined ? [] : [{ service }]),
      ...(deploy === undefined ? [] : [{ deploy }]),
    ];
    const [only] = given;
    if (only !== undefined && given.length === 1) return only;
    context.addIssue({
      code: "custom",
      message: "give one of address, service and deploy (`deploy: {}` for all defaults)",
    });
    return z.NEVER;
  });
