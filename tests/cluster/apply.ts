import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { KubernetesObjectApi, PatchStrategy, type KubeConfig } from "@kubernetes/client-node";
import type { KubernetesObject } from "@kubernetes/client-node";
import { parseAllDocuments } from "yaml";

/** An object of any kind: the client's own type does not name what is beside metadata. */
export type AnyObject = KubernetesObject & Record<string, unknown>;

const fieldManager = "upramp-test";

/** Applies objects by server-side apply, one after the other. Fields of other managers are taken over. */
export async function apply(
  config: KubeConfig,
  objects: readonly KubernetesObject[],
): Promise<void> {
  const api = KubernetesObjectApi.makeApiClient(config);
  for (const object of objects) await applyOne(api, object);
}

/** As {@link apply}, all at once: for objects that do not depend on each other. */
export async function applyTogether(
  config: KubeConfig,
  objects: readonly KubernetesObject[],
): Promise<void> {
  const api = KubernetesObjectApi.makeApiClient(config);
  await Promise.all(objects.map((object) => applyOne(api, object)));
}

async function applyOne(api: KubernetesObjectApi, object: KubernetesObject): Promise<void> {
  try {
    await api.patch(
      object,
      undefined,
      undefined,
      fieldManager,
      true,
      PatchStrategy.ServerSideApply,
    );
  } catch (error) {
    const { namespace, name } = object.metadata ?? {};
    const where = namespace === undefined ? name : `${namespace}/${name}`;
    throw new Error(`could not apply ${object.kind} ${where}`, { cause: error });
  }
}

/** All objects of a YAML file, or of every YAML file of a folder. */
export function readObjects(path: string): KubernetesObject[] {
  if (!/\.ya?ml$/.test(path)) {
    return readdirSync(path)
      .filter((name) => /\.ya?ml$/.test(name))
      .flatMap((name) => readObjects(join(path, name)));
  }
  // `toJS` returns any; what it holds is checked by the filter.
  return parseAllDocuments(readFileSync(path, "utf8"))
    .map((document) => document.toJS() as unknown)
    .filter(isObject);
}

function isObject(value: unknown): value is KubernetesObject {
  return typeof value === "object" && value !== null && "kind" in value;
}
