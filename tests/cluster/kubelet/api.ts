import {
  ApiException,
  CoreV1Api,
  KubeConfig,
  PatchStrategy,
  setHeaderOptions,
  type V1ConfigMap,
  type V1PersistentVolumeClaim,
  type V1Secret,
} from "@kubernetes/client-node";

/** Options of a client call that make its patch a strategic merge patch, as kubelets send them. */
export const strategicMerge = setHeaderOptions("Content-Type", PatchStrategy.StrategicMergePatch);

/** The HTTP status of a refused call, or undefined when the call did not reach the API server. */
export function statusOf(error: unknown): number | undefined {
  return error instanceof ApiException ? error.code : undefined;
}

/** The clients the kubelet's parts share. */
export interface KubeletApi {
  readonly config: KubeConfig;
  readonly core: CoreV1Api;
}

/**
 * Reads a kubeconfig. Its certificate authority is dropped, as the process is started with it in
 * NODE_EXTRA_CA_CERTS: with one of its own, the client opens a new connection for every call.
 */
export function connect(kubeconfigPath: string): KubeletApi {
  const config = new KubeConfig();
  config.loadFromFile(kubeconfigPath);
  config.loadFromOptions({
    clusters: config.clusters.map(({ name, server }) => ({ name, server, skipTLSVerify: false })),
    users: config.users,
    contexts: config.contexts,
    currentContext: config.currentContext,
  });
  return { config, core: config.makeApiClient(CoreV1Api) };
}

/** A ConfigMap, or undefined when there is none of that name. */
export function findConfigMap(
  { core }: KubeletApi,
  namespace: string,
  name: string,
): Promise<V1ConfigMap | undefined> {
  return orUndefined(core.readNamespacedConfigMap({ namespace, name }));
}

/** A Secret, or undefined when there is none of that name. */
export function findSecret(
  { core }: KubeletApi,
  namespace: string,
  name: string,
): Promise<V1Secret | undefined> {
  return orUndefined(core.readNamespacedSecret({ namespace, name }));
}

/** A claim of a volume, or undefined when there is none of that name. */
export function findClaim(
  { core }: KubeletApi,
  namespace: string,
  name: string,
): Promise<V1PersistentVolumeClaim | undefined> {
  return orUndefined(core.readNamespacedPersistentVolumeClaim({ namespace, name }));
}

async function orUndefined<T>(call: Promise<T>): Promise<T | undefined> {
  try {
    return await call;
  } catch (error) {
    if (statusOf(error) === 404) return undefined;
    throw error;
  }
}
