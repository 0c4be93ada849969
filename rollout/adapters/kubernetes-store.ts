import { randomUUID } from "node:crypto";
import { z } from "zod";
import type { KubernetesStoreLocation } from "../../infra/contract.ts";
import type { Command } from "../core/decide.ts";
import type { RolloutRecord } from "../core/state.ts";
import { UserError } from "../errors.ts";
import type { LockHolder, LockResult, StateStore } from "../ports.ts";
import { KubernetesApi, KubernetesApiError } from "./kubernetes-api.ts";
import { KubernetesLease } from "./kubernetes-lease.ts";
import { parseRecord } from "./record-schema.ts";

const recordKey = "record.json";
const commandKey = "command.json";

const configMapSchema = z.object({
  metadata: z.object({ resourceVersion: z.string() }),
  data: z.record(z.string(), z.string()).default({}),
});
type ConfigMap = z.infer<typeof configMapSchema>;

const commandSchema = z.strictObject({
  command: z.enum(["promote", "promoteFull", "rollback"]),
  /** Tells one giving of the command from the next. */
  token: z.uuid(),
});

/**
 * The record and the command of one service as ConfigMaps (`NAME` and `NAME-command`), the lock as a Lease (`NAME`),
 * in the service's namespace. A write names the version that it was made from, so one that was made from an
 * old version is refused and never undoes what another driver saved.
 */
export class KubernetesStore implements StateStore {
  readonly #location: KubernetesStoreLocation;
  readonly #api: KubernetesApi;
  #lock: KubernetesLease | null = null;
  /** Version of the record that was read or written last; null: there is none; undefined: not looked yet. */
  #version: string | null | undefined;
  /** The command that was read last, which is the one to clear. */
  #commandRead: { readonly version: string } | null = null;

  /** Asks the cluster nothing yet. Throws a UserError when there is no usable kubeconfig. */
  constructor(location: KubernetesStoreLocation) {
    this.#location = location;
    this.#api = KubernetesApi.open(location.cluster);
  }

  async load(): Promise<RolloutRecord | null> {
    const found = await this.#read(this.#recordName);
    this.#version = found?.metadata.resourceVersion ?? null;
    const text = found?.data[recordKey];
    if (text === undefined) return null;
    const place = this.#nameOf(this.#recordName);
    const toGoOn =
      `To go on without it: kubectl delete configmap -n ${this.#location.namespace} ${this.#recordName}, ` +
      "then run the command again; upramp then takes what the stack shows as it is.";
    return parseRecord(text, place, toGoOn);
  }

  async save(record: RolloutRecord): Promise<void> {
    if (this.#lock !== null && !(await this.#lock.check())) {
      throw new UserError(
        `Lease ${this.#location.namespace}/${this.#recordName} was lost while this process drove; nothing more is ` +
          "saved or changed. Run `upramp status` to see who drives now.",
      );
    }
    if (this.#version === undefined) {
      this.#version = (await this.#read(this.#recordName))?.metadata.resourceVersion ?? null;
    }
    const text = JSON.stringify(record);
    const written = await this.#write(this.#recordName, { [recordKey]: text }, this.#version);
    if (written === null) {
      throw new UserError(
        `${this.#nameOf(this.#recordName)} was changed by somebody else since this process read it; nothing was ` +
          "saved. Run `upramp status` to see who drives, then run the command again.",
      );
    }
    this.#version = written.metadata.resourceVersion;
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
    const content: z.infer<typeof commandSchema> = { command, token: randomUUID() };
    const data = { [commandKey]: JSON.stringify(content) };
    for (;;) {
      const before = await this.#read(this.#commandName);
      const version = before?.metadata.resourceVersion ?? null;
      // the last one that is given is the one that counts
      if ((await this.#write(this.#commandName, data, version)) !== null) return;
    }
  }

  async readCommand(): Promise<Command | null> {
    this.#commandRead = null;
    const found = await this.#read(this.#commandName);
    const text = found?.data[commandKey];
    if (found === null || text === undefined) return null;
    const { command } = this.#parseCommand(text);
    this.#commandRead = { version: found.metadata.resourceVersion };
    return command;
  }

  /** A command that was left after the last read stays. */
  async clearCommand(): Promise<void> {
    if (this.#commandRead === null) return;
    await this.#write(this.#commandName, {}, this.#commandRead.version);
    this.#commandRead = null;
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

  async #read(name: string): Promise<ConfigMap | null> {
    const found = await this.#api.get(this.#path(name));
    return found === null ? null : configMapSchema.parse(found);
  }

  /** Creates the ConfigMap (version null) or replaces exactly that version; null when somebody else was faster. */
  async #write(
    name: string,
    data: Readonly<Record<string, string>>,
    version: string | null,
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
      data,
    };
    try {
      const answer =
        version === null
          ? await this.#api.request("POST", this.#path(), object)
          : await this.#api.request("PUT", this.#path(name), object);
      return configMapSchema.parse(answer);
    } catch (error) {
      if (!(error instanceof KubernetesApiError)) throw error;
      // 404 at a replacement: deleted meanwhile; at a creation: there is no such namespace
      if (error.code === 409 || (error.code === 404 && version !== null)) return null;
      throw new UserError(`cannot write ${this.#nameOf(name)}: ${error.message}`, { cause: error });
    }
  }

  #path(name?: string): string {
    const collection = `/api/v1/namespaces/${this.#location.namespace}/configmaps`;
    return name === undefined ? collection : `${collection}/${name}`;
  }
}
