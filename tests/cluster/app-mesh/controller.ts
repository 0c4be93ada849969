import type { KubeConfig } from "@kubernetes/client-node";
import { waitUntil } from "../wait-until.ts";
import { acceptAll } from "./accept.ts";
import { emptyAccount, type Account } from "./account.ts";
import {
  AdmissionServer,
  unregisterWebhooks,
  type ServingCertificate,
} from "./admission-server.ts";
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

/** The parts of the controller that runs in the cluster: they end when it is killed. */
interface Controller {
  readonly admission: AdmissionServer;
  readonly watched: Watched;
  readonly statuses: StatusWriter;
}

/**
 * A stand-in for App Mesh: the controller that ran in the cluster, the service that ran at AWS, and the
 * Envoys of virtual gateways. It admits objects, says in their status what has become of them, and keeps
 * Envoy at what they say: a changed weight is there some ten milliseconds after the write.
 *
 * What it is not: {@link GatewayEnvoy} tells what lacks without Envoys beside the pods. An object counts as
 * Active once the Envoys that run have taken it, where App Mesh said so before and never looked.
 */
export class AppMesh {
  /** Errors of the stand-in itself, which a test should find empty. */
  readonly failures: unknown[] = [];
  readonly #options: AppMeshOptions;
  readonly #client: ApiClient;
  readonly #gateways: Gateways;
  #controller: Controller | undefined;
  /** AWS's memory, which outlives a controller. */
  #account: Account = emptyAccount;
  #isDirty = false;
  #passing: Promise<void> | undefined;

  /** Starts it; resolves when its webhooks are in force and it has looked at everything once. */
  static async start(options: AppMeshOptions): Promise<AppMesh> {
    const appMesh = new AppMesh(options);
    try {
      await appMesh.restartController();
      return appMesh;
    } catch (error) {
      await appMesh.stop();
      throw error;
    }
  }

  private constructor(options: AppMeshOptions) {
    this.#options = options;
    this.#client = new ApiClient(options.config);
    this.#gateways = new Gateways(options);
  }

  /** The Envoy of a virtual gateway (`namespace/name`), once the gateway is active. */
  gateway(key: string): GatewayEnvoy | undefined {
    return this.#gateways.get(key);
  }

  /**
   * Ends the controller as a crash would: Envoys go on with what they have, no change reaches them, and
   * every write of an object of App Mesh fails, because its webhooks do not answer.
   */
  async killController(): Promise<void> {
    const controller = this.#controller;
    this.#controller = undefined;
    await controller?.watched.stop();
    await this.#passing;
    await controller?.statuses.idle();
    await controller?.admission.close();
  }

  /** Starts it again; resolves when its webhooks are in force and it has looked at everything once. */
  async restartController(): Promise<void> {
    const { config, certificate } = this.#options;
    const controller: Controller = {
      admission: new AdmissionServer(config, certificate, (namespace) =>
        this.#client.neighborsOf(namespace),
      ),
      watched: new Watched(config, () => this.#look()),
      statuses: new StatusWriter(this.#client, (error) => void this.failures.push(error)),
    };
    await controller.admission.start();
    await waitUntil("App Mesh's webhooks are in force", webhookBoundMs, () =>
      this.#client.areWebhooksInForce(),
    );
    await controller.watched.start();
    // Only now: a look at half of the objects would take the other half from Envoy.
    this.#controller = controller;
    this.#look();
    await this.#passing;
  }

  /** Stops everything, Envoys too, and takes the webhooks away; objects stay as they are. */
  async stop(): Promise<void> {
    await this.killController();
    await this.#gateways.stop();
    await unregisterWebhooks(this.#options.config);
  }

  /** Something has changed: one pass now, or one more after the pass that runs. */
  #look(): void {
    if (this.#controller === undefined) return;
    this.#isDirty = true;
    this.#passing ??= this.#passWhileDirty().finally(() => (this.#passing = undefined));
  }

  async #passWhileDirty(): Promise<void> {
    while (this.#isDirty && this.#controller !== undefined) {
      // Events come in bursts; those that are here already belong to this pass.
      await new Promise(setImmediate);
      this.#isDirty = false;
      await this.#pass(this.#controller).catch((error: unknown) => this.failures.push(error));
    }
  }

  async #pass({ watched, statuses }: Controller): Promise<void> {
    const { account, verdicts } = acceptAll(watched.objects(), this.#account);
    this.#account = account;
    const faults = await this.#gateways.bring(account, watched.network());
    statuses.write(verdicts.map((verdict) => withFault(verdict, faults)));
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
