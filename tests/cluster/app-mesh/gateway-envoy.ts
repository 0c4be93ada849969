import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { ManagedProcess } from "../managed-process.ts";
import { waitUntil } from "../wait-until.ts";
import type { Endpoint } from "./endpoints.ts";
import { EnvoyAdmin, EnvoyRefusal } from "./envoy-admin.ts";
import { GatewayFiles } from "./gateway-files.ts";
import { egressPort } from "./names.ts";
import type { EnvoyObject } from "./envoy-object.ts";
import type { GatewayResources } from "./translate.ts";

/** Envoy is ready after about 0.2 s; the bound is for a busy machine. */
const readyBoundMs = 20_000;

/** Port of the administration interface in App Mesh's Envoy image; scrape jobs look for it. */
const defaultAdminPort = 9_901;

/** How a gateway's Envoy is started. */
export interface GatewayEnvoyOptions {
  readonly envoyPath: string;
  /** State of this gateway alone. */
  readonly folder: string;
  readonly logPath: string;
  /** Names in App Mesh; they are labels of every metric. */
  readonly mesh: string;
  readonly gateway: string;
  /** Address of all its listeners. */
  readonly address: string;
  /** Default 9901. */
  readonly adminPort?: number;
  /** Default 15001. */
  readonly egressPort?: number;
}

/**
 * The Envoy of one virtual gateway: where requests enter the mesh.
 *
 * It is the only Envoy there is. In App Mesh every pod had one beside it, which took the pod's requests
 * and answered for its callers' metrics too. Without them the gateway sends straight to the pods: weights,
 * matches, retries and the gateway's own metrics (`cds_egress_…`) are as they were; there are no metrics
 * of a pod's own Envoy (`cds_ingress_…`), no TLS between pods, no calls from pod to pod by the mesh, and
 * pods are neither held back until an Envoy is up nor slowed down by one.
 */
export class GatewayEnvoy {
  readonly admin: EnvoyAdmin;
  readonly process: ManagedProcess;
  readonly #options: GatewayEnvoyOptions;
  readonly #files: GatewayFiles;
  readonly #egress: Endpoint;

  constructor(options: GatewayEnvoyOptions) {
    const { address, folder } = options;
    this.#options = options;
    this.#files = new GatewayFiles(join(folder, "xds"));
    this.#egress = { address, port: options.egressPort ?? egressPort };
    const adminAt = { address, port: options.adminPort ?? defaultAdminPort };
    this.admin = new EnvoyAdmin(adminAt);
    const bootstrapPath = join(folder, "bootstrap.json");
    mkdirSync(folder, { recursive: true });
    writeFileSync(bootstrapPath, JSON.stringify(bootstrap(options, adminAt, this.#files)));
    this.process = new ManagedProcess({
      name: `Envoy of virtual gateway ${options.gateway}`,
      command: options.envoyPath,
      args: [
        "--config-path",
        bootstrapPath,
        // Its shared memory would be common to every namespace and user of the machine.
        "--disable-hot-restart",
        "--concurrency",
        "1",
        "--log-level",
        "warning",
      ],
      logPath: options.logPath,
    });
  }

  /** Host and port of its `/stats/prometheus`. */
  get statsAddress(): string {
    return `${this.#options.address}:${this.#options.adminPort ?? defaultAdminPort}`;
  }

  /** Where its listeners, its files and its way back to itself are. */
  get place(): { address: string; egress: Endpoint } & Pick<GatewayFiles, "edsPath" | "rdsPath"> {
    const { edsPath, rdsPath } = this.#files;
    return { address: this.#options.address, egress: this.#egress, edsPath, rdsPath };
  }

  /** Starts it, or starts it again; resolves when it is ready. It begins with the files as they are. */
  async start(): Promise<void> {
    this.process.start();
    await waitUntil(`${this.process.spec.name} is ready`, readyBoundMs, async () => {
      if (!this.process.isRunning()) return "ended";
      return (await this.admin.isReady()) ? "ready" : undefined;
    });
    this.process.assertRunning();
  }

  /**
   * Brings it to these resources. While it does not run, they are there for its next start.
   *
   * @throws EnvoyRefusal with its own words when it does not take them
   */
  async apply(resources: GatewayResources): Promise<void> {
    try {
      await this.#files.apply(resources, this.process.isRunning() ? this.admin : undefined);
    } catch (error) {
      if (!this.process.isRunning()) return;
      if (!(error instanceof EnvoyRefusal)) throw error;
      throw new EnvoyRefusal(`${error.message}:\n${this.process.logTail(1)}`, { cause: error });
    }
  }

  async stop(): Promise<void> {
    this.admin.close();
    await this.process.stop(2_000);
  }
}

function bootstrap(
  { mesh, gateway }: GatewayEnvoyOptions,
  admin: Endpoint,
  files: GatewayFiles,
): EnvoyObject {
  const fixedTag = (name: string, value: string): EnvoyObject => ({
    tag_name: name,
    fixed_value: value,
  });
  const fileSource = (path: string): EnvoyObject => ({
    resource_api_version: "V3",
    path_config_source: { path },
  });
  return {
    node: { id: `mesh/${mesh}/virtualGateway/${gateway}`, cluster: gateway },
    admin: {
      address: { socket_address: { address: admin.address, port_value: admin.port } },
    },
    dynamic_resources: {
      cds_config: fileSource(files.cdsPath),
      lds_config: fileSource(files.ldsPath),
    },
    // As with the chart's stats.tagsEnabled=true.
    stats_config: {
      stats_tags: [fixedTag("appmesh_mesh", mesh), fixedTag("appmesh_virtual_gateway", gateway)],
    },
    // Histograms would otherwise be up to 5 s old when Prometheus reads them.
    stats_flush_on_admin: true,
  };
}
