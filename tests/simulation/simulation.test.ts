import assert from "node:assert/strict";
import { env } from "node:process";
import { faults } from "./checkers.ts";
import { scenario } from "./scenario.ts";
import { simulate } from "./simulate.ts";

/** Worlds of one run. More with SIMULATIONS=n; a single one again with SEED=n. */
const seeds =
  env["SEED"] === undefined
    ? Array.from({ length: Number(env["SIMULATIONS"] ?? 2_000) }, (_, index) => index)
    : [Number(env["SEED"])];

describe("simulation", () => {
  it(`keeps its promises in ${seeds.length} worlds`, async function () {
    this.timeout(600_000);
    for (const seed of seeds) await keepsItsPromises(seed);
  });
});

async function keepsItsPromises(seed: number): Promise<void> {
  const simulated = scenario(seed);
  try {
    await simulate(simulated);
  } catch (error) {
    throw new Error(`seed ${seed} (SEED=${seed} replays it)`, { cause: error });
  }
  const found = faults(simulated);
  assert.deepEqual(found, [], `seed ${seed} (SEED=${seed} replays it): ${found.join("; ")}`);
}
