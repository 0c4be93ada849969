import { z } from "zod";
import { imageTableSchema } from "./images.ts";

/** What the kubelet is started with: one JSON file, named by its only argument. */
export const kubeletConfigSchema = z.strictObject({
  kubeconfigPath: z.string(),
  /** Folder of the pods' volumes and logs. */
  folder: z.string(),
  nodeName: z.string(),
  /** What the node says it has; it holds no pod to it beyond the sum of requests. */
  capacity: z.strictObject({ cpu: z.string(), memory: z.string(), pods: z.string() }),
  images: imageTableSchema,
  /** Variables of every container. */
  baseEnv: z.record(z.string(), z.string()),
  servingCertificate: z.string(),
  servingKey: z.string(),
});

/** The kubelet's configuration as written. */
export type KubeletConfigInput = z.input<typeof kubeletConfigSchema>;

/** The kubelet's configuration, parsed. */
export type KubeletConfig = z.output<typeof kubeletConfigSchema>;
