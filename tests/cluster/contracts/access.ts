import { KubeConfig } from "@kubernetes/client-node";
import type { ClusterAccess } from "../../../infra/contract.ts";
import { apply } from "../apply.ts";
import type { TestCluster } from "../test-cluster.ts";

/** How the adapters reach the cluster of this run, with the rights of whoever runs the tests. */
export function clusterAccess({ config }: TestCluster): ClusterAccess {
  return { kubeconfig: config.exportConfig() };
}

/** What a user may do, as in a Role. */
export interface Rule {
  readonly apiGroups: readonly string[];
  readonly resources: readonly string[];
  readonly verbs: readonly string[];
}

/** As {@link clusterAccess}, for a user of this name who may do only what the rules say, in one namespace. */
export async function limitedAccess(
  { config }: TestCluster,
  namespace: string,
  user: string,
  rules: readonly Rule[],
): Promise<ClusterAccess> {
  const api = "rbac.authorization.k8s.io";
  const metadata = { name: user, namespace };
  const apiVersion = `${api}/v1`;
  await apply(config, [
    { apiVersion, kind: "Role", metadata, rules },
    {
      apiVersion,
      kind: "RoleBinding",
      metadata,
      roleRef: { apiGroup: api, kind: "Role", name: user },
      subjects: [{ apiGroup: api, kind: "User", name: user }],
    },
  ]);
  const limited = new KubeConfig();
  limited.loadFromString(config.exportConfig());
  limited.users = limited.users.map((one) => ({ ...one, impersonateUser: user }));
  return { kubeconfig: limited.exportConfig() };
}
