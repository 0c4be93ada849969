import { setTimeout as sleep } from "node:timers/promises";
import type { ApiClient } from "./api-client.ts";
import { type Fields, at, isFields, listAt, textAt } from "./kubernetes-object.ts";

/** Between two tries at an API server that does not answer, in ms. */
const retryDelayMs = 250;

/**
 * Tells every version of one object, and its absence, until the signal. A watch that breaks is begun
 * again; the caller's bound ends the tries.
 */
export async function followObject(
  api: ApiClient,
  collection: string,
  name: string,
  signal: AbortSignal,
  seen: (object: Fields | undefined) => void,
): Promise<void> {
  const query = { fieldSelector: `metadata.name=${name}` };
  while (!signal.aborted) {
    try {
      const list = await api.object({ method: "GET", path: collection, query, signal });
      seen(listAt(list, "items")[0]);
      const resourceVersion = textAt(list, "metadata", "resourceVersion");
      const events = api.watch(collection, { ...query, watch: "1", resourceVersion }, signal);
      for await (const event of events) {
        const type = textAt(event, "type");
        const object = at(event, "object");
        // The version is too old: list again.
        if (type === "ERROR") break;
        if (type === "DELETED") seen(undefined);
        else if (type !== "BOOKMARK" && isFields(object)) seen(object);
      }
    } catch {
      if (signal.aborted) return;
      await sleep(retryDelayMs, undefined, { signal }).catch(() => undefined);
    }
  }
}
