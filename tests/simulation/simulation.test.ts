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

/** What a run of this many worlds has to meet, so that it is no walk in the park. */
const metInMany = [
  "applyFailed",
  "blindChecks",
  "canaryFailedToStart",
  "canaryLost",
  "canaryNotReady",
  "checkBlind",
  "checkFailed",
  "commandRefused",
  "drift",
  "failedChecks",
  "gaveUp",
  "policyViolation",
  "primaryLost",
  "promoteRequested",
  "retrying",
  "revisionChanged",
  "rollbackRequested",
  "rolloutTooLong",
  "routerSilent",
  "splitContested",
  "stackLocked",
  "waitingForLock",
  "wantedIsPrimary",
] as const;
const many = 2_000;

describe("simulation", () => {
  const met = new Set<string>();

  it(`keeps its promises in ${seeds.length} worlds`, async function () {
    // a world takes some 2 ms here
    this.timeout(10_000 + seeds.length * 50);
    for (const seed of seeds) await keepsItsPromises(seed, met);
  });

  it("meets every kind of trouble", function () {
    if (seeds.length < many) this.skip();
    assert.deepEqual(
      metInMany.filter((kind) => !met.has(kind)),
      [],
    );
  });
});

async function keepsItsPromises(seed: number, met: Set<string>): Promise<void> {
  const simulated = scenario(seed);
  try {
    await simulate(simulated);
  } catch (error) {
    throw new Error(`seed ${seed} (SEED=${seed} replays it)`, { cause: error });
  }
  const found = faults(simulated);
  assert.deepEqual(found, [], `seed ${seed} (SEED=${seed} replays it): ${found.join("; ")}`);
  for (const { history } of simulated.saved) {
    const last = history.at(-1);
    if (last !== undefined) met.add(last.reason.kind);
  }
}
