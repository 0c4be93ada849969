import assert from "node:assert/strict";
import type { RolloutSpec } from "../../rollout/core/spec.ts";
import { revision, step } from "../support/builders.ts";
import { faults } from "./checkers.ts";
import { quietScenario, scenario, type Scenario } from "./scenario.ts";
import { simulate, type DriveReport, type Pace } from "./simulate.ts";

const seed = 7;
const intervalMs = 10_000;

/** Long enough for a drive to do little of it. */
const long: Partial<RolloutSpec> = {
  steps: [step(10), step(30, { checks: 2 }), step(60)],
  intervalMs,
  bakeMs: 30_000,
  drainMs: 1_000,
  failedChecksMax: 2,
};

/** Nobody drives for as long as this between two drives. */
const gaps = [1_000, intervalMs, 300_000];

function quiet(name: "good1" | "bad1", more: Partial<RolloutSpec> = {}): Scenario {
  const made = quietScenario(seed, name, { ...long, ...more });
  // what takes long because nobody drove is no fault
  made.troubles.add("crashes");
  return made;
}

function served({ world }: Scenario): string | undefined {
  return world.assignment.slots[world.assignment.primary]?.name;
}

function outcomes(reports: readonly DriveReport[]): readonly string[] {
  return reports.map(({ end }) =>
    end === "cutOff" ? end : end.kind === "ended" ? end.outcome : end.kind,
  );
}

/** The checks that each drive took, with the state that they were judged in. */
function checksOf({ events }: DriveReport): readonly { at: number; step: number }[] {
  return events.flatMap((event) => {
    if (event.type !== "decided") return [];
    const { reason, record } = event;
    if (!("check" in reason) || reason.check === null) return [];
    return [{ at: reason.check.at, step: "step" in record.state ? record.state.step : -1 }];
  });
}

describe("a rollout driven once and again by a scheduler", () => {
  for (const gapMs of gaps) {
    const pace: Pace = { once: true, gapMs };

    it(`promotes a good version, with ${gapMs} ms between two drives`, async () => {
      const made = quiet("good1");
      const reports = await simulate(made, pace);
      assert.deepEqual(faults(made), []);
      assert.equal(served(made), "good1");
      const ends = outcomes(reports);
      const promotedAt = ends.indexOf("promoted");
      assert.ok(promotedAt > 4, ends.join());
      const before = new Set(ends.slice(0, promotedAt));
      assert.deepEqual([...before], ["underWay"]);
    });

    it(`rolls a bad version back, with ${gapMs} ms between two drives`, async () => {
      const made = quiet("bad1");
      const reports = await simulate(made, pace);
      assert.deepEqual(faults(made), []);
      assert.equal(served(made), "v1");
      assert.equal(outcomes(reports).at(-1), "rolledBack");
    });
  }

  it("takes one check at most in each drive, and never counts the time in between as one", async () => {
    const made = quiet("good1");
    const reports = await simulate(made, { once: true, gapMs: 300_000 });
    for (const report of reports) assert.ok(checksOf(report).length <= 1);
    const { saved } = made;
    // every step was seen, each with as many passed checks as it needs
    const steps = saved.flatMap(({ state }) => (state.phase === "progressing" ? [state.step] : []));
    assert.deepEqual([...new Set(steps)], [-1, 0, 1, 2]);
    const passed = saved
      .at(-1)
      ?.history.filter(({ reason }) => ["checkPassed", "stepPassed"].includes(reason.kind));
    assert.equal(passed?.length, 4);
  });

  it("judges a step by its own time only, an interval after the router showed it", async () => {
    const made = quiet("good1");
    const asked: { readonly windowMs: number; readonly ageMs: number }[] = [];
    const { world } = made;
    const answer = world.answer.bind(world);
    world.answer = (promql, at) => {
      const { state } = made.saved.at(-1) ?? {};
      const confirmedAt = state !== undefined && "confirmedAt" in state ? state.confirmedAt : null;
      const windowMs = Number(/\[(\d+)s\]$/.exec(promql)?.[1]) * 1_000;
      asked.push({ windowMs, ageMs: at - (confirmedAt ?? at) });
      return answer(promql, at);
    };
    await simulate(made, { once: true, gapMs: 15_000 });
    assert.ok(asked.length >= 8);
    for (const { windowMs, ageMs } of asked) {
      assert.ok(ageMs >= intervalMs, `${ageMs} ms after the router showed it`);
      assert.ok(windowMs <= ageMs, `${windowMs} ms of ${ageMs}`);
    }
  });

  it("ends each drive in the time of one change, however long the gap", async () => {
    const reports = await simulate(quiet("good1"), { once: true, gapMs: 300_000 });
    for (const { tookMs } of reports) assert.ok(tookMs < 25_000, `${tookMs} ms`);
  });

  it("ends in a hold, and goes on once it is released", async () => {
    const made = quietScenario(seed, "good1", { ...long, steps: [step(20, { hold: true })] });
    const reports = await simulate(made, { once: true, gapMs: 20_000 });
    assert.ok(outcomes(reports).includes("promoted"));
    assert.ok(made.saved.some(({ state }) => state.phase === "waiting"));
  });

  it("takes up a newer version between two drives", async () => {
    const made = quiet("good1");
    const next = revision("good2");
    made.wishes.push(next);
    made.world.clock.after(40_000, () => {
      made.world.configured = next;
    });
    await simulate(made, { once: true, gapMs: 30_000 });
    assert.deepEqual(faults(made), []);
    assert.equal(served(made), "good2");
  });

  it("keeps its promises in 300 worlds", async function () {
    this.timeout(60_000);
    for (let world = 0; world < 300; world += 1) {
      const made = scenario(world);
      made.troubles.add("crashes");
      const gapMs = gaps[world % gaps.length] ?? intervalMs;
      await simulate(made, { once: true, gapMs });
      assert.deepEqual(faults(made), [], `seed ${world}`);
    }
  });
});

describe("a rollout driven for a time", () => {
  for (const forMs of [1, 5_000, 20_000, 45_000]) {
    it(`is promoted by drives of ${forMs} ms or the time of one change`, async () => {
      const made = quiet("good1");
      const reports = await simulate(made, { forMs, gapMs: 60_000 });
      assert.deepEqual(faults(made), []);
      assert.equal(served(made), "good1");
      // an `up` that was begun is finished
      for (const { tookMs } of reports) assert.ok(tookMs < forMs + 10_000, `${tookMs} ms`);
    });

    it(`is rolled back by drives of ${forMs} ms or the time of one change`, async () => {
      const made = quiet("bad1");
      const reports = await simulate(made, { forMs, gapMs: 60_000 });
      assert.deepEqual(faults(made), []);
      assert.equal(served(made), "v1");
      assert.equal(outcomes(reports).at(-1), "rolledBack");
    });
  }

  it("begins the way back in the drive that decided it", async () => {
    for (let forMs = 1_000; forMs < 60_000; forMs += 1_000) {
      const made = quiet("bad1");
      for (const { events } of await simulate(made, { forMs, gapMs: 60_000 })) {
        const decidedAt = events.findIndex(
          (event) => event.type === "decided" && event.reason.kind === "failedChecks",
        );
        if (decidedAt < 0) continue;
        const next = events[decidedAt + 1];
        assert.equal(next?.type, "acted", `after ${forMs} ms`);
      }
    }
  });

  it("ends at once where nothing but the next check is awaited until the time is over", async () => {
    const reports = await simulate(quiet("good1", { intervalMs: 60_000 }), {
      forMs: 40_000,
      gapMs: 60_000,
    });
    assert.ok(reports.some(({ tookMs }) => tookMs < 20_000));
  });
});
