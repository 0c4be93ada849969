import { mkdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import type {
  V1Container,
  V1DownwardAPIVolumeFile,
  V1HostAlias,
  V1KeyToPath,
  V1Volume,
  V1VolumeProjection,
} from "@kubernetes/client-node";
import { findClaim, findConfigMap, findSecret, type KubeletApi } from "./api.ts";
import { podField, type PodFacts } from "./environment.ts";
import type { Mount } from "./mount-view.ts";
import { podKey } from "./pod-key.ts";

/** A volume cannot be set up yet. The node reports FailedMount with this message and tries again. */
export class VolumeError extends Error {}

/** No volume has such a name, as they cannot have a dot first. */
const hostsFile = ".hosts";

type Files = Map<string, Buffer>;

/**
 * The volumes of one pod as folders below `folder`. ConfigMaps, Secrets and projected volumes have
 * the layout of a real node, files as links through `..data`, so that a refresh swaps all at once.
 */
export class PodVolumes {
  readonly #api: KubeletApi;
  readonly #facts: PodFacts;
  readonly #folder: string;
  readonly #written = new Map<string, string>();
  /** Where claimed volumes are, by the names that the pod gives them. */
  readonly #claimed = new Map<string, string>();
  #generation = 0;

  constructor(api: KubeletApi, facts: PodFacts, folder: string) {
    this.#api = api;
    this.#facts = facts;
    this.#folder = folder;
  }

  /** Makes all volumes. @throws VolumeError when one cannot be made yet */
  async setUp(): Promise<void> {
    this.#writeHosts();
    for (const volume of this.#volumes()) await this.#setUpOne(volume);
  }

  /** Brings the files of ConfigMaps and Secrets up to date, as a node does about once a minute. */
  async refresh(): Promise<void> {
    for (const volume of this.#volumes()) {
      const refreshable = volume.configMap ?? volume.secret ?? volume.projected;
      if (refreshable !== undefined) await this.#setUpOne(volume);
    }
  }

  /** Whether a refresh can change anything. */
  get isRefreshable(): boolean {
    return this.#volumes().some(
      (volume) =>
        volume.configMap !== undefined ||
        volume.secret !== undefined ||
        // Every pod has a token volume; its token lasts longer than the pod.
        (volume.projected !== undefined && !volume.name.startsWith("kube-api-access-")),
    );
  }

  /** The mounts a container declares. */
  mountsOf(container: V1Container): Mount[] {
    const declared = (container.volumeMounts ?? []).map(({ name, mountPath, subPath }) => ({
      source: subPath === undefined ? this.#path(name) : join(this.#path(name), subPath),
      target: mountPath,
    }));
    const hosts = { source: this.#path(hostsFile), target: "/etc/hosts" };
    return this.#aliases().length === 0 ? declared : [...declared, hosts];
  }

  #aliases(): readonly V1HostAlias[] {
    return this.#facts.pod.spec?.hostAliases ?? [];
  }

  /** A pod with host aliases gets an /etc/hosts of its own, others see the machine's. */
  #writeHosts(): void {
    if (this.#aliases().length === 0) return;
    // A resolver that is asked for `name.` looks for just that in the file.
    const lines = this.#aliases().map(({ ip, hostnames = [] }) =>
      [ip, ...hostnames, ...hostnames.map((name) => `${name}.`)].join(" "),
    );
    mkdirSync(this.#folder, { recursive: true });
    writeFileSync(this.#path(hostsFile), ["127.0.0.1 localhost", ...lines, ""].join("\n"));
  }

  #volumes(): readonly V1Volume[] {
    return this.#facts.pod.spec?.volumes ?? [];
  }

  #path(volume: string): string {
    return this.#claimed.get(volume) ?? join(this.#folder, volume);
  }

  async #setUpOne(volume: V1Volume): Promise<void> {
    if (volume.persistentVolumeClaim !== undefined) {
      const path = await this.#claim(volume.persistentVolumeClaim.claimName);
      mkdirSync(path, { recursive: true });
      this.#claimed.set(volume.name, path);
      return;
    }
    const path = this.#path(volume.name);
    if (volume.emptyDir !== undefined) {
      mkdirSync(path, { recursive: true });
    } else if (volume.hostPath !== undefined) {
      throw new VolumeError(`volume "${volume.name}": hostPath is not supported by the test node`);
    } else {
      this.#write(path, await this.#filesOf(volume));
    }
  }

  /** The folder behind a claim: the controllers have bound it to a volume, which must be one of this machine. */
  async #claim(name: string): Promise<string> {
    const claim = await findClaim(this.#api, podKey(this.#facts.pod).namespace, name);
    const volumeName = claim?.spec?.volumeName;
    if (volumeName === undefined || claim?.status?.phase !== "Bound") {
      throw new VolumeError(`persistentvolumeclaim "${name}" is not bound`);
    }
    const volume = await this.#api.core.readPersistentVolume({ name: volumeName });
    const path = volume.spec?.hostPath?.path;
    if (path !== undefined) return path;
    throw new VolumeError(`persistentvolume "${volumeName}": the test node has only hostPath`);
  }

  #filesOf(volume: V1Volume): Promise<Files> {
    const { configMap, secret, downwardAPI, projected } = volume;
    if (configMap !== undefined) {
      return this.#configMap(configMap.name, configMap.items, configMap.optional);
    }
    if (secret !== undefined) return this.#secret(secret.secretName, secret.items, secret.optional);
    if (downwardAPI !== undefined) return Promise.resolve(this.#downward(downwardAPI.items));
    if (projected !== undefined) return this.#projected(projected.sources ?? []);
    throw new VolumeError(`volume "${volume.name}": its kind is not supported by the test node`);
  }

  async #configMap(name = "", items?: V1KeyToPath[], optional?: boolean): Promise<Files> {
    const found = await findConfigMap(this.#api, podKey(this.#facts.pod).namespace, name);
    if (found === undefined && optional !== true)
      throw new VolumeError(`configmap "${name}" not found`);
    const files: Files = new Map();
    for (const [key, text] of Object.entries(found?.data ?? {})) files.set(key, Buffer.from(text));
    for (const [key, text] of Object.entries(found?.binaryData ?? {})) {
      files.set(key, Buffer.from(text, "base64"));
    }
    return selected(files, items, optional, `configmap "${name}"`);
  }

  async #secret(name = "", items?: V1KeyToPath[], optional?: boolean): Promise<Files> {
    const found = await findSecret(this.#api, podKey(this.#facts.pod).namespace, name);
    if (found === undefined && optional !== true)
      throw new VolumeError(`secret "${name}" not found`);
    const files: Files = new Map();
    for (const [key, text] of Object.entries(found?.data ?? {})) {
      files.set(key, Buffer.from(text, "base64"));
    }
    return selected(files, items, optional, `secret "${name}"`);
  }

  #downward(items: readonly V1DownwardAPIVolumeFile[] = []): Files {
    return new Map(
      items.map(({ path, fieldRef }) => [
        path,
        Buffer.from(podField(this.#facts, fieldRef?.fieldPath ?? "")),
      ]),
    );
  }

  async #projected(sources: readonly V1VolumeProjection[]): Promise<Files> {
    const files: Files = new Map();
    for (const { configMap, secret, downwardAPI, serviceAccountToken } of sources) {
      const part =
        configMap !== undefined
          ? await this.#configMap(configMap.name, configMap.items, configMap.optional)
          : secret !== undefined
            ? await this.#secret(secret.name, secret.items, secret.optional)
            : downwardAPI !== undefined
              ? this.#downward(downwardAPI.items)
              : serviceAccountToken !== undefined
                ? await this.#token(serviceAccountToken.path, serviceAccountToken.audience)
                : undefined;
      if (part === undefined)
        throw new VolumeError("a projected source is not supported by the test node");
      for (const [path, content] of part) files.set(path, content);
    }
    return files;
  }

  async #token(path: string, audience: string | undefined): Promise<Files> {
    const { namespace, name, uid } = podKey(this.#facts.pod);
    const issued = await this.#api.core.createNamespacedServiceAccountToken({
      namespace,
      name: this.#facts.pod.spec?.serviceAccountName ?? "default",
      body: {
        spec: {
          audiences: audience === undefined ? [] : [audience],
          expirationSeconds: 24 * 3_600,
          boundObjectRef: { apiVersion: "v1", kind: "Pod", name, uid },
        },
      },
    });
    return new Map([[path, Buffer.from(issued.status?.token ?? "")]]);
  }

  #write(path: string, files: Files): void {
    const fingerprint = JSON.stringify(
      [...files].map(([name, data]) => [name, data.toString("base64")]),
    );
    if (this.#written.get(path) === fingerprint) return;
    const version = `..${(this.#generation += 1)}`;
    for (const [name, content] of files) {
      const file = join(path, version, name);
      mkdirSync(dirname(file), { recursive: true });
      writeFileSync(file, content);
    }
    mkdirSync(join(path, version), { recursive: true });
    symlinkSync(version, join(path, "..data.new"));
    renameSync(join(path, "..data.new"), join(path, "..data"));
    linkTops(path, files);
    this.#written.set(path, fingerprint);
  }
}

function linkTops(path: string, files: Files): void {
  const tops = new Set([...files.keys()].map((name) => name.split("/")[0] ?? name));
  for (const top of tops) {
    rmSync(join(path, top), { force: true });
    symlinkSync(join("..data", top), join(path, top));
  }
}

function selected(
  files: Files,
  items: readonly V1KeyToPath[] | undefined,
  optional: boolean | undefined,
  owner: string,
): Files {
  if (items === undefined) return files;
  const chosen: Files = new Map();
  for (const { key, path } of items) {
    const content = files.get(key);
    if (content !== undefined) chosen.set(path, content);
    else if (optional !== true)
      throw new VolumeError(`${owner} references non-existent config key: ${key}`);
  }
  return chosen;
}
