import { createHash } from "node:crypto";
import { mkdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { EnvoyAdmin } from "./envoy-admin.ts";
import type { GatewayPlace } from "./place.ts";
import type { EnvoyObject } from "./envoy-object.ts";
import type { GatewayResources } from "./translate.ts";

/** Longest wait for an Envoy to take a file, in ms. It takes milliseconds; the bound is for a busy machine. */
const acceptBoundMs = 5_000;

/**
 * The files that one gateway's Envoy reads, and the order in which they change: endpoints and new
 * clusters first, then routes, then listeners, and what is no longer used last. So no route ever names a
 * cluster that is not there. Each file is replaced by rename(2), which is what Envoy watches for.
 */
export class GatewayFiles {
  readonly #folder: string;
  /** Content by file name, as last written. */
  readonly #written = new Map<string, string>();
  #clusters: readonly EnvoyObject[] = [];
  /** Route configurations that a listener asks for. */
  #listened: ReadonlySet<string> = new Set();

  /** Lays out a folder that an Envoy can start from. */
  constructor(folder: string) {
    this.#folder = folder;
    mkdirSync(folder, { recursive: true });
    this.#write("lds.json", fileOf([]));
    this.#write("cds.json", fileOf([]));
  }

  /** File of the listeners, for the bootstrap. */
  get ldsPath(): string {
    return this.#path("lds.json");
  }

  /** File of the clusters, for the bootstrap. */
  get cdsPath(): string {
    return this.#path("cds.json");
  }

  /** As {@link GatewayPlace} wants it. */
  readonly edsPath: GatewayPlace["edsPath"] = (cluster) => this.#path(edsName(cluster));

  /** As {@link GatewayPlace} wants it. */
  readonly rdsPath: GatewayPlace["rdsPath"] = (routeConfig) => this.#path(rdsName(routeConfig));

  /**
   * Brings the Envoy to these resources. When only weights have changed, that is one file.
   *
   * @param admin undefined while no Envoy runs: then nobody has to take them
   * @throws EnvoyRefusal when it does not take a file; what it had stays in force
   */
  async apply(resources: GatewayResources, admin: EnvoyAdmin | undefined): Promise<void> {
    for (const [cluster, assignment] of Object.entries(resources.assignments)) {
      this.#write(edsName(cluster), fileOf([assignment]));
    }
    await this.#applyClusters([...resources.clusters, ...this.#unused(resources)], admin);
    await Promise.all(
      Object.entries(resources.routes).map(([name, route]) =>
        this.#change(rdsName(name), [route], async (version) => {
          // A route configuration is read only once a listener asks for it.
          if (this.#listened.has(name)) await admin?.untilRoutes(name, version, acceptBoundMs);
        }),
      ),
    );
    await this.#change("lds.json", resources.listeners, async (version) => {
      await admin?.untilListeners(version, acceptBoundMs);
    });
    this.#listened = new Set(Object.keys(resources.routes));
    await this.#applyClusters(resources.clusters, admin);
    this.#forgetUnused(resources);
  }

  async #applyClusters(
    clusters: readonly EnvoyObject[],
    admin: EnvoyAdmin | undefined,
  ): Promise<void> {
    await this.#change("cds.json", clusters, async (version) => {
      await admin?.untilClusters(version, acceptBoundMs);
    });
    this.#clusters = clusters;
  }

  /** Writes a file if it changes, and waits until it is taken. A refused one is written again next time. */
  async #change(
    name: string,
    resources: readonly EnvoyObject[],
    untilTaken: (version: string) => Promise<void>,
  ): Promise<void> {
    if (!this.#write(name, fileOf(resources))) return;
    try {
      await untilTaken(versionOf(resources));
    } catch (error) {
      this.#written.delete(name);
      throw error;
    }
  }

  /** Clusters of before that are on their way out, and must outlive the routes that name them. */
  #unused({ clusters }: GatewayResources): EnvoyObject[] {
    const wanted = new Set(clusters.map(({ name }) => name));
    return this.#clusters.filter(({ name }) => !wanted.has(name));
  }

  #forgetUnused({ assignments, routes }: GatewayResources): void {
    const wanted = new Set([
      "lds.json",
      "cds.json",
      ...Object.keys(assignments).map(edsName),
      ...Object.keys(routes).map(rdsName),
    ]);
    for (const name of this.#written.keys()) {
      if (wanted.has(name)) continue;
      rmSync(this.#path(name), { force: true });
      this.#written.delete(name);
    }
  }

  /** @returns whether the file changed */
  #write(name: string, content: string): boolean {
    if (this.#written.get(name) === content) return false;
    const path = this.#path(name);
    writeFileSync(`${path}.next`, content);
    renameSync(`${path}.next`, path);
    this.#written.set(name, content);
    return true;
  }

  #path(name: string): string {
    return join(this.#folder, name);
  }
}

function edsName(cluster: string): string {
  return `eds-${cluster}.json`;
}

function rdsName(routeConfig: string): string {
  return `${routeConfig}.json`;
}

/** A file as Envoy reads it. Its version is its content, so that one that Envoy has is known again. */
function fileOf(resources: readonly EnvoyObject[]): string {
  return JSON.stringify({ version_info: versionOf(resources), resources });
}

function versionOf(resources: readonly EnvoyObject[]): string {
  return createHash("sha256").update(JSON.stringify(resources)).digest("hex").slice(0, 16);
}
