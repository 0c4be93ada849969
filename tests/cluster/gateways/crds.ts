import { setTimeout as sleep } from "node:timers/promises";
import { ApiextensionsV1Api, type KubeConfig } from "@kubernetes/client-node";
import { createMissing, readObjects, type AnyObject } from "../apply.ts";
import { waitUntil } from "../wait-until.ts";

const establishedBoundMs = 20_000;

/** Creates the resource definitions of YAML files or folders, and waits until they can be used. */
export async function applyCrds(config: KubeConfig, paths: readonly string[]): Promise<void> {
  const objects = paths.flatMap(readObjects);
  const crds = objects.filter(({ kind }) => kind === "CustomResourceDefinition");
  await createMissing(config, objects);
  const api = config.makeApiClient(ApiextensionsV1Api);
  const missing = new Set(crds.map(nameOf));
  await waitUntil(
    "resource definitions are established",
    establishedBoundMs,
    async () => {
      const list = await api.listCustomResourceDefinition();
      for (const { metadata, status } of list.items) {
        const established = status?.conditions?.find(({ type }) => type === "Established");
        if (established?.status === "True") missing.delete(metadata?.name ?? "");
      }
      if (missing.size === 0) return true;
      // A list of definitions is megabytes; once in a while is enough.
      await sleep(200);
      return false;
    },
    () => [...missing].join(", "),
  );
}

function nameOf(object: AnyObject): string {
  return object.metadata?.name ?? "";
}
