import type { Region } from "./regions.ts";

/** What a kubeconfig of an EKS cluster says. */
export interface KubeconfigArgs {
  readonly clusterName: string;
  /** URL of the API server. */
  readonly server: string;
  /** PEM in base64. */
  readonly certificateAuthority: string;
  readonly region: Region;
}

/**
 * A kubeconfig that holds no secret: whoever uses it gets a token by `aws eks get-token`, with credentials of their own.
 * The one of `@pulumi/eks` leaves the region to the machine, which another driver's may have set otherwise.
 */
export function kubeconfigText(args: KubeconfigArgs): string {
  const { clusterName, server, certificateAuthority, region } = args;
  const user = {
    exec: {
      apiVersion: "client.authentication.k8s.io/v1beta1",
      command: "aws",
      args: ["eks", "get-token", "--cluster-name", clusterName, "--region", region],
      interactiveMode: "Never",
    },
  };
  const cluster = { server, "certificate-authority-data": certificateAuthority };
  return JSON.stringify({
    apiVersion: "v1",
    kind: "Config",
    clusters: [{ name: clusterName, cluster }],
    users: [{ name: clusterName, user }],
    contexts: [{ name: clusterName, context: { cluster: clusterName, user: clusterName } }],
    "current-context": clusterName,
  });
}
