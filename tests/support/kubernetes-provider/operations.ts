import { randomBytes } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { ApiClient } from "./api-client.ts";
import { ApiError, NoMatchError } from "./api-error.ts";
import { type Autonaming, isAutonamed, withName } from "./autoname.ts";
import { NotReadyError, awaitReady, problemsOf } from "./await-ready.ts";
import { adoptedManagedFields, withIgnoredChanges } from "./field-managers.ts";
import { followObject } from "./follow-object.ts";
import {
  type Fields,
  annotationOf,
  isFields,
  nameOf,
  namespaceOf,
  textAt,
  withValueAt,
  without,
} from "./kubernetes-object.ts";
import {
  importedInputs,
  liveInputs,
  readCheckpoint,
  withoutServerFields,
  writeCheckpoint,
} from "./live-state.ts";
import { type Change, diffObjects, replacingPaths } from "./object-diff.ts";
import { conceal, hasUnknown, reveal } from "./property-values.ts";
import { type ProviderConfig, defaultNamespace, loadKubeConfig } from "./provider-config.ts";
import { defaultTimeoutMs, readinessRule } from "./readiness/rules.ts";
import { type ResourceType, resourceType, unknownParts } from "./resource-type.ts";

/** Creates that find no namespace or no kind are tried this often more: it may come in this update. */
const createRetries = 5;
const firstRetryDelayMs = 250;
/** Provider v4 waits this long for a deletion where nothing else is said, in ms. */
const deleteTimeoutMs = 300_000;

const conflictHelp =
  "https://www.pulumi.com/registry/packages/kubernetes/how-to-guides/" +
  "managing-resources-with-server-side-apply/#handle-field-conflicts-on-existing-resources";

/** The resource a call is about. */
export interface Target {
  readonly urn: string;
  readonly type: string;
  readonly name: string;
}

/** How an operation is bounded and told. */
export interface Effort {
  readonly preview: boolean;
  /** From the option `customTimeouts`, in s; 0 for none. */
  readonly timeoutSeconds: number;
  readonly signal: AbortSignal;
  readonly log: (severity: "info" | "warning", message: string, isStatus: boolean) => void;
}

/** A resource as the engine is told it. */
export interface Outcome {
  /** `namespace/name`, or `name`; "" in a preview or when it is gone. */
  readonly id: string;
  readonly properties: Fields;
  readonly inputs: Fields;
}

/** The object was written, but something about it is not as it must be. */
export class PartialFailure extends Error {
  override readonly name = "PartialFailure";
  readonly outcome: Outcome;
  readonly reasons: readonly string[];

  constructor(outcome: Outcome, message: string, errors: readonly string[]) {
    super(message);
    this.outcome = outcome;
    this.reasons = [message, ...errors];
  }
}

/** One configured provider. */
export class KubernetesProvider {
  readonly #config: ProviderConfig;
  readonly #api: ApiClient;
  readonly #defaultNamespace: string;
  readonly #settleMs: number;

  /** @param settleMs how long the Endpoints of a Service must not change before it counts as ready */
  constructor(config: ProviderConfig, settleMs: number) {
    const kubeConfig = loadKubeConfig(config);
    this.#config = config;
    this.#api = new ApiClient(kubeConfig);
    this.#defaultNamespace = defaultNamespace(config, kubeConfig);
    this.#settleMs = settleMs;
  }

  /** The inputs with name and namespace, and what is wrong with them. */
  async check(
    target: Target,
    old: Fields | undefined,
    news: Fields,
    autonaming: Autonaming | undefined,
    seed: Uint8Array,
  ): Promise<{ readonly inputs: Fields; readonly failures: readonly string[] }> {
    const object = withoutServerFields(reveal(news));
    const type = resourceType(target.type, object);
    const failures = unknownParts(type, object);
    if (failures.length > 0) return { inputs: news, failures };
    if (type.isPatch && nameOf(object) === "" && !hasUnknown(object)) {
      throw new Error("patch resources require the `.metadata.name` field to be set");
    }
    const typed = { ...object, apiVersion: type.apiVersion, kind: type.kind };
    const named = withName(typed, old && reveal(old), target.name, autonaming, seed);
    const placed = await this.#withNamespace(type, named);
    return { inputs: conceal(placed, news), failures };
  }

  diff(
    target: Target,
    state: Fields,
    news: Fields,
    ignored: readonly string[],
  ): { readonly changes: readonly Change[]; readonly deleteBeforeReplace: boolean } {
    const before = readCheckpoint(reveal(state));
    const after = reveal(news);
    const type = resourceType(target.type, after);
    const replacing = replacingPaths(type, this.#config);
    const changes = diffObjects(withoutServerFields(before.inputs), after, replacing, ignored);
    // The new object would have the old one's name, so the old one has to go first.
    const isSameObject =
      !isAutonamed(after) &&
      nameOf(after) === nameOf(before.live) &&
      namespaceOf(after) === namespaceOf(before.live);
    return {
      changes,
      deleteBeforeReplace: isSameObject && changes.some(({ replaces }) => replaces),
    };
  }

  /** @throws PartialFailure when the object exists but is not ready */
  async create(target: Target, inputs: Fields, effort: Effort): Promise<Outcome> {
    const object = reveal(inputs);
    const type = resourceType(target.type, object);
    // Told before anything exists: a rule that is missing or that cannot be read.
    const rule = readinessRule(object);
    const asIs = { id: "", properties: inputs, inputs };
    if (effort.preview && (hasUnknown(object) || type.isPatch || !(await this.#isServed(object)))) {
      return asIs;
    }
    const manager = this.#fieldManager(object, "");
    let created: Fields;
    try {
      created = await this.#createObject(type, object, manager, effort);
    } catch (error) {
      if (effort.preview && isFineInPreview(error)) return asIs;
      if (error instanceof NoMatchError) {
        throw new Error(
          `creation of resource "${target.urn}" with kind ${type.apiVersion}/${type.kind} failed because the Kubernetes API server reported that the apiVersion for this resource does not exist. Verify that any required CRDs have been created: ${error.message}`,
          { cause: error },
        );
      }
      throw new Error(
        `resource "${target.urn}" was not successfully created by the Kubernetes API server: ${reasonOf(error, manager)}`,
        { cause: error },
      );
    }
    const outcome = (live: Fields): Outcome => outcomeOf(live, object, inputs, manager);
    if (effort.preview) return { ...outcome(without(created, "status")), id: "" };
    if (rule === undefined) return outcome(created);
    return await this.#whenReady(object, created, effort, outcome, (reason) => {
      return `resource "${target.urn}" was successfully created, but the Kubernetes API server reported that it failed to fully initialize or become live: ${reason}`;
    });
  }

  /** @throws PartialFailure when the object is not ready, or when the update was refused */
  async update(
    target: Target,
    state: Fields,
    inputs: Fields,
    ignored: readonly string[],
    effort: Effort,
  ): Promise<Outcome> {
    const object = reveal(inputs);
    const type = resourceType(target.type, object);
    const rule = readinessRule(object);
    const asIs = { id: "", properties: inputs, inputs };
    if (effort.preview && (hasUnknown(object) || !(await this.#isServed(object)))) return asIs;
    const before = readCheckpoint(reveal(state));
    const oldManager = this.#fieldManager(before.inputs, before.fieldManager);
    const manager = this.#fieldManager(object, before.fieldManager);
    const outcome = (live: Fields): Outcome => outcomeOf(live, object, inputs, manager);
    let updated: Fields;
    try {
      updated = await this.#updateObject(type, object, manager, ignored, effort);
      if (!effort.preview && oldManager !== manager) await this.#relinquish(updated, oldManager);
    } catch (error) {
      if (effort.preview && error instanceof ApiError && error.code === 403) return asIs;
      throw await this.#updateFailure(target, before.live, error, manager, outcome);
    }
    if (effort.preview || rule === undefined) return outcome(updated);
    return await this.#whenReady(object, updated, effort, outcome, (reason) => {
      return `the Kubernetes API server reported that "${idOf(updated)}" failed to fully initialize or become live: ${reason}`;
    });
  }

  /**
   * The live object; id "" when it is gone.
   *
   * @param inputs those of the state; undefined for a resource that is only now taken in
   * @throws PartialFailure when the object is not ready
   */
  async read(
    target: Target,
    id: string,
    state: Fields,
    inputs: Fields | undefined,
  ): Promise<Outcome> {
    const old = reveal(inputs ?? {});
    const type = resourceType(target.type, old);
    const [name, namespace] = id.split("/").reverse();
    const metadata = { name, ...(namespace === undefined ? {} : { namespace }) };
    const sought = { apiVersion: type.apiVersion, kind: type.kind, metadata };
    const live = await this.#get(sought);
    if (live === undefined) return { id: "", properties: {}, inputs: {} };
    const { fieldManager } = readCheckpoint(reveal(state));
    const isTakenIn = Object.keys(old).length === 0;
    const known = isTakenIn ? importedInputs(live) : liveInputs(live, old);
    const manager = this.#fieldManager(known, fieldManager);
    const outcome = { ...outcomeOf(live, known, inputs ?? {}, manager), id };
    const rule = isTakenIn ? undefined : readinessRule(known);
    if (rule === undefined) return outcome;
    const partner = rule.companion?.(live);
    const companion = partner && (await this.#get({ ...live, ...partner }));
    const verdict = rule.verdict(live, companion);
    if (verdict.ready) return outcome;
    throw new PartialFailure(
      outcome,
      `Resource '${nameOf(live)}' was created but failed to initialize`,
      [...verdict.errors, ...(await problemsOf({ api: this.#api, rule }, live))],
    );
  }

  /** Resolves when the object is gone. @throws PartialFailure when it is still there at the bound */
  async delete(target: Target, id: string, state: Fields, effort: Effort): Promise<void> {
    const { live, inputs, fieldManager } = readCheckpoint(reveal(state));
    const type = resourceType(target.type, inputs);
    const [name, namespace] = id.split("/").reverse();
    const object = withValueAt(
      { ...live, apiVersion: type.apiVersion, kind: type.kind },
      ["metadata"],
      { name, ...(namespace === undefined ? {} : { namespace }) },
    );
    try {
      if (type.isPatch) return await this.#relinquish(object, fieldManager);
      const collection = await this.#api.collectionOf(object);
      const path = `${collection}/${name}`;
      const policy = annotationOf(inputs, "pulumi.com/deletionPropagationPolicy");
      await this.#api.request({
        method: "DELETE",
        path,
        body: {
          apiVersion: "v1",
          kind: "DeleteOptions",
          propagationPolicy: propagationPolicies[policy.toLowerCase()] ?? "Foreground",
        },
      });
      if (annotationOf(inputs, "pulumi.com/skipAwait") === "true" && isWorkload(type)) return;
      const bound = timeoutMs(
        inputs,
        effort,
        isWorkload(type) ? defaultTimeoutMs : deleteTimeoutMs,
      );
      await this.#untilGone(collection, object, bound, effort);
    } catch (error) {
      if (error instanceof NoMatchError || isNotFound(error)) return;
      if (!(error instanceof NotReadyError)) throw error;
      throw new PartialFailure(
        outcomeOf(error.live, inputs, state, fieldManager),
        error.message,
        error.errors,
      );
    }
  }

  async #withNamespace(type: ResourceType, object: Fields): Promise<Fields> {
    const metadata = object["metadata"];
    if (namespaceOf(object) !== "" || hasUnknown(without({ metadata }, "metadata", "labels"))) {
      return object;
    }
    try {
      if (!(await this.#api.isNamespaced(type.apiVersion, type.kind))) return object;
    } catch (error) {
      // Most likely a custom resource whose definition comes in this update; most are namespaced.
      if (!(error instanceof NoMatchError)) throw error;
    }
    return withValueAt(object, ["metadata", "namespace"], this.#defaultNamespace);
  }

  async #isServed(object: Fields): Promise<boolean> {
    try {
      await this.#api.collectionOf(object);
      return true;
    } catch (error) {
      if (error instanceof NoMatchError) return false;
      throw error;
    }
  }

  async #get(object: Fields): Promise<Fields | undefined> {
    try {
      const collection = await this.#api.collectionOf(object);
      return await this.#api.object({ method: "GET", path: `${collection}/${nameOf(object)}` });
    } catch (error) {
      if (error instanceof NoMatchError || isNotFound(error)) return undefined;
      throw error;
    }
  }

  async #createObject(
    type: ResourceType,
    object: Fields,
    manager: string,
    effort: Effort,
  ): Promise<Fields> {
    for (let retry = 0; ; retry += 1) {
      try {
        if (type.isPatch || this.#config.upsertExistingObjects) {
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

  async #updateObject(
    type: ResourceType,
    object: Fields,
    manager: string,
    ignored: readonly string[],
    effort: Effort,
  ): Promise<Fields> {
    const path = `${await this.#api.collectionOf(object)}/${nameOf(object)}`;
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
      this.#config.enablePatchForce ||
      annotationOf(object, "pulumi.com/patchForce") === "true";
    return await this.#api.object({
      method: "PATCH",
      path: `${await this.#api.collectionOf(object)}/${nameOf(object)}`,
      query: { fieldManager: manager, force: String(force), ...writeQuery(isDryRun) },
      contentType: "application/apply-patch+yaml",
      body: object,
    });
  }

  /** Gives up every field that the manager owns; fields that nobody else owns go away. */
  async #relinquish(object: Fields, manager: string): Promise<void> {
    const { name, namespace } = { name: nameOf(object), namespace: namespaceOf(object) };
    const bare = {
      apiVersion: object["apiVersion"],
      kind: object["kind"],
      metadata: { name, ...(namespace === "" ? {} : { namespace }) },
    };
    if ((await this.#get(bare)) !== undefined) await this.#apply(bare, manager, false, true);
  }

  async #updateFailure(
    target: Target,
    live: Fields,
    error: unknown,
    manager: string,
    outcome: (live: Fields) => Outcome,
  ): Promise<Error> {
    const reason = reasonOf(error, manager);
    const now = error instanceof NoMatchError ? undefined : await this.#get(live);
    if (now === undefined) {
      return new Error(`update of resource "${target.urn}" failed: ${reason}`, { cause: error });
    }
    return new PartialFailure(
      outcome(now),
      `the Kubernetes API server reported that "${idOf(now)}" failed to fully initialize or become live: ${reason}`,
      [],
    );
  }

  async #whenReady(
    inputs: Fields,
    object: Fields,
    effort: Effort,
    outcome: (live: Fields) => Outcome,
    words: (reason: string) => string,
  ): Promise<Outcome> {
    const rule = readinessRule(inputs);
    if (rule === undefined) return outcome(object);
    let last = "";
    try {
      const live = await awaitReady({
        api: this.#api,
        object,
        rule,
        timeoutMs: timeoutMs(inputs, effort, defaultTimeoutMs),
        settleMs: this.#settleMs,
        signal: effort.signal,
        onWait: (message, severity) => {
          if (message !== last) effort.log(severity, message, true);
          last = message;
        },
      });
      return outcome(live);
    } catch (error) {
      if (!(error instanceof NotReadyError)) throw error;
      throw new PartialFailure(outcome(error.live), words(error.message), error.errors);
    }
  }

  async #untilGone(
    collection: string,
    object: Fields,
    boundMs: number,
    effort: Effort,
  ): Promise<void> {
    const first = await this.#get(object);
    if (first === undefined) return;
    const uid = textAt(first, "metadata", "uid");
    const stop = AbortSignal.any([effort.signal, AbortSignal.timeout(boundMs)]);
    const gone = new AbortController();
    let last: Fields = first;
    const follow = AbortSignal.any([stop, gone.signal]);
    await followObject(this.#api, collection, nameOf(object), follow, (seen) => {
      if (seen === undefined || textAt(seen, "metadata", "uid") !== uid) gone.abort();
      else last = seen;
    });
    if (gone.signal.aborted) return;
    const what = `${String(object["apiVersion"])}/${String(object["kind"])} "${nameOf(object)}"`;
    throw effort.signal.aborted
      ? new NotReadyError(`Resource operation was cancelled for "${nameOf(object)}"`, [], last)
      : new NotReadyError(
          `'${nameOf(object)}' timed out waiting to be deleted`,
          [`Timed out waiting for deletion of ${what}`],
          last,
        );
  }

  #fieldManager(inputs: Fields, known: string): string {
    const chosen = annotationOf(inputs, "pulumi.com/patchFieldManager");
    return chosen || known || `pulumi-kubernetes-${randomBytes(4).toString("hex")}`;
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

function outcomeOf(live: Fields, object: Fields, inputs: Fields, manager: string): Outcome {
  const concealed = conceal(object, inputs);
  const properties = writeCheckpoint({
    live: conceal(live, withEncodedData(live, inputs)),
    inputs: concealed,
    fieldManager: manager,
  });
  return { id: idOf(live), properties, inputs: concealed };
}

/** A Secret's `stringData` comes back in `data`, which is then as secret. */
function withEncodedData(live: Fields, inputs: Fields): Fields {
  const { stringData, data } = inputs;
  if (live["kind"] !== "Secret" || stringData === undefined) return inputs;
  if (!isFields(stringData) || !isFields(data ?? {})) return { ...inputs, data: stringData };
  return { ...inputs, data: { ...stringData, ...(isFields(data) ? data : {}) } };
}

function idOf(object: Fields): string {
  const namespace = namespaceOf(object);
  return namespace === "" ? nameOf(object) : `${namespace}/${nameOf(object)}`;
}

function isNotFound(error: unknown): boolean {
  return error instanceof ApiError && error.code === 404;
}

/** What a dry run cannot know: an object that is replaced, a namespace that comes in this update. */
function isFineInPreview(error: unknown): boolean {
  return (
    error instanceof ApiError &&
    (error.reason === "AlreadyExists" ||
      error.reason === "Forbidden" ||
      error.isNamespaceMissing ||
      error.isImmutableField)
  );
}

function reasonOf(error: unknown, manager: string): string {
  if (error instanceof ApiError && error.isFieldConflict) {
    return (
      `Server-Side Apply field conflict detected. See ${conflictHelp} for troubleshooting help.\n` +
      `The resource managed by field manager "${manager}" had an apply conflict: ${error.message}`
    );
  }
  return error instanceof Error ? error.message : String(error);
}

function timeoutMs(inputs: Fields, effort: Effort, defaultMs: number): number {
  if (effort.timeoutSeconds > 0) return effort.timeoutSeconds * 1_000;
  const seconds = annotationOf(inputs, "pulumi.com/timeoutSeconds");
  return seconds === "" ? defaultMs : Number(seconds) * 1_000;
}

/** Kinds whose deletion `skipAwait` does not wait for, as in provider v4. */
const workloads = new Set([
  "apps/v1/DaemonSet",
  "apps/v1/Deployment",
  "apps/v1/StatefulSet",
  "batch/v1/Job",
  "v1/Namespace",
  "v1/Pod",
]);

function isWorkload(type: ResourceType): boolean {
  return workloads.has(`${type.apiVersion}/${type.kind}`);
}
