import type { Revision, Slot } from "../../rollout/core/assignment.ts";
import type { Command } from "../../rollout/core/decide.ts";
import type { RolloutSpec } from "../../rollout/core/spec.ts";
import type { RolloutRecord } from "../../rollout/core/state.ts";
import { limits, revision, spec, step } from "../support/builders.ts";
import { FakeStore, StorePlace } from "../support/fake-store.ts";
import { Random } from "../support/random.ts";
import {
  bad,
  Crash,
  exiting,
  good,
  neverReady,
  slow,
  World,
  type ApplyFault,
  type Behavior,
  type MetricsFault,
} from "../support/world.ts";

/** Kinds of trouble. Those that happened decide which ends are right. */
export type Trouble =
  | "applyFaults"
  | "metricsFault"
  | "routerSilent"
  | "routerUnreachable"
  | "meddling"
  | "canaryDies"
  | "canaryWeak"
  | "primaryDies"
  | "policy"
  | "clockSet"
  | "specEdited"
  | "interrupted"
  | "lockStolen"
  | "crashes";

/** One world with all that is going to happen in it. */
export interface Scenario {
  readonly seed: number;
  readonly world: World;
  readonly place: StorePlace;
  readonly troubles: Set<Trouble>;
  readonly commands: Command[];
  /** Revisions that were ever asked for, the first one included. */
  readonly wishes: Revision[];
  /** Every record that was saved, in order, over all processes. */
  readonly saved: readonly RolloutRecord[];
  /** The store of the process that drives next. */
  readonly nextStore: () => FakeStore;
  /** Aborted when a user interrupts the drive that is under way. */
  readonly nextSignal: () => AbortSignal;
  /** A user interrupts the drive that is under way. */
  readonly interrupt: () => void;
  /** Ends all trouble, so that what is left to do can be done. */
  readonly calm: () => void;
}

/** When things happen: within the time that a long rollout of these specs takes. */
const horizonMs = 240_000;

const behaviors = {
  v1: good,
  good1: good,
  good2: good,
  bad1: bad,
  bad2: slow,
  never: neverReady,
  exits: exiting,
} as const satisfies Readonly<Record<string, Behavior>>;

const choices = ["good1", "good1", "good1", "bad1", "bad2", "never", "exits"] as const;

export function behaviorOf({ name }: Revision): Behavior {
  const found = Object.entries(behaviors).find(([known]) => known === name);
  return found?.[1] ?? good;
}

const primary = revision("v1");

/** A world in which nothing goes wrong and one revision is wanted. */
export function quietScenario(
  seed: number,
  name: keyof typeof behaviors,
  more: Partial<RolloutSpec> = {},
): Scenario {
  const random = new Random(seed);
  const wanted = revision(name);
  const world = new World(random.integer(0, 1_000_000_000), {
    service: "podinfo",
    spec: { ...randomSpec(random), ...more },
    primary,
    behavior: behaviorOf,
  });
  world.configured = wanted;
  const place = new StorePlace();
  const saved: RolloutRecord[] = [];
  const comeBack = releaser(world, place, random);
  let interrupt = new AbortController();
  let process = 0;
  return {
    seed,
    world,
    place,
    troubles: new Set<Trouble>(),
    commands: [],
    wishes: [primary, wanted],
    saved,
    nextStore: () => {
      process += 1;
      return new FakeStore(place, `process ${process}`, world.clock, (point, record) => {
        if (point === "afterSave") saved.push(record);
        if (record.state.phase === "waiting") comeBack();
        world.point(point);
      });
    },
    nextSignal: () => {
      if (interrupt.signal.aborted) interrupt = new AbortController();
      return interrupt.signal;
    },
    interrupt: () => interrupt.abort(),
    calm: () => {
      world.applyFault = (): ApplyFault => "none";
      world.metricsFault = "none";
      world.routerUnreachable = false;
      world.policy = (): string | null => null;
      world.point = (): void => undefined;
      world.follow();
    },
  };
}

/** Somebody who sees a hold after a while and releases it. */
function releaser(world: World, place: StorePlace, random: Random): () => void {
  let sawIt = false;
  return () => {
    if (sawIt) return;
    sawIt = true;
    world.clock.after(random.integer(1_000, 60_000), () => {
      sawIt = false;
      place.leave("promote");
    });
  };
}

/** A world in which anything may happen, by the seed. */
export function scenario(seed: number): Scenario {
  const random = new Random(seed);
  const stage = quietScenario(random.integer(0, 1_000_000_000), random.pick(choices));
  const { world, place, troubles, commands, wishes } = stage;
  const sometimes = (probability: number, trouble: Trouble, happens: () => void): void => {
    if (!random.chance(probability)) return;
    troubles.add(trouble);
    happens();
  };
  const once = (happen: () => void): void => {
    world.clock.after(random.integer(0, horizonMs), happen);
  };
  const between = (begin: () => void, end: () => void): void => {
    const from = random.integer(0, horizonMs);
    world.clock.after(from, begin);
    world.clock.after(from + random.integer(1_000, 90_000), end);
  };

  sometimes(0.3, "applyFaults", () => {
    const faults = ["locked", "fails", "appliedButFails", "halfway", "slow"] as const;
    const probability = random.pick([0.1, 0.3, 0.9]);
    between(
      () => {
        world.applyFault = (): ApplyFault =>
          random.chance(probability) ? random.pick(faults) : "none";
      },
      () => {
        world.applyFault = (): ApplyFault => "none";
      },
    );
  });
  sometimes(0.25, "metricsFault", () => {
    const fault: MetricsFault = random.pick(["down", "nan", "noData", "manySeries"]);
    between(
      () => {
        world.metricsFault = fault;
      },
      () => {
        world.metricsFault = "none";
      },
    );
  });
  sometimes(0.12, "routerSilent", () => {
    between(
      () => {
        world.routerSilent = true;
      },
      () => world.follow(),
    );
  });
  sometimes(0.12, "routerUnreachable", () => {
    between(
      () => {
        world.routerUnreachable = true;
      },
      () => {
        world.routerUnreachable = false;
      },
    );
  });
  sometimes(0.15, "meddling", () => {
    for (let left = random.integer(1, 8); left > 0; left -= 1) {
      once(() => {
        const weight = random.integer(0, 100);
        const filled =
          world.assignment.slots.blue !== null && world.assignment.slots.green !== null;
        if (filled) world.meddle({ blue: weight, green: 100 - weight });
      });
    }
  });
  sometimes(0.12, "canaryDies", () => {
    once(() => world.kill(canarySlot(world), random.chance(0.5) ? 20_000 : null));
  });
  sometimes(0.12, "canaryWeak", () => {
    once(() => world.weaken(canarySlot(world), random.integer(1_000, 200_000)));
  });
  sometimes(0.06, "primaryDies", () => {
    once(() => world.kill(world.assignment.primary, random.integer(1_000, 120_000)));
  });
  sometimes(0.06, "policy", () => {
    const ceiling = random.integer(0, 60);
    world.policy = ({ primary: slot, weights }): string | null =>
      100 - weights[slot] > ceiling ? `canary weight above ${ceiling}` : null;
  });
  sometimes(0.08, "clockSet", () => {
    once(() => world.setClock(random.pick([-3_600_000, -5_000, 5_000, 600_000])));
  });
  sometimes(0.08, "specEdited", () => {
    once(() => {
      world.spec = randomSpec(random);
    });
  });
  sometimes(0.08, "interrupted", () => {
    if (random.chance(0.3)) once(stage.interrupt);
    let questions = random.integer(1, 60);
    world.asked = (): void => {
      questions -= 1;
      if (questions === 0) stage.interrupt();
    };
  });
  sometimes(0.08, "lockStolen", () => {
    once(() => place.stealLock("another machine", world.clock.now()));
  });
  sometimes(0.4, "crashes", () => {
    const probability = random.pick([0.005, 0.02, 0.2]);
    let left = random.integer(1, 12);
    world.point = (name): void => {
      if (left === 0 || !random.chance(probability)) return;
      left -= 1;
      throw new Crash(name);
    };
  });
  if (random.chance(0.3)) {
    for (let left = random.integer(1, 3); left > 0; left -= 1) {
      const wish = revision(random.pick(["v1", "good1", "good2", "bad1", "never"]));
      wishes.push(wish);
      once(() => {
        world.configured = wish;
      });
    }
  }
  if (random.chance(0.25)) {
    for (let left = random.integer(1, 3); left > 0; left -= 1) {
      const command: Command = random.pick(["promote", "promoteFull", "rollback"]);
      commands.push(command);
      once(() => {
        place.leave(command);
      });
    }
  }

  return { ...stage, seed };
}

function randomSpec(random: Random): RolloutSpec {
  const steps = random.pick([
    [step(100)],
    [step(20), step(50)],
    [step(0, { checks: 2 }), step(50)],
    [step(5), step(30, { checks: 2 }), step(100)],
    [step(10, { hold: random.chance(0.2) }), step(60, { hold: random.chance(0.2) })],
  ]);
  return spec({
    steps,
    intervalMs: random.pick([2_000, 5_000, 10_000]),
    metrics: [
      { name: "success-rate", min: 99, windowMs: 10_000, variables: {} },
      { name: "latency", max: 500, windowMs: 5_000, variables: {} },
    ],
    failedChecksMax: random.integer(1, 3),
    bakeMs: random.pick([0, 10_000, 30_000]),
    drainMs: random.pick([0, 1_000]),
    ...limits({
      readyMs: 30_000,
      readBackMs: 10_000,
      rolloutMs: random.pick([120_000, 3_600_000]),
      blindChecksMax: random.integer(2, 4),
      attemptsMax: random.integer(3, 5),
    }),
  });
}

/** The slot that is not the primary, or while promoting the one that just became it. */
function canarySlot(world: World): Slot {
  return world.assignment.primary === "blue" ? "green" : "blue";
}
