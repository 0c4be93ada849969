import { z } from "zod";

/**
 * How the cluster is reached: a kubeconfig (path, or its text) and a context in it. What is not given is taken
 * from where it is run: $KUBECONFIG or ~/.kube/config, and its current context.
 */
export const clusterAccessSchema = z.strictObject({
  kubeconfig: z.string().min(1).optional(),
  context: z.string().min(1).optional(),
});
export type ClusterAccess = z.infer<typeof clusterAccessSchema>;
