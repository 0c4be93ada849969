import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { KubeConfig, KubernetesObject } from "@kubernetes/client-node";
import { parseAllDocuments } from "yaml";
import { z } from "zod";
import { ApiRefusal, apiRequest } from "./api-request.ts";
import { waitUntil } from "./wait-until.ts";

/** An object of any kind: the client's own type does not name what is beside metadata. */
export type AnyObject = KubernetesObject & Record<string, unknown>;

const fieldManager = "upramp-test";

const toldBoundMs = 10_000;

const resourceListSchema = z.object({
  resources: z.array(z.object({ name: z.string(), kind: z.string(), namespaced: z.boolean() })),
});

type Resource = z.output<typeof resourceListSchema>["resources"][number];

const discovered = new WeakMap<KubeConfig, Map<string, readonly Resource[]>>();

/** Applies objects by server-side apply, one after the other. Fields of other managers are taken over. */
export async function apply(config: KubeConfig, objects: readonly AnyObject[]): Promise<void> {
  for (const object of objects) await applyOne(config, object);
}

/** As {@link apply}, all at once: for objects that do not depend on each other. */
export async function applyTogether(
  config: KubeConfig,
  objects: readonly AnyObject[],
): Promise<void> {
  await Promise.all(objects.map((object) => applyOne(config, object)));
}

/**
 * Creates what is not there, all at once, and leaves what is. For a definition of a megabyte this is
 * several times faster than an apply.
 */
export async function createMissing(
  config: KubeConfig,
  objects: readonly AnyObject[],
): Promise<void> {
  await Promise.all(
    objects.map(async (object) => {
      const path = await pathOf(config, object);
      const body = { contentType: "application/json", text: JSON.stringify(object) };
      try {
        await apiRequest(config, "POST", path.slice(0, path.lastIndexOf("/")), body);
      } catch (error) {
        if (!(error instanceof ApiRefusal && error.status === 409)) throw error;
      }
    }),
  );
}

async function applyOne(config: KubeConfig, object: AnyObject): Promise<void> {
  const path = await pathOf(config, object);
  await apiRequest(config, "PATCH", `${path}?fieldManager=${fieldManager}&force=true`, {
    contentType: "application/apply-patch+yaml",
    text: JSON.stringify(object),
  });
}

/** Path of an object, by what the API server says of its kind. */
async function pathOf(config: KubeConfig, object: AnyObject): Promise<string> {
  const { apiVersion = "", kind = "", metadata } = object;
  const base = apiVersion.includes("/") ? `/apis/${apiVersion}` : `/api/${apiVersion}`;
  const resource = await resourceOf(config, base, kind);
  const namespace = resource.namespaced ? `/namespaces/${metadata?.namespace ?? "default"}` : "";
  return `${base}${namespace}/${resource.name}/${metadata?.name}`;
}

/** The API server tells of a definition's kind a moment after it has called the definition established. */
async function resourceOf(config: KubeConfig, base: string, kind: string): Promise<Resource> {
  const known = discovered.get(config) ?? new Map<string, readonly Resource[]>();
  discovered.set(config, known);
  const find = (): Resource | undefined =>
    known.get(base)?.find((resource) => resource.kind === kind && !resource.name.includes("/"));
  const found = find();
  if (found !== undefined) return found;
  return waitUntil(`the API server has kind ${kind} in ${base}`, toldBoundMs, async () => {
    const list = JSON.parse(await apiRequest(config, "GET", base)) as unknown;
    known.set(base, resourceListSchema.parse(list).resources);
    return find();
  });
}

/** All objects of a YAML file, or of every YAML file of a folder. */
export function readObjects(path: string): AnyObject[] {
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

function isObject(value: unknown): value is AnyObject {
  return typeof value === "object" && value !== null && "kind" in value;
}
