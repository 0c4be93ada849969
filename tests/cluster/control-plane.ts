import { randomBytes } from "node:crypto";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { request } from "node:https";
import { apiServerAddress, ports, serviceRange } from "./addresses.ts";
import { makeCertificates, type Certificates } from "./certificates.ts";
import { ManagedProcess, type ProcessSpec } from "./managed-process.ts";
import { waitUntil } from "./wait-until.ts";

/** Paths of the three programs. */
export interface ControlPlaneTools {
  readonly etcd: string;
  readonly "kube-apiserver": string;
  readonly "kube-controller-manager": string;
}

/** The parts that a test can kill and start again. */
export type ControlPlanePart = "etcd" | "apiServer" | "controllerManager";

/** A start takes 2.4 to 3.4 s on two idle cores; the bound is for a machine that is busy. */
const readyBoundMs = 60_000;

/** etcd, kube-apiserver and kube-controller-manager as processes on loopback. */
export class ControlPlane {
  readonly certificates: Certificates;
  /** For kubectl and clients: user `admin` in the group system:masters. */
  readonly kubeconfigPath: string;
  readonly parts: Readonly<Record<ControlPlanePart, ManagedProcess>>;
  readonly #token = randomBytes(16).toString("hex");

  /**
   * Lays out keys, tokens and the kubeconfig; starts nothing yet.
   *
   * @param folder  state and logs of the cluster, empty
   */
  constructor(tools: ControlPlaneTools, folder: string) {
    this.certificates = makeCertificates(join(folder, "pki"));
    this.kubeconfigPath = join(folder, "kubeconfig");
    writeKubeconfig(this.kubeconfigPath, this.certificates.caCertificate, this.#token);
    const tokenPath = join(folder, "pki", "tokens.csv");
    writeFileSync(tokenPath, `${this.#token},admin,admin,system:masters\n`, { mode: 0o600 });
    const specs = partSpecs(tools, folder, this.certificates, this.kubeconfigPath, tokenPath);
    this.parts = {
      etcd: new ManagedProcess(specs.etcd),
      apiServer: new ManagedProcess(specs.apiServer),
      controllerManager: new ManagedProcess(specs.controllerManager),
    };
  }

  /** Starts all parts and resolves when the API server is ready. */
  async start(): Promise<void> {
    this.parts.etcd.start();
    this.parts.apiServer.start();
    await this.untilReady();
    this.parts.controllerManager.start();
  }

  /** Resolves when `/readyz` says so. @throws Error with the log's end if the process ends first */
  async untilReady(): Promise<void> {
    await waitUntil("kube-apiserver is ready", readyBoundMs, async () => {
      const { etcd, apiServer } = this.parts;
      if (!etcd.isRunning() || !apiServer.isRunning()) return { ended: true };
      return (await this.#readyStatus()) === 200 ? { ended: false } : undefined;
    });
    this.parts.etcd.assertRunning();
    this.parts.apiServer.assertRunning();
  }

  /** Starts one part again after it was killed, and waits until the API server answers. */
  async restart(part: ControlPlanePart): Promise<void> {
    this.parts[part].start();
    await this.untilReady();
  }

  async stop(): Promise<void> {
    // etcd goes last: an API server without it waits for its own shutdown bound.
    await Promise.all([this.parts.controllerManager.stop(), this.parts.apiServer.stop(2_000)]);
    await this.parts.etcd.stop();
  }

  #readyStatus(): Promise<number | undefined> {
    return new Promise((resolve, reject) => {
      const probe = request(
        `https://127.0.0.1:${ports.apiServer}/readyz`,
        {
          ca: readFileSync(this.certificates.caCertificate),
          headers: { authorization: `Bearer ${this.#token}` },
          timeout: 1_000,
          agent: false,
        },
        (response) => {
          response.resume();
          resolve(response.statusCode);
        },
      );
      probe.once("timeout", () =>
        probe.destroy(new Error("/readyz did not answer within 1000 ms")),
      );
      probe.once("error", reject);
      probe.end();
    });
  }
}

function partSpecs(
  tools: ControlPlaneTools,
  folder: string,
  certificates: Certificates,
  kubeconfigPath: string,
  tokenPath: string,
): Record<ControlPlanePart, ProcessSpec> {
  mkdirSync(join(folder, "logs"), { recursive: true });
  const log = (name: string): string => join(folder, "logs", `${name}.log`);
  const etcdUrl = `http://127.0.0.1:${ports.etcd}`;
  const etcdPeerUrl = `http://127.0.0.1:${ports.etcdPeer}`;
  return {
    etcd: {
      name: "etcd",
      command: tools.etcd,
      args: [
        "--name=default",
        `--data-dir=${join(folder, "etcd")}`,
        `--listen-client-urls=${etcdUrl}`,
        `--advertise-client-urls=${etcdUrl}`,
        `--listen-peer-urls=${etcdPeerUrl}`,
        `--initial-advertise-peer-urls=${etcdPeerUrl}`,
        `--initial-cluster=default=${etcdPeerUrl}`,
        // Nothing here outlives the run, so nothing has to survive a power cut.
        "--unsafe-no-fsync",
        "--log-level=warn",
      ],
      logPath: log("etcd"),
    },
    apiServer: {
      name: "kube-apiserver",
      command: tools["kube-apiserver"],
      args: [
        `--etcd-servers=${etcdUrl}`,
        "--bind-address=127.0.0.1",
        `--secure-port=${ports.apiServer}`,
        `--advertise-address=${apiServerAddress}`,
        `--tls-cert-file=${certificates.servingCertificate}`,
        `--tls-private-key-file=${certificates.servingKey}`,
        `--token-auth-file=${tokenPath}`,
        "--authorization-mode=RBAC",
        `--service-cluster-ip-range=${serviceRange}`,
        "--service-account-issuer=https://kubernetes.default.svc",
        `--service-account-signing-key-file=${certificates.serviceAccountKey}`,
        `--service-account-key-file=${certificates.serviceAccountKey}`,
        "--endpoint-reconciler-type=none",
        "--enable-priority-and-fairness=false",
        "--allow-privileged=true",
        // There is no DNS that would know the node by its name.
        "--kubelet-preferred-address-types=InternalIP",
        // Nothing routes Service addresses here, so aggregated APIs are reached by their endpoints.
        "--enable-aggregator-routing=true",
        // The shutdown must not wait for the watches of clients that are stopped after it.
        "--shutdown-watch-termination-grace-period=0s",
      ],
      logPath: log("kube-apiserver"),
    },
    controllerManager: {
      name: "kube-controller-manager",
      command: tools["kube-controller-manager"],
      args: [
        `--kubeconfig=${kubeconfigPath}`,
        "--bind-address=127.0.0.1",
        "--leader-elect=false",
        "--use-service-account-credentials=false",
        `--service-account-private-key-file=${certificates.serviceAccountKey}`,
        `--root-ca-file=${certificates.caCertificate}`,
        // The stock values (15 s, 5 min, 30 s, 5 min) are for production; a test has less time.
        "--horizontal-pod-autoscaler-sync-period=5s",
        "--horizontal-pod-autoscaler-cpu-initialization-period=10s",
        "--horizontal-pod-autoscaler-initial-readiness-delay=5s",
        "--horizontal-pod-autoscaler-downscale-stabilization=15s",
      ],
      logPath: log("kube-controller-manager"),
    },
  };
}

function writeKubeconfig(path: string, caPath: string, token: string): void {
  const kubeconfig = {
    apiVersion: "v1",
    kind: "Config",
    clusters: [
      {
        name: "upramp-test",
        cluster: {
          server: `https://127.0.0.1:${ports.apiServer}`,
          "certificate-authority-data": readFileSync(caPath).toString("base64"),
        },
      },
    ],
    users: [{ name: "admin", user: { token } }],
    contexts: [{ name: "upramp-test", context: { cluster: "upramp-test", user: "admin" } }],
    "current-context": "upramp-test",
  };
  // JSON is YAML, and every reader of a kubeconfig takes it.
  writeFileSync(path, JSON.stringify(kubeconfig, undefined, 2), { mode: 0o600 });
}
