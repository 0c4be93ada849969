import { scrypt } from "node:crypto";
import { z } from "zod";
import { ContractError, parse, revisionId } from "../contract.ts";
import type { PodTemplate } from "../kubernetes-contract.ts";
import type { ObjectReader } from "../platform/preflight-objects.ts";

/** A ConfigMap or Secret whose content a pod gets. */
export interface ConfigReference {
  readonly kind: "ConfigMap" | "Secret";
  readonly name: string;
  /** True when pods start without it. */
  readonly isOptional: boolean;
}

/** What names a ConfigMap or a Secret; Kubernetes takes an empty name for none. */
const named = z.looseObject({ name: z.string().nullish(), optional: z.boolean().nullish() });
const secretVolume = z.looseObject({
  secretName: z.string().nullish(),
  optional: z.boolean().nullish(),
});

const container = z.looseObject({
  env: z
    .array(
      z.looseObject({
        valueFrom: z
          .looseObject({ configMapKeyRef: named.nullish(), secretKeyRef: named.nullish() })
          .nullish(),
      }),
    )
    .nullish(),
  envFrom: z
    .array(z.looseObject({ configMapRef: named.nullish(), secretRef: named.nullish() }))
    .nullish(),
});

const projectedSource = z.looseObject({ configMap: named.nullish(), secret: named.nullish() });

/**
 * The places of a pod template whose content reaches the process: variables and volumes. Not here is what the node uses
 * and the process never sees: `imagePullSecrets`, and the credentials of storage drivers (`csi`, `flexVolume` …). Their
 * rotation changes nothing that runs.
 */
const podSpec = z.looseObject({
  containers: z.array(container),
  initContainers: z.array(container).nullish(),
  volumes: z
    .array(
      z.looseObject({
        configMap: named.nullish(),
        secret: secretVolume.nullish(),
        projected: z.looseObject({ sources: z.array(projectedSource).nullish() }).nullish(),
      }),
    )
    .nullish(),
});

/**
 * Every ConfigMap and Secret whose content the pods get, sorted by kind and name. Throws ContractError where the template
 * cannot be right.
 */
export function configReferences(template: PodTemplate): readonly ConfigReference[] {
  const { containers, initContainers, volumes } = parse(podSpec, template.spec, "spec");
  const found = new Map<string, ConfigReference>();
  const add = (
    kind: ConfigReference["kind"],
    use: { readonly optional?: boolean | null | undefined } | null | undefined,
    name: string | null | undefined,
  ): void => {
    if (name === undefined || name === null || name === "") return;
    const id = configKey({ kind, name });
    // needed as soon as one use needs it
    const isOptional = use?.optional === true && (found.get(id)?.isOptional ?? true);
    found.set(id, { kind, name, isOptional });
  };
  for (const { env, envFrom } of [...containers, ...(initContainers ?? [])]) {
    for (const { valueFrom } of env ?? []) {
      add("ConfigMap", valueFrom?.configMapKeyRef, valueFrom?.configMapKeyRef?.name);
      add("Secret", valueFrom?.secretKeyRef, valueFrom?.secretKeyRef?.name);
    }
    for (const { configMapRef, secretRef } of envFrom ?? []) {
      add("ConfigMap", configMapRef, configMapRef?.name);
      add("Secret", secretRef, secretRef?.name);
    }
  }
  for (const { configMap, secret, projected } of volumes ?? []) {
    add("ConfigMap", configMap, configMap?.name);
    add("Secret", secret, secret?.secretName);
    for (const source of projected?.sources ?? []) {
      add("ConfigMap", source.configMap, source.configMap?.name);
      add("Secret", source.secret, source.secret?.name);
    }
  }
  return [...found.values()].toSorted((a, b) => (configKey(a) < configKey(b) ? -1 : 1));
}

/** `ConfigMap/name` or `Secret/name`, as in the content of a revision and in `ignore`. */
function configKey({ kind, name }: Pick<ConfigReference, "kind" | "name">): string {
  return `${kind}/${name}`;
}

/** `data` and `binaryData` of a ConfigMap or Secret as the API server gives them; null when there is none. */
export type ConfigData = Readonly<Record<string, unknown>> | null;

const content = z.record(z.string(), z.string()).default({});

/** A ConfigMap or a Secret. */
const configObject = z.object({ data: content, binaryData: content });

/** The content of a ConfigMap or Secret; null when there is none. */
export async function readConfig(
  reader: ObjectReader,
  namespace: string,
  { kind, name }: ConfigReference,
): Promise<ConfigData> {
  const found = await reader.lookUp({ apiVersion: "v1", kind, namespace, name });
  return found.kind === "found" ? configObject.parse(found.object) : null;
}

/**
 * Hash of the content of each reference, by `Kind/name`: ten hex digits, or "absent" for an optional one that is not
 * there. Throws ContractError for one that is needed and missing.
 */
export async function hashConfigs(
  references: readonly ConfigReference[],
  read: (reference: ConfigReference) => Promise<ConfigData>,
  namespace: string,
): Promise<Readonly<Record<string, string>>> {
  const hashes = await Promise.all(
    references.map(async (reference): Promise<readonly [string, string]> => {
      const { kind, name, isOptional } = reference;
      const data = await read(reference);
      if (data !== null) {
        const hash =
          kind === "Secret" ? await secretHash(data, `${namespace}/${name}`) : revisionId(data);
        return [configKey(reference), hash];
      }
      if (isOptional) return [configKey(reference), "absent"];
      throw new ContractError(
        `${kind} ${namespace}/${name}, which the pod template names, does not exist: ` +
          "create it first, or mark its use as optional",
      );
    }),
  );
  return Object.fromEntries(hashes);
}

/**
 * Stack outputs and pods show this hash to people who may not read the Secret. A plain SHA-256 would let them try
 * billions of passwords a second; scrypt at 32 MiB a try leaves them some ten. Never change a number here: each
 * service with a Secret would roll out anew.
 */
function secretHash(data: unknown, place: string): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  const cost = { N: 32_768, r: 8, p: 1, maxmem: 64 * 1024 * 1024 };
  scrypt(revisionId(data), `upramp ${place}`, 5, cost, (error, hash) => {
    if (error === null) resolve(hash.toString("hex"));
    else reject(error);
  });
  return promise;
}
