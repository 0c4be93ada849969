import { randomUUID } from "node:crypto";
import { z } from "zod";
import type { KubernetesStoreLocation } from "../../infra/contract.ts";
import type { Command } from "../core/decide.ts";
import type { RolloutRecord } from "../core/state.ts";
import { UserError } from "../errors.ts";
import type { LockHolder, LockResult, StateStore } from "../ports.ts";
import { hint, KubernetesApi, KubernetesApiError } from "./kubernetes-api.ts";
import { KubernetesLease } from "./kubernetes-lease.ts";
import { patiently } from "./kubernetes-patience.ts";
import {
  contentSchema,
  packRecord,
  unpackRecord,
  type ConfigMapContent,
} from "./kubernetes-record.ts";
import { parseRecord } from "./record-schema.ts";

const commandKey = "command.json";
/** Times that a write is tried again because others were faster. */
const attemptsMax = 20;

const configMapSchema = contentSchema.extend({
  metadata: z.object({ resourceVersion: z.string() }),
});
type ConfigMap = z.infer<typeof configMapSchema>;

const commandSchema = z.strictObject({
  command: z.enum(["promote", "promoteFull", "rollback"]),
  /** Tells one giving of the command from the next. */
  token: z.uuid(),
});

/** The record as it was last read or written: its version, and what it held. Null: there was none. */
type Known = { readonly version: string; readonly text: string | null } | null;

/**
 * The record and the command of one service as ConfigMaps (`NAME` and `NAME-command`), the lock as a Lease (`NAME`),
 * in the service's namespace. A write names the version that it was made from, so one that was made from an
 * old version is refused and never undoes what another driver saved. While this process holds the lock, a server
 * that is away is asked again until the lock is lost; without it, the first failure is told.
 */
export class KubernetesStore implements StateStore {
  readonly #location: KubernetesStoreLocation;
  readonly #api: KubernetesApi;
  #lock: KubernetesLease | null = null;
  /** Undefined: not looked yet. */
  #known: Known | undefined;
  /** The command that was read last, which is the one to clear. */
  #commandRead: { readonly version: string } | null = null;

  /** Asks the cluster nothing yet. Throws a UserError when there is no usable kubeconfig. */
  constructor(location: KubernetesStoreLocation) {
    this.#location = location;
    this.#api = KubernetesApi.open(location.cluster);
  }

  async load(): Promise<RolloutRecord | null> {
    this.#known = await this.#look();
    const text = this.#known?.text ?? null;
    if (text === null) return null;
    const toGoOn =
      `To go on without it: kubectl delete configmap -n ${this.#location.namespace} ${this.#recordName}, ` +
      "then run the command again; upramp then takes what the stack shows as it is.";
    return parseRecord(text, this.#nameOf(this.#recordName), toGoOn);
  }

  async save(record: RolloutRecord): Promise<void> {
    const content = packRecord(record);
    const text = unpackRecord(content, this.#nameOf(this.#recordName));
    await this.#whileHeld(async (signal) => {
      if (this.#lock !== null && !(await this.#lock.check())) throw this.#lost(this.#lock);
      for (let attempts = 0; attempts < attemptsMax; attempts += 1) {
        if (this.#known === undefined) this.#known = await this.#look(signal);
        const before: Known = this.#known;
        const version = before?.version ?? null;
        const written = await this.#write(this.#recordName, content, version, signal);
        if (written !== null) {
          this.#known = { version: written.metadata.resourceVersion, text };
          return;
        }
        const now = await this.#look(signal);
        // deleted by hand, or only its metadata touched: nobody has saved anything that this would undo
        const isUntouched = now === null || now.text === (before?.text ?? null);
        // the answer to an earlier try was lost
        if (!isUntouched && now.text !== text) break;
        this.#known = now;
        if (now?.text === text) return;
      }
      throw new UserError(
        `${this.#nameOf(this.#recordName)} was changed by somebody else since this process read it; nothing was ` +
          "saved. Run `upramp status` to see who drives, then run the command again.",
      );
    });
  }

  async lock(): Promise<LockResult> {
    const result = await KubernetesLease.take(this.#api, this.#leasePlace);
    if (result.kind === "locked") this.#lock = result.lock;
    return result;
  }

  holder(): Promise<LockHolder | null> {
    return KubernetesLease.holder(this.#api, this.#leasePlace);
  }

  async sendCommand(command: Command): Promise<void> {
    const left: z.infer<typeof commandSchema> = { command, token: randomUUID() };
    const content = { data: { [commandKey]: JSON.stringify(left) }, binaryData: {} };
    for (let attempts = 0; attempts < attemptsMax; attempts += 1) {
      const before = await this.#read(this.#commandName);
      const version = before?.metadata.resourceVersion ?? null;
      // the last one that is given is the one that counts
      if ((await this.#write(this.#commandName, content, version)) !== null) return;
    }
    throw new UserError(
      `${this.#nameOf(this.#commandName)} was changed by others ${attemptsMax} times in a row: see what writes to it, ` +
        "then give the command again",
    );
  }

  async readCommand(): Promise<Command | null> {
    this.#commandRead = null;
    const found = await this.#whileHeld((signal) => this.#read(this.#commandName, signal));
    const text = found?.data[commandKey];
    if (found === null || text === undefined) return null;
    const { command } = this.#parseCommand(text);
    this.#commandRead = { version: found.metadata.resourceVersion };
    return command;
  }

  /** A command that was left after the last read stays. */
  async clearCommand(): Promise<void> {
    const read = this.#commandRead;
    if (read === null) return;
    const nothing = { data: {}, binaryData: {} };
    await this.#whileHeld((signal) =>
      this.#write(this.#commandName, nothing, read.version, signal),
    );
    this.#commandRead = null;
  }

  /** With patience while this process drives; at once otherwise. */
  async #whileHeld<T>(attempt: (signal?: AbortSignal) => Promise<T>): Promise<T> {
    const lock = this.#lock;
    if (lock === null) return attempt();
    return patiently(lock.lost, attempt);
  }

  #lost({ lost }: KubernetesLease): UserError {
    // set by the Lease to an error that says how
    const how = lost.reason instanceof Error ? lost.reason.message : "the lock was lost";
    return new UserError(
      `${how}; nothing more is saved or changed. Run \`upramp status\` to see who drives now.`,
    );
  }

  get #recordName(): string {
    return this.#location.name;
  }

  get #commandName(): string {
    return `${this.#location.name}-command`;
  }

  get #leasePlace(): { readonly namespace: string; readonly name: string } {
    return { namespace: this.#location.namespace, name: this.#location.name };
  }

  #nameOf(name: string): string {
    return `ConfigMap ${this.#location.namespace}/${name}`;
  }

  #parseCommand(text: string): z.infer<typeof commandSchema> {
    try {
      return commandSchema.parse(JSON.parse(text));
    } catch (error) {
      const { namespace } = this.#location;
      throw new UserError(
        `${this.#nameOf(this.#commandName)} holds no command of this upramp's. Remove it with ` +
          `\`kubectl delete configmap -n ${namespace} ${this.#commandName}\`, then give the command again.`,
        { cause: error },
      );
    }
  }

  async #look(signal?: AbortSignal): Promise<Known> {
    const found = await this.#read(this.#recordName, signal);
    if (found === null) return null;
    const text = unpackRecord(found, this.#nameOf(this.#recordName));
    return { version: found.metadata.resourceVersion, text };
  }

  async #read(name: string, signal?: AbortSignal): Promise<ConfigMap | null> {
    const found = await this.#api.get(this.#path(name), signal);
    return found === null ? null : configMapSchema.parse(found);
  }

  /** Creates the ConfigMap (version null) or replaces exactly that version; null when somebody else was faster. */
  async #write(
    name: string,
    content: ConfigMapContent,
    version: string | null,
    signal?: AbortSignal,
  ): Promise<ConfigMap | null> {
    const { namespace } = this.#location;
    const object = {
      apiVersion: "v1",
      kind: "ConfigMap",
      metadata: {
        namespace,
        name,
        labels: { "app.kubernetes.io/managed-by": "upramp" },
        ...(version === null ? {} : { resourceVersion: version }),
      },
      ...content,
    };
    try {
      const answer =
        version === null
          ? await this.#api.request("POST", this.#path(), object, signal)
          : await this.#api.request("PUT", this.#path(name), object, signal);
      return configMapSchema.parse(answer);
    } catch (error) {
      if (!(error instanceof KubernetesApiError)) throw error;
      // 404 at a replacement: deleted meanwhile; at a creation: there is no such namespace
      if (error.code === 409 || (error.code === 404 && version !== null)) return null;
      throw new UserError(`cannot write ${this.#nameOf(name)}: ${error.message}${hint(error)}`);
    }
  }

  #path(name?: string): string {
    const collection = `/api/v1/namespaces/${this.#location.namespace}/configmaps`;
    return name === undefined ? collection : `${collection}/${name}`;
  }
}
