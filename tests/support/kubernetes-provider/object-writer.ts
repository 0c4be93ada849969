import { setTimeout as sleep } from "node:timers/promises";
import type { ApiClient } from "./api-client.ts";
import { NoMatchError } from "./api-error.ts";
import { NotReadyError } from "./await-ready.ts";
import { adoptedManagedFields, withIgnoredChanges } from "./field-managers.ts";
import { followObject } from "./follow-object.ts";
import {
  type Fields,
  annotationOf,
  nameOf,
  namespaceOf,
  textAt,
  withValueAt,
} from "./kubernetes-object.ts";
import { isNotFound, reasonOf } from "./request-failure.ts";
import type { ResourceType } from "./resource-type.ts";

/** Creates that find no namespace or no kind are tried this often more: it may come in this update. */
const createRetries = 5;
const firstRetryDelayMs = 250;
/** How an operation is bounded and told. */
export interface Effort {
  readonly preview: boolean;
  /** From the option `customTimeouts`, in s; 0 for none. */
  readonly timeoutSeconds: number;
  readonly signal: AbortSignal;
  readonly log: (severity: "info" | "warning", message: string, isStatus: boolean) => void;
}

/** How objects are written, from the provider's configuration. */
export interface WriteSettings {
  /** Takes fields from other managers without being asked. */
  readonly enablePatchForce: boolean;
  /** Takes over an object that is there already. */
  readonly upsertExistingObjects: boolean;
}

/** Reads and writes single objects. */
export class ObjectWriter {
  readonly #api: ApiClient;
  readonly #settings: WriteSettings;

  constructor(api: ApiClient, settings: WriteSettings) {
    this.#api = api;
    this.#settings = settings;
  }

  /** Whether the server knows the object's kind. */
  async isServed(object: Fields): Promise<boolean> {
    try {
      await this.#api.collectionOf(object);
      return true;
    } catch (error) {
      if (error instanceof NoMatchError) return false;
      throw error;
    }
  }

  /** The live object, or undefined when it or its kind is not there. */
  async get(object: Fields): Promise<Fields | undefined> {
    try {
      return await this.#api.object({ method: "GET", path: await this.#pathOf(object) });
    } catch (error) {
      if (error instanceof NoMatchError || isNotFound(error)) return undefined;
      throw error;
    }
  }

  /** Makes the object, and waits a little for its kind and namespace where they are missing. */
  async create(
    type: ResourceType,
    object: Fields,
    manager: string,
    effort: Effort,
  ): Promise<Fields> {
    for (let retry = 0; ; retry += 1) {
      try {
        if (type.isPatch || this.#settings.upsertExistingObjects) {
          return await this.#apply(object, manager, effort.preview, effort.preview);
        }
        // A POST, not an apply: it refuses an object that is there already.
        return await this.#api.object({
          method: "POST",
          path: await this.#api.collectionOf(object),
          query: { fieldManager: manager, ...writeQuery(effort.preview) },
          body: object,
        });
      } catch (error) {
        const mayCome = error instanceof NoMatchError || isNotFound(error);
        if (!mayCome || effort.preview || retry === createRetries) throw error;
        effort.log("info", `Retry #${retry}; creation failed: ${reasonOf(error, manager)}`, true);
        await sleep(firstRetryDelayMs * 2 ** retry, undefined, { signal: effort.signal });
      }
    }
  }

  /**
   * Changes the object to what the inputs say.
   *
   * @param manager owner of the fields that the inputs set
   * @param ignored paths of the option `ignoreChanges`
   */
  async update(
    type: ResourceType,
    object: Fields,
    manager: string,
    ignored: readonly string[],
    effort: Effort,
  ): Promise<Fields> {
    const path = await this.#pathOf(object);
    const live = await this.#api.object({ method: "GET", path });
    if (type.kind === "CustomResourceDefinition") {
      const version = textAt(live, "metadata", "resourceVersion");
      return await this.#api.object({
        method: "PUT",
        path,
        query: { fieldManager: manager, ...writeQuery(effort.preview) },
        body: withValueAt(object, ["metadata", "resourceVersion"], version),
      });
    }
    const adopted = type.isPatch ? undefined : adoptedManagedFields(live, manager);
    if (adopted !== undefined && !effort.preview) await this.#writeManagers(path, live, adopted);
    const wanted = withIgnoredChanges(object, live, manager, ignored);
    // A preview does not write the managers, so it would see conflicts that the update has not.
    return await this.#apply(
      wanted,
      manager,
      effort.preview,
      effort.preview && adopted !== undefined,
    );
  }

  async #pathOf(object: Fields): Promise<string> {
    return `${await this.#api.collectionOf(object)}/${nameOf(object)}`;
  }

  async #writeManagers(path: string, live: Fields, entries: readonly Fields[]): Promise<void> {
    await this.#api.request({
      method: "PATCH",
      path,
      contentType: "application/json-patch+json",
      body: [
        { op: "replace", path: "/metadata/managedFields", value: entries },
        {
          op: "replace",
          path: "/metadata/resourceVersion",
          value: textAt(live, "metadata", "resourceVersion"),
        },
      ],
    });
  }

  async #apply(
    object: Fields,
    manager: string,
    isDryRun: boolean,
    alwaysForce: boolean,
  ): Promise<Fields> {
    const force =
      alwaysForce ||
      this.#settings.enablePatchForce ||
      annotationOf(object, "pulumi.com/patchForce") === "true";
    return await this.#api.object({
      method: "PATCH",
      path: await this.#pathOf(object),
      query: { fieldManager: manager, force: String(force), ...writeQuery(isDryRun) },
      contentType: "application/apply-patch+yaml",
      body: object,
    });
  }

  /** Gives up every field that the manager owns; fields that nobody else owns go away. */
  async relinquish(object: Fields, manager: string): Promise<void> {
    const { name, namespace } = { name: nameOf(object), namespace: namespaceOf(object) };
    const bare = {
      apiVersion: object["apiVersion"],
      kind: object["kind"],
      metadata: { name, ...(namespace === "" ? {} : { namespace }) },
    };
    if ((await this.get(bare)) !== undefined) await this.#apply(bare, manager, false, true);
  }

  /** Asks for the object's deletion. @param policy what becomes of what it owns; "" for foreground */
  async delete(object: Fields, policy: string): Promise<void> {
    await this.#api.request({
      method: "DELETE",
      path: await this.#pathOf(object),
      body: {
        apiVersion: "v1",
        kind: "DeleteOptions",
        propagationPolicy: propagationPolicies[policy.toLowerCase()] ?? "Foreground",
      },
    });
  }

  /** Resolves when the object is gone. @throws NotReadyError at the bound or the signal */
  async untilGone(object: Fields, boundMs: number, signal: AbortSignal): Promise<void> {
    const first = await this.get(object);
    if (first === undefined) return;
    const uid = textAt(first, "metadata", "uid");
    const stop = AbortSignal.any([signal, AbortSignal.timeout(boundMs)]);
    const gone = new AbortController();
    let last: Fields = first;
    const follow = AbortSignal.any([stop, gone.signal]);
    const collection = await this.#api.collectionOf(object);
    await followObject(this.#api, collection, nameOf(object), follow, (seen) => {
      if (seen === undefined || textAt(seen, "metadata", "uid") !== uid) gone.abort();
      else last = seen;
    });
    if (gone.signal.aborted) return;
    const what = `${String(object["apiVersion"])}/${String(object["kind"])} "${nameOf(object)}"`;
    throw signal.aborted
      ? new NotReadyError(`Resource operation was cancelled for "${nameOf(object)}"`, [], last)
      : new NotReadyError(
          `'${nameOf(object)}' timed out waiting to be deleted`,
          [`Timed out waiting for deletion of ${what}`],
          last,
        );
  }
}

const propagationPolicies: Readonly<Record<string, string>> = {
  background: "Background",
  foreground: "Foreground",
  orphan: "Orphan",
};

/** `Strict`: a field that the server does not know is an error, not silently dropped. */
function writeQuery(isDryRun: boolean): Readonly<Record<string, string>> {
  return { fieldValidation: "Strict", ...(isDryRun ? { dryRun: "All" } : {}) };
}
