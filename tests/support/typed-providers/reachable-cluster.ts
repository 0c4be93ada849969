import { z } from "zod";

const clusterSchema = z.object({
  /** URL of the API server. */
  endpoint: z.string(),
  /** Its certificate authority, PEM in base64. */
  certificateAuthority: z.string(),
});

/** A cluster that answers, which every EKS cluster of the stand-ins then is. */
export type ReachableCluster = Readonly<z.output<typeof clusterSchema>>;

const variable = "TYPED_PROVIDERS_CLUSTER";

/** The variable that hands a cluster to the stand-ins' process. */
export function clusterVariable(cluster: ReachableCluster): Record<string, string> {
  return { [variable]: JSON.stringify(cluster) };
}

/** The cluster that this process was handed. */
export function handedCluster(): ReachableCluster | undefined {
  const text = process.env[variable];
  return text === undefined ? undefined : clusterSchema.parse(JSON.parse(text));
}
