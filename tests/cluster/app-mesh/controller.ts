import type { KubeConfig } from "@kubernetes/client-node";
import { waitUntil } from "../wait-until.ts";
import { acceptAll } from "./accept.ts";
import { emptyAccount, type Account } from "./account.ts";
import { AdmissionServer, type ServingCertificate } from "./admission-server.ts";
import { ApiClient } from "./api-client.ts";
import type { GatewayEnvoy } from "./gateway-envoy.ts";
import { Gateways, type GatewaysOptions } from "./gateways.ts";
import { StatusWriter } from "./status-writer.ts";
import type { Verdict } from "./verdict.ts";
import { Watched } from "./watched.ts";

/** A registered webhook is in force after some 10 ms. */
const webhookBoundMs = 20_000;

/** What the stand-in is started with. */
export interface AppMeshOptions extends GatewaysOptions {
  /** As administrator, to an API server on this machine that already has the definitions. */
  readonly config: KubeConfig;
  readonly certificate: ServingCertificate;
}

/**
 * A stand-in for App Mesh: the controller that ran in the cluster, the service that ran at AWS, and the
 * Envoys of virtual gateways. It admits objects, says in their status what has become of them, and keeps
 * Envoy at what they say: a changed weight is there some ten milliseconds after the write.
 *
 * What it is not: {@link GatewayEnvoy} tells what lacks without Envoys beside the pods. The account is kept
 * in memory, so after a restart an object whose last update was refused has no earlier state to go on with.
 */
export class AppMesh {
  /** Errors of the stand-in itself, which a test should find empty. */
  readonly failures: unknown[] = [];
  readonly #client: ApiClient;
  readonly #admission: AdmissionServer;
  readonly #watched: Watched;
  readonly #gateways: Gateways;
  readonly #statuses: StatusWriter;
  #account: Account = emptyAccount;
  #isDirty = false;
  #passing: Promise<void> | undefined;
  #isStopped = false;

  /** Starts it; resolves when its webhooks are in force and it has looked at everything once. */
  static async start(options: AppMeshOptions): Promise<AppMesh> {
    const appMesh = new AppMesh(options);
    try {
      await appMesh.#start();
      return appMesh;
    } catch (error) {
      await appMesh.stop();
      throw error;
    }
  }

  private constructor(options: AppMeshOptions) {
    const fail = (error: unknown): void => void this.failures.push(error);
    this.#client = new ApiClient(options.config);
    this.#admission = new AdmissionServer(options.config, options.certificate, (namespace) =>
      this.#client.neighborsOf(namespace),
    );
    this.#gateways = new Gateways(options);
    this.#statuses = new StatusWriter(this.#client, fail);
    this.#watched = new Watched(options.config, () => this.#look());
  }

  /** The Envoy of a virtual gateway (`namespace/name`), once the gateway is active. */
  gateway(key: string): GatewayEnvoy | undefined {
    return this.#gateways.get(key);
  }

  /** Stops everything; objects stay as they are. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    await this.#watched.stop();
    await this.#passing;
    await this.#statuses.idle();
    await this.#gateways.stop();
    await this.#admission.stop();
  }

  async #start(): Promise<void> {
    await this.#admission.start();
    await waitUntil("App Mesh's webhooks are in force", webhookBoundMs, () =>
      this.#client.areWebhooksInForce(),
    );
    await this.#watched.start();
    this.#look();
    await this.#passing;
  }

  /** Something has changed: one pass now, or one more after the pass that runs. */
  #look(): void {
    this.#isDirty = true;
    this.#passing ??= this.#passWhileDirty().finally(() => (this.#passing = undefined));
  }

  async #passWhileDirty(): Promise<void> {
    while (this.#isDirty && !this.#isStopped) {
      // Events come in bursts; those that are here already belong to this pass.
      await new Promise(setImmediate);
      this.#isDirty = false;
      await this.#pass().catch((error: unknown) => this.failures.push(error));
    }
  }

  async #pass(): Promise<void> {
    const { account, verdicts } = acceptAll(this.#watched.objects(), this.#account);
    this.#account = account;
    const faults = await this.#gateways.bring(account, this.#watched.network());
    this.#statuses.write(verdicts.map((verdict) => withFault(verdict, faults)));
  }
}

/** What an Envoy does not take is not in force, whatever the rules say. */
function withFault(verdict: Verdict, faults: ReadonlyMap<string, Error>): Verdict {
  const { object, refusal, arn } = verdict;
  const mesh = arn === undefined ? undefined : /mesh\/([^/]+)/.exec(arn)?.[1];
  const fault = mesh === undefined ? undefined : faults.get(mesh);
  const isNew = object.metadata.generation !== object.status.observedGeneration;
  if (fault === undefined || refusal !== undefined || !isNew) return verdict;
  return { ...verdict, refusal: fault.message };
}
