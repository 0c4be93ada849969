import assert from "node:assert/strict";
import type { Command } from "../../rollout/core/decide.ts";
import { revision, step } from "../support/builders.ts";
import { Crash } from "../support/world.ts";
import { faults } from "./checkers.ts";
import { quietScenario, type Scenario } from "./scenario.ts";
import { simulate } from "./simulate.ts";

/** A story that ends the same however often its process is killed. */
interface Case {
  readonly name: string;
  readonly begin: () => Scenario;
  /** The revision that serves in the end. */
  readonly serves: string;
}

const seed = 7;
const steps = [step(20), step(50)];
const quick = { steps, intervalMs: 2_000, bakeMs: 5_000, drainMs: 1_000, failedChecksMax: 2 };

function later(scenario: Scenario, ms: number, happen: () => void): Scenario {
  scenario.world.clock.after(ms, happen);
  return scenario;
}

function commanded(scenario: Scenario, ms: number, command: Command): Scenario {
  scenario.commands.push(command);
  return later(scenario, ms, () => scenario.place.leave(command));
}

const cases: readonly Case[] = [
  {
    name: "a good version is promoted",
    begin: () => quietScenario(seed, "good1", quick),
    serves: "good1",
  },
  {
    name: "a held version is promoted",
    begin: () => quietScenario(seed, "good1", { ...quick, steps: [step(20, { hold: true })] }),
    serves: "good1",
  },
  {
    name: "a bad version goes back",
    begin: () => quietScenario(seed, "bad1", quick),
    serves: "v1",
  },
  {
    name: "a version that is never ready goes back",
    begin: () => quietScenario(seed, "never", quick),
    serves: "v1",
  },
  {
    name: "a version that exits goes back",
    begin: () => quietScenario(seed, "exits", quick),
    serves: "v1",
  },
  {
    name: "a version that is called back goes back",
    begin: () => commanded(quietScenario(seed, "good1", quick), 6_000, "rollback"),
    serves: "v1",
  },
  {
    name: "a newer version takes the place of one in the middle",
    begin: () => {
      const scenario = quietScenario(seed, "bad1", { ...quick, failedChecksMax: 100 });
      const next = revision("good2");
      scenario.wishes.push(next);
      return later(scenario, 9_000, () => {
        scenario.world.configured = next;
      });
    },
    serves: "good2",
  },
];

/** Kills the process at each of these points, counted from the beginning. */
function killAt(scenario: Scenario, points: readonly number[]): void {
  let passed = 0;
  scenario.world.point = (name): void => {
    passed += 1;
    if (points.includes(passed)) throw new Crash(name);
  };
  // whatever takes long because nobody drove
  scenario.troubles.add("crashes");
}

async function countPoints(begin: () => Scenario): Promise<number> {
  const scenario = begin();
  let points = 0;
  scenario.world.point = (): void => {
    points += 1;
  };
  await simulate(scenario);
  return points;
}

describe("a process that is killed", () => {
  for (const { name, begin, serves } of cases) {
    it(`at any save or act, once or twice: ${name}`, async () => {
      const points = await countPoints(begin);
      assert.ok(points > 10, `only ${points} points`);
      for (let point = 1; point <= points; point += 1) {
        for (const again of [0, 1, 2, 5]) {
          const scenario = begin();
          killAt(scenario, [point, point + again]);
          await simulate(scenario);
          const where = `killed at ${point} and ${point + again} of ${points}`;
          assert.deepEqual(faults(scenario), [], where);
          const { primary, slots } = scenario.world.assignment;
          assert.equal(slots[primary]?.name, serves, where);
        }
      }
    });
  }
});
