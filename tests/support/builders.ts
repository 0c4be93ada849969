import type { CheckResult, Verdict } from "../../rollout/core/analysis.ts";
import type { Revision, Slot } from "../../rollout/core/assignment.ts";
import {
  acted,
  decide,
  type Decision,
  type Observation,
  type Readiness,
} from "../../rollout/core/decide.ts";
import type { RolloutSpec, Step } from "../../rollout/core/spec.ts";
import { newRecord, type RolloutRecord, type RolloutState } from "../../rollout/core/state.ts";

/** A time that is easy to tell from a duration. */
export const start = 1_000_000;

export function revision(name: string): Revision {
  return { id: `id-${name}`, name, content: { command: name } };
}

export function step(weight: number, more: Partial<Step> = {}): Step {
  return { weight, checks: 1, hold: false, ...more };
}

/** Two steps of 20 and 50 percent, one metric, round limits that differ from each other. */
export function spec(more: Partial<RolloutSpec> = {}): RolloutSpec {
  return {
    intervalMs: 10_000,
    failedChecksMax: 3,
    steps: [step(20), step(50)],
    metrics: [{ name: "success-rate", min: 99, windowMs: 10_000, variables: {} }],
    limits: {
      blindChecksMax: 4,
      readyMs: 120_000,
      readBackMs: 30_000,
      rolloutMs: 3_600_000,
      attemptsMax: 5,
    },
    bakeMs: 30_000,
    drainMs: 1_000,
    ...more,
  };
}

export function limits(more: Partial<RolloutSpec["limits"]>): Partial<RolloutSpec> {
  return { limits: { ...spec().limits, ...more } };
}

/** `wanted` is to take the place of `primary`, which serves from blue. */
export function record(primary = "v1", wanted = "v2"): RolloutRecord {
  const assignment = {
    primary: "blue",
    slots: { blue: revision(primary), green: null },
    weights: { blue: 100, green: 0 },
  } as const;
  return newRecord("podinfo", assignment, revision(wanted));
}

const values: Readonly<Record<Verdict, number | undefined>> = {
  pass: 99.9,
  fail: 90,
  inconclusive: undefined,
  error: undefined,
};

/** A check of the one metric of `spec()`. */
export function check(verdict: Verdict, at: number): CheckResult {
  const value = values[verdict];
  return {
    at,
    verdict,
    results: [{ metric: "success-rate", verdict, min: 99, ...(value !== undefined && { value }) }],
  };
}

export const whole: Readiness = { ready: 2, wanted: 2 };
export const partial: Readiness = { ready: 1, wanted: 2 };
export const dead: Readiness = { ready: 0, wanted: 2 };

/** All is as the record intends, every workload whole, nothing due, nobody speaks. */
export function seen(
  { state }: RolloutRecord,
  now: number,
  more: Partial<Observation> = {},
): Observation {
  return {
    now,
    weights: state.assignment.weights,
    ready: { blue: whole, green: whole },
    check: null,
    command: null,
    failure: null,
    ...more,
  };
}

export function readyIn(slot: Slot, readiness: Readiness): Pick<Observation, "ready"> {
  const other = slot === "blue" ? { green: whole } : { blue: whole };
  // the other slot and this one are both
  return { ready: { ...other, [slot]: readiness } as Readonly<Record<Slot, Readiness>> };
}

/** The state as one phase, or a test failure that says which phase it is instead. */
export function inPhase<P extends RolloutState["phase"]>(
  { state }: RolloutRecord,
  phase: P,
): Extract<RolloutState, { phase: P }> {
  if (state.phase !== phase) throw new Error(`expected ${phase}, found ${state.phase}`);
  // just compared
  return state as Extract<RolloutState, { phase: P }>;
}

/**
 * A rollout told look by look: `decide` and what the driver does around it, without any port. Every verb
 * moves the record on; `last` is the latest decision.
 */
export class Story {
  spec: RolloutSpec;
  record: RolloutRecord;
  now: number;
  last: Decision | null = null;

  constructor(more: Partial<RolloutSpec> = {}, from: RolloutRecord = record()) {
    this.spec = spec(more);
    this.record = from;
    this.now = start;
  }

  /** Looks once and takes the decision. */
  look(more: Partial<Observation> = {}): Decision {
    const decision = decide(this.spec, this.record, seen(this.record, this.now, more));
    this.record = decision.record;
    this.last = decision;
    return decision;
  }

  /** The pending action is done and the router has followed. */
  act(): this {
    if (this.record.pending === null) throw new Error("nothing is pending");
    this.record = acted(this.record, this.now);
    return this;
  }

  /** The pending action is tried and fails. */
  fail(failure: Observation["failure"]): Decision {
    return this.look({ failure });
  }

  pass(ms: number): this {
    this.now += ms;
    return this;
  }

  /** An interval passes and a check gives this verdict. */
  check(verdict: Verdict, more: Partial<Observation> = {}): Decision {
    this.pass(this.spec.intervalMs);
    return this.look({ check: check(verdict, this.now), ...more });
  }

  wish(name: string): this {
    this.record = { ...this.record, wanted: revision(name) };
    return this;
  }

  /** The canary is deployed and not ready yet. */
  deployed(): this {
    this.look();
    return this.act();
  }

  /** The canary has the weight of this step and the router has acknowledged it. */
  atStep(index: number): this {
    this.deployed();
    this.look();
    this.act();
    this.look();
    for (let passed = 0; passed < index; passed += 1) {
      while (this.record.pending === null) this.check("pass");
      this.act();
      this.look();
    }
    return this;
  }

  /** The checks of the first step have passed; needs a spec that holds there. */
  held(): this {
    this.atStep(0);
    while (this.record.state.phase === "progressing") this.check("pass");
    return this;
  }

  /** All requests were sent to the new revision; not acknowledged yet. */
  promoting(): this {
    this.atStep(0);
    this.look({ command: "promoteFull" });
    return this.act();
  }

  baking(): this {
    this.promoting();
    this.look();
    return this;
  }

  /** On the way back, the requests moved; not acknowledged yet. */
  goingBack(): this {
    this.atStep(0);
    this.look({ command: "rollback" });
    return this.act();
  }
}
