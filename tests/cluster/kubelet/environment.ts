import type { V1Container, V1EnvVar, V1Pod } from "@kubernetes/client-node";
import { findConfigMap, findSecret, type KubeletApi } from "./api.ts";
import { podKey } from "./pod-key.ts";

/**
 * A container cannot be started as it is declared, for instance since a ConfigMap is missing. The
 * node reports CreateContainerConfigError with this message and tries again.
 */
export class ContainerConfigError extends Error {}

/** What the downward API can say of a pod that runs here. */
export interface PodFacts {
  readonly pod: V1Pod;
  readonly podIp: string;
  readonly nodeName: string;
  readonly nodeIp: string;
}

/**
 * The variables a container declares, in declaration order, references filled in.
 *
 * @throws ContainerConfigError when a ConfigMap, Secret or key is missing that is not optional
 */
export async function declaredEnvironment(
  api: KubeletApi,
  facts: PodFacts,
  container: V1Container,
): Promise<Record<string, string>> {
  const { namespace } = podKey(facts.pod);
  const values: Record<string, string> = {};
  for (const from of container.envFrom ?? []) {
    const data =
      from.configMapRef !== undefined
        ? await configMapData(api, namespace, from.configMapRef.name, from.configMapRef.optional)
        : await secretData(api, namespace, from.secretRef?.name, from.secretRef?.optional);
    for (const [key, value] of Object.entries(data ?? {}))
      values[`${from.prefix ?? ""}${key}`] = value;
  }
  for (const variable of container.env ?? []) {
    const value = await valueOf(api, facts, container, variable);
    if (value !== undefined) values[variable.name] = expand(value, values);
  }
  return values;
}

/** Replaces `$(NAME)` by the variable; `$$(NAME)` is a literal `$(NAME)`, unknown names stay. */
export function expand(text: string, values: Readonly<Record<string, string>>): string {
  return text.replace(/\$\$|\$\(([A-Za-z_.-][\w.-]*)\)/g, (whole, name: string | undefined) =>
    name === undefined ? "$" : (values[name] ?? whole),
  );
}

async function valueOf(
  api: KubeletApi,
  facts: PodFacts,
  container: V1Container,
  variable: V1EnvVar,
): Promise<string | undefined> {
  const from = variable.valueFrom;
  if (from === undefined) return variable.value ?? "";
  const { namespace } = podKey(facts.pod);
  if (from.configMapKeyRef !== undefined) {
    const { name, key, optional } = from.configMapKeyRef;
    const data = await configMapData(api, namespace, name, optional);
    return pick(data, key, optional, `ConfigMap ${namespace}/${name}`);
  }
  if (from.secretKeyRef !== undefined) {
    const { name, key, optional } = from.secretKeyRef;
    const data = await secretData(api, namespace, name, optional);
    return pick(data, key, optional, `Secret ${namespace}/${name}`);
  }
  if (from.fieldRef !== undefined) return podField(facts, from.fieldRef.fieldPath);
  if (from.resourceFieldRef !== undefined) {
    const [list, resource = ""] = from.resourceFieldRef.resource.split(".");
    const amounts = list === "limits" ? container.resources?.limits : container.resources?.requests;
    return amounts?.[resource] ?? "0";
  }
  throw new ContainerConfigError(`the source of variable ${variable.name} is not supported here`);
}

function pick(
  data: Readonly<Record<string, string>> | undefined,
  key: string,
  optional: boolean | undefined,
  owner: string,
): string | undefined {
  const value = data?.[key];
  if (value === undefined && optional !== true) {
    throw new ContainerConfigError(`couldn't find key ${key} in ${owner}`);
  }
  return value;
}

async function configMapData(
  api: KubeletApi,
  namespace: string,
  name: string | undefined,
  optional: boolean | undefined,
): Promise<Record<string, string> | undefined> {
  const found = await findConfigMap(api, namespace, name ?? "");
  if (found === undefined && optional !== true) {
    throw new ContainerConfigError(`configmap "${name}" not found`);
  }
  return found?.data;
}

async function secretData(
  api: KubeletApi,
  namespace: string,
  name: string | undefined,
  optional: boolean | undefined,
): Promise<Record<string, string> | undefined> {
  const found = await findSecret(api, namespace, name ?? "");
  if (found === undefined && optional !== true) {
    throw new ContainerConfigError(`secret "${name}" not found`);
  }
  return (
    found &&
    Object.fromEntries(
      Object.entries(found.data ?? {}).map(([key, text]) => [
        key,
        Buffer.from(text, "base64").toString("utf8"),
      ]),
    )
  );
}

/**
 * A field of the pod by its downward API path.
 *
 * @throws ContainerConfigError for a path that the downward API does not have
 */
export function podField(facts: PodFacts, path: string): string {
  const { pod, podIp, nodeName, nodeIp } = facts;
  const key = podKey(pod);
  const keyed = /^metadata\.(labels|annotations)\['(.+)'\]$/.exec(path);
  if (keyed !== null) {
    const map = keyed[1] === "labels" ? pod.metadata?.labels : pod.metadata?.annotations;
    return map?.[keyed[2] ?? ""] ?? "";
  }
  switch (path) {
    case "metadata.name":
      return key.name;
    case "metadata.namespace":
      return key.namespace;
    case "metadata.uid":
      return key.uid;
    case "metadata.labels":
      return lines(pod.metadata?.labels);
    case "metadata.annotations":
      return lines(pod.metadata?.annotations);
    case "spec.nodeName":
      return nodeName;
    case "spec.serviceAccountName":
      return pod.spec?.serviceAccountName ?? "default";
    case "status.hostIP":
    case "status.hostIPs":
      return nodeIp;
    case "status.podIP":
    case "status.podIPs":
      return podIp;
    default:
      throw new ContainerConfigError(`the pod has no field "${path}"`);
  }
}

function lines(map: Readonly<Record<string, string>> | undefined): string {
  return Object.entries(map ?? {})
    .map(([name, value]) => `${name}=${JSON.stringify(value)}`)
    .join("\n");
}
