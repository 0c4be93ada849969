import { randomBytes } from "node:crypto";
import { type ApiClient, apiClientFor } from "./api-client.ts";
import { ApiError, NoMatchError } from "./api-error.ts";
import { type Autonaming, isAutonamed, withName } from "./autoname.ts";
import { NotReadyError, awaitReady, problemsOf } from "./await-ready.ts";
import {
  type Fields,
  annotationOf,
  at,
  nameOf,
  namespaceOf,
  withValueAt,
  without,
} from "./kubernetes-object.ts";
import { importedInputs, liveInputs, readCheckpoint, withoutServerFields } from "./live-state.ts";
import { type Change, diffObjects, replacingPaths } from "./object-diff.ts";
import { type Effort, ObjectWriter } from "./object-writer.ts";
import { type Outcome, PartialFailure, idOf, outcomeOf } from "./outcome.ts";
import { conceal, hasUnknown, reveal, unknownValue } from "./property-values.ts";
import { type ProviderConfig, defaultNamespace, loadKubeConfig } from "./provider-config.ts";
import { defaultTimeoutMs, readinessRule } from "./readiness/rules.ts";
import { isFineInPreview, isNotFound, reasonOf } from "./request-failure.ts";
import { type ResourceType, resourceType, unknownParts } from "./resource-type.ts";

/** Provider v4 waits this long for a deletion where nothing else is said, in ms. */
const deleteTimeoutMs = 300_000;

/** The resource a call is about. */
export interface Target {
  readonly urn: string;
  readonly type: string;
  readonly name: string;
}

/** One configured provider. */
export class KubernetesProvider {
  readonly #config: ProviderConfig;
  readonly #api: ApiClient;
  readonly #writer: ObjectWriter;
  readonly #defaultNamespace: string;
  readonly #settleMs: number;

  /** @param settleMs how long the Endpoints of a Service must not change before it counts as ready */
  constructor(config: ProviderConfig, settleMs: number) {
    const kubeConfig = loadKubeConfig(config);
    this.#config = config;
    this.#api = apiClientFor(kubeConfig);
    this.#writer = new ObjectWriter(this.#api, config);
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
    if (
      effort.preview &&
      (hasUnknown(object) || type.isPatch || !(await this.#writer.isServed(object)))
    ) {
      return asIs;
    }
    const manager = this.#fieldManager(object, "");
    let created: Fields;
    try {
      created = await this.#writer.create(type, object, manager, effort);
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
    if (effort.preview && (hasUnknown(object) || !(await this.#writer.isServed(object))))
      return asIs;
    const before = readCheckpoint(reveal(state));
    const oldManager = this.#fieldManager(before.inputs, before.fieldManager);
    const manager = this.#fieldManager(object, before.fieldManager);
    const outcome = (live: Fields): Outcome => outcomeOf(live, object, inputs, manager);
    let updated: Fields;
    try {
      updated = await this.#writer.update(type, object, manager, ignored, effort);
      if (!effort.preview && oldManager !== manager)
        await this.#writer.relinquish(updated, oldManager);
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
    const live = await this.#writer.get(sought);
    if (live === undefined) return { id: "", properties: {}, inputs: {} };
    const { fieldManager } = readCheckpoint(reveal(state));
    const isTakenIn = Object.keys(old).length === 0;
    const known = isTakenIn ? importedInputs(live) : liveInputs(live, old);
    const manager = this.#fieldManager(known, fieldManager);
    const outcome = { ...outcomeOf(live, known, inputs ?? {}, manager), id };
    const rule = isTakenIn ? undefined : readinessRule(known);
    if (rule === undefined) return outcome;
    const partner = rule.companion?.(live);
    const companion = partner && (await this.#writer.get({ ...live, ...partner }));
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
      if (type.isPatch) return await this.#writer.relinquish(object, fieldManager);
      await this.#writer.delete(
        object,
        annotationOf(inputs, "pulumi.com/deletionPropagationPolicy"),
      );
      if (annotationOf(inputs, "pulumi.com/skipAwait") === "true" && isWorkload(type)) return;
      const bound = timeoutMs(
        inputs,
        effort,
        isWorkload(type) ? defaultTimeoutMs : deleteTimeoutMs,
      );
      await this.#writer.untilGone(object, bound, effort.signal);
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
    if (at(object, "metadata", "namespace") !== undefined || object["metadata"] === unknownValue) {
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

  async #updateFailure(
    target: Target,
    live: Fields,
    error: unknown,
    manager: string,
    outcome: (live: Fields) => Outcome,
  ): Promise<Error> {
    const reason = reasonOf(error, manager);
    const now = error instanceof NoMatchError ? undefined : await this.#writer.get(live);
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

  #fieldManager(inputs: Fields, known: string): string {
    const chosen = annotationOf(inputs, "pulumi.com/patchFieldManager");
    return chosen || known || `pulumi-kubernetes-${randomBytes(4).toString("hex")}`;
  }
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
