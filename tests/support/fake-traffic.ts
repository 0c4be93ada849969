import type { Traffic, TrafficReader } from "../../rollout/ports.ts";
import type { World } from "./world.ts";

/** The router and the workloads of the world as they are, whatever its stack believes. */
export class FakeTraffic implements TrafficReader {
  readonly #world: World;

  constructor(world: World) {
    this.#world = world;
  }

  async read(signal: AbortSignal): Promise<Traffic> {
    await Promise.resolve();
    this.#world.linger();
    return signal.aborted ? { weights: null, ready: null } : this.#world.traffic();
  }
}
