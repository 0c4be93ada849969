import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { CoreV1Api, KubeConfig } from "@kubernetes/client-node";
import { thisHost } from "../../tools/host.ts";
import { nodeAddress, ports } from "./addresses.ts";
import { canConnect } from "./can-connect.ts";
import { ControlPlane } from "./control-plane.ts";
import { imageTable } from "./image-table.ts";
import type { KubeletConfigInput } from "./kubelet/config.ts";
import type { ImageRow } from "./kubelet/images.ts";
import { ManagedProcess } from "./managed-process.ts";
import { registerMetricsApi } from "./metrics-service.ts";
import { nodeFolder, type ToolPaths } from "./tool-paths.ts";
import { waitUntil } from "./wait-until.ts";

const nodeName = "node-1";

/** What the node says it has. No machine has to have it: only requests are counted against it. */
const capacity = { cpu: "8", memory: "16Gi", pods: "110" };

/** Registering takes a second or two, most of it Node reading the Kubernetes client. */
const nodeBoundMs = 30_000;

/** How a cluster is started. */
export interface ClusterOptions {
  readonly tools: ToolPaths;
  /** Empty or new: state and logs. */
  readonly folder: string;
  /** Added to the image table, before its own rows. */
  readonly images?: readonly ImageRow[];
}

/** A control plane and one node whose pods are processes. Runs inside the namespace. */
export class Cluster {
  readonly tools: ToolPaths;
  readonly folder: string;
  readonly controlPlane: ControlPlane;
  readonly kubelet: ManagedProcess;
  /** Made anew by every reader that changes it; this one is the administrator's. */
  readonly config = new KubeConfig();
  readonly #added: { stop(): Promise<void> }[] = [];

  /** Starts all parts; resolves when the node is ready, 5 to 8 s later on two cores. */
  static async start(options: ClusterOptions): Promise<Cluster> {
    const cluster = new Cluster(options);
    try {
      await cluster.#start();
      return cluster;
    } catch (error) {
      await cluster.stop();
      throw error;
    }
  }

  private constructor({ tools, folder, images = [] }: ClusterOptions) {
    mkdirSync(folder, { recursive: true });
    this.tools = tools;
    this.folder = folder;
    this.controlPlane = new ControlPlane(tools, folder);
    const kubeletConfig: KubeletConfigInput = {
      kubeconfigPath: this.kubeconfigPath,
      folder: join(folder, "pods"),
      nodeName,
      capacity,
      images: [...images, ...imageTable(tools)],
      baseEnv: {
        PATH: [nodeFolder, "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"].join(
          ":",
        ),
        // Saves a tenth of a second of each start of a container that runs TypeScript.
        NODE_COMPILE_CACHE: join(thisHost().cacheFolder, "node-compile-cache"),
        KUBERNETES_SERVICE_HOST: "127.0.0.1",
        KUBERNETES_SERVICE_PORT: String(ports.apiServer),
      },
      servingCertificate: this.controlPlane.certificates.servingCertificate,
      servingKey: this.controlPlane.certificates.servingKey,
    };
    const configPath = join(folder, "kubelet.json");
    writeFileSync(configPath, JSON.stringify(kubeletConfig, undefined, 2));
    this.kubelet = new ManagedProcess({
      name: "kubelet",
      command: process.execPath,
      args: [fileURLToPath(new URL("kubelet/main.ts", import.meta.url)), configPath],
      env: {
        ...process.env,
        NODE_EXTRA_CA_CERTS: this.controlPlane.certificates.caCertificate,
      },
      logPath: this.logPath("kubelet"),
    });
  }

  get kubeconfigPath(): string {
    return this.controlPlane.kubeconfigPath;
  }

  /** Log file of a part. */
  logPath(name: string): string {
    return join(this.folder, "logs", `${name}.log`);
  }

  /** Has something stopped together with the cluster, before it. */
  add(part: { stop(): Promise<void> }): void {
    this.#added.push(part);
  }

  /** Stops everything. Every process that the cluster started has ended when this resolves. */
  async stop(): Promise<void> {
    for (const part of this.#added.splice(0).toReversed()) await part.stop();
    await this.kubelet.stop();
    await this.controlPlane.stop();
  }

  /** Starts the kubelet again after it was killed; its containers died with it and are restarted. */
  async restartKubelet(): Promise<void> {
    this.kubelet.start();
    await this.#untilNodeReady();
  }

  async #start(): Promise<void> {
    await this.controlPlane.start();
    this.config.loadFromFile(this.kubeconfigPath);
    this.kubelet.start();
    await Promise.all([this.#untilNodeReady(), registerMetricsApi(this.config)]);
  }

  async #untilNodeReady(): Promise<void> {
    const core = this.config.makeApiClient(CoreV1Api);
    await waitUntil(`node ${nodeName} is ready`, nodeBoundMs, async () => {
      if (!this.kubelet.isRunning()) return "ended";
      // It listens only after it has registered, so this also tells a restarted one from its predecessor.
      await canConnect(nodeAddress, ports.kubelet);
      const node = await core.readNode({ name: nodeName });
      const ready = node.status?.conditions?.find(({ type }) => type === "Ready");
      return ready?.status === "True" ? "ready" : undefined;
    });
    this.kubelet.assertRunning();
  }
}
