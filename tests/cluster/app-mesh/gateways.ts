import { join } from "node:path";
import type { AcceptedGateway, Account } from "./account.ts";
import type { Network } from "./endpoints.ts";
import { GatewayEnvoy } from "./gateway-envoy.ts";
import { translate } from "./translate.ts";

/** Where the Envoys of virtual gateways run. */
export interface GatewaysOptions {
  readonly envoyPath: string;
  /** A folder of its own for each gateway is made in it. */
  readonly folder: string;
  /**
   * Address at which the Envoy of a gateway (`namespace/name`) listens, one for each; undefined where none
   * is to run.
   */
  readonly addressOf: (gateway: string) => string | undefined;
}

/** One Envoy for each virtual gateway that has an address: it plays the pods that a user would deploy. */
export class Gateways {
  readonly #options: GatewaysOptions;
  readonly #envoys = new Map<string, GatewayEnvoy>();

  constructor(options: GatewaysOptions) {
    this.#options = options;
  }

  /** The Envoy of a gateway (`namespace/name`), while it has one. */
  get(gateway: string): GatewayEnvoy | undefined {
    return this.#envoys.get(gateway);
  }

  /**
   * Brings every gateway to what the account says; starts and stops Envoys as gateways come and go.
   *
   * @returns what went wrong, by mesh: an Envoy's refusal, or why it does not run
   */
  async bring(account: Account, network: Network): Promise<ReadonlyMap<string, Error>> {
    const gateways = [...account.VirtualGateway.values()];
    const wanted = new Set(gateways.map(({ key }) => key));
    for (const [key, envoy] of this.#envoys) {
      if (wanted.has(key)) continue;
      this.#envoys.delete(key);
      await envoy.stop();
    }
    const faults = new Map<string, Error>();
    await Promise.all(
      gateways.map(async (gateway) => {
        try {
          const envoy = await this.#envoyOf(gateway);
          await envoy?.apply(translate(account, gateway, network, envoy.place));
        } catch (error) {
          faults.set(gateway.mesh, error instanceof Error ? error : new Error(String(error)));
        }
      }),
    );
    return faults;
  }

  async stop(): Promise<void> {
    await Promise.all([...this.#envoys.values()].map((envoy) => envoy.stop()));
    this.#envoys.clear();
  }

  async #envoyOf({ key, mesh, awsName }: AcceptedGateway): Promise<GatewayEnvoy | undefined> {
    const address = this.#options.addressOf(key);
    const known = this.#envoys.get(key);
    if (known !== undefined || address === undefined) return known;
    const folder = join(this.#options.folder, `${mesh}-${awsName}`);
    const logPath = join(folder, "envoy.log");
    const { envoyPath } = this.#options;
    const envoy = new GatewayEnvoy({ envoyPath, folder, logPath, mesh, gateway: awsName, address });
    await envoy.start();
    this.#envoys.set(key, envoy);
    return envoy;
  }
}
