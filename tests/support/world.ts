import type { Sample } from "../../rollout/core/analysis.ts";
import {
  allTo,
  slots,
  type Assignment,
  type Revision,
  type Slot,
  type Weights,
} from "../../rollout/core/assignment.ts";
import type { ActFailure, Readiness } from "../../rollout/core/decide.ts";
import type { RolloutSpec } from "../../rollout/core/spec.ts";
import type { Action, FailedRevision } from "../../rollout/core/state.ts";
import type { ApplyResult, QuerySource, StackView, Traffic } from "../../rollout/ports.ts";
import { FakeClock } from "./fake-clock.ts";
import { Random } from "./random.ts";

/** How a revision behaves when it runs. */
export interface Behavior {
  /** Percent of its answers that are good. */
  readonly successRate: number;
  readonly latencyMs: number;
  /** Time to become ready; null means never. */
  readonly startMs: number | null;
  /** It exits at once, and the engine says so. */
  readonly exits: boolean;
}

export const good: Behavior = { successRate: 99.9, latencyMs: 80, startMs: 2_000, exits: false };
export const bad: Behavior = { ...good, successRate: 80 };
export const slow: Behavior = { ...good, latencyMs: 900 };
export const neverReady: Behavior = { ...good, startMs: null };
export const exiting: Behavior = { ...good, startMs: null, exits: true };

/** What one change of the stack may meet. `halfway`: a part was done, and the engine reports a failure. */
export type ApplyFault = "none" | "locked" | "fails" | "appliedButFails" | "halfway" | "slow";

export type MetricsFault = "none" | "down" | "nan" | "noData" | "manySeries";

interface Workload {
  readonly revision: Revision;
  /** By `FakeClock.passed`; null means never. */
  readonly readyAt: number | null;
  ready: number;
}

export interface WorldOptions {
  readonly service: string;
  readonly spec: RolloutSpec;
  readonly primary: Revision;
  readonly behavior: (revision: Revision) => Behavior;
}

/** What is asked in the world's metrics: the queries below with their variables filled in. */
export const worldQueries: QuerySource = {
  queries: {
    "success-rate": 'success{slot="{{ slot }}"}[{{ window }}]',
    latency: 'latency{slot="{{ slot }}"}[{{ interval }}]',
  },
  variables: { blue: {}, green: {} },
};

const replicas = 2;
const settleMaxMs = 200;
const upMaxMs = 3_000;
const askMaxMs = 50;
const slowUpMs = 60_000;

/** Thrown in the place of a process that is killed. */
export class Crash extends Error {
  override readonly name = "Crash";
}

/**
 * One service with its stack, workloads, router and metrics server, in memory and with a seed. The fakes of
 * the ports look at it and change it; it also watches: whatever must never be seen is written to `wrong`.
 */
export class World {
  readonly clock: FakeClock;
  readonly random: Random;
  readonly wrong: string[] = [];
  /** Revisions that served all requests as primary, in order. */
  readonly promoted: string[] = [];
  spec: RolloutSpec;
  configured: Revision;
  assignment: Assignment;
  failedShown: FailedRevision | null = null;
  deployed = true;
  applyFault: (action: Action) => ApplyFault = () => "none";
  metricsFault: MetricsFault = "none";
  /** Slots without weight get copies of requests. */
  #copies = false;
  routerUnreachable = false;
  /** Takes changes and does not follow them. */
  routerSilent = false;
  policy: (assignment: Assignment) => string | null = () => null;
  /** Called at every place where a process can be killed; throws a Crash to kill it. */
  point: (name: string) => void = () => undefined;
  /** Called in the middle of every question to the router, the metrics server or the stack. */
  asked: () => void = () => undefined;

  readonly #options: WorldOptions;
  readonly #workloads: Record<Slot, Workload | null>;
  #target: Weights;
  #shown: Weights;
  /** When the router last changed, by `FakeClock.passed`. */
  #shownSince = 0;
  /** Since when the weights are as somebody else set them, by `FakeClock.passed`; null when they are not. */
  #meddledSince: number | null = null;
  #meddledMs = 0;
  #clockWasSet = -1;
  /** The router was told something while it was silent. */
  #missed = false;

  constructor(seed: number, options: WorldOptions, clock = new FakeClock()) {
    this.clock = clock;
    this.random = new Random(seed);
    this.#options = options;
    this.spec = options.spec;
    this.configured = options.primary;
    this.assignment = {
      primary: "blue",
      slots: { blue: options.primary, green: null },
      weights: allTo("blue"),
    };
    this.#workloads = {
      blue: { revision: options.primary, readyAt: 0, ready: replicas },
      green: null,
    };
    this.#target = this.assignment.weights;
    this.#shown = this.#target;
  }

  // ---- what the ports see ----

  /** Asking takes time too, and much can happen in it. */
  linger(): void {
    this.#pass(askMaxMs);
    this.asked();
  }

  view(): StackView | null {
    if (!this.deployed) return null;
    const { assignment, configured, spec } = this;
    return { service: this.#options.service, assignment, configured, spec, queries: worldQueries };
  }

  preview(assignment: Assignment): ActFailure | null {
    this.#pass(upMaxMs / 3);
    const violated = this.policy(assignment);
    return violated === null ? null : { kind: "policy", message: violated };
  }

  apply(action: Action, failed: FailedRevision | null): ApplyResult {
    this.point("before apply");
    const fault = this.applyFault(action);
    if (fault === "slow") this.clock.advance(slowUpMs);
    this.#pass(upMaxMs);
    if (fault === "locked") return failure("locked", "another update is in progress");
    if (fault === "fails") return failure("other", "the engine failed before any change");
    const violated = action.forward ? this.policy(action.assignment) : null;
    if (violated !== null) return failure("policy", violated);
    const wasMeddled = this.#isMeddled();
    const before = this.assignment;
    this.#run(action.assignment);
    this.point("half-way through apply");
    if (fault === "halfway") {
      if (this.random.chance(0.5)) this.#route(action.assignment.weights);
      return failure("other", "the engine failed half-way");
    }
    this.#route(action.assignment.weights);
    this.#remove(action.assignment, wasMeddled);
    this.assignment = action.assignment;
    this.failedShown = failed;
    if (before.primary !== this.assignment.primary) {
      this.promoted.push(this.assignment.slots[this.assignment.primary]?.name ?? "nothing");
    }
    this.point("after apply");
    const canary = this.assignment.slots[action.assignment.primary === "blue" ? "green" : "blue"];
    if (action.kind === "deployCanary" && canary !== null) {
      if (this.#options.behavior(canary).exits) return failure("workload", "exited with code 1");
    }
    return fault === "appliedButFails"
      ? failure("other", "the connection to the backend was lost")
      : { kind: "applied" };
  }

  traffic(): Traffic {
    if (this.routerUnreachable) return { weights: null, ready: null };
    return { weights: this.#shown, ready: this.ready() };
  }

  ready(): Readonly<Record<Slot, Readiness>> {
    return { blue: this.#readiness("blue"), green: this.#readiness("green") };
  }

  /** Requests as the router splits them now. */
  shown(): Weights {
    return this.#shown;
  }

  /** The longest time in ms that weights stayed as somebody else had set them. */
  meddledMs(): number {
    const now = this.#meddledSince === null ? 0 : this.clock.passed() - this.#meddledSince;
    return Math.max(this.#meddledMs, now);
  }

  answer(promql: string, at: number): Sample {
    switch (this.metricsFault) {
      case "down":
        return { kind: "unavailable", message: "connection refused" };
      case "nan":
        return { kind: "value", value: NaN };
      case "noData":
        return { kind: "none" };
      case "manySeries":
        return { kind: "many", series: 3 };
      case "none":
        return this.#measure(promql, at);
    }
  }

  // ---- what happens to it ----

  /** Somebody else sets the weights at the router. */
  meddle(weights: Weights): void {
    this.#meddledSince ??= this.clock.passed();
    this.#show(weights);
  }

  /** All pods of a slot die; they come back after a time, or never. */
  kill(slot: Slot, backAfterMs: number | null): void {
    const workload = this.#workloads[slot];
    if (workload === null || workload.ready === 0) return;
    workload.ready = 0;
    if (backAfterMs === null) return;
    this.clock.after(backAfterMs, () => {
      workload.ready = replicas;
    });
  }

  /** One pod of a slot dies and comes back. */
  weaken(slot: Slot, backAfterMs: number): void {
    const workload = this.#workloads[slot];
    if (workload === null || workload.ready < replicas) return;
    workload.ready = replicas - 1;
    this.clock.after(backAfterMs, () => {
      workload.ready = replicas;
    });
  }

  setClock(ms: number): void {
    this.clock.jump(ms);
    this.#clockWasSet = this.clock.passed();
  }

  /** A silent router comes back and does what it was told meanwhile. */
  follow(): void {
    this.routerSilent = false;
    if (!this.#missed) return;
    this.#missed = false;
    this.#obey();
  }

  // ---- inside ----

  #pass(upToMs: number): void {
    this.clock.advance(this.random.integer(0, upToMs));
  }

  /** Creations and changes of workloads; the engine does these first. */
  #run(assignment: Assignment): void {
    for (const slot of slots) {
      const wanted = assignment.slots[slot];
      const running = this.#workloads[slot];
      if (wanted === null || wanted.id === running?.revision.id) continue;
      if (running !== null) this.#mayStop(slot, "replaced", this.#isMeddled());
      const { startMs } = this.#options.behavior(wanted);
      const readyAt = startMs === null ? null : this.clock.passed() + startMs;
      const workload = { revision: wanted, readyAt, ready: 0 };
      this.#workloads[slot] = workload;
      if (startMs !== null) {
        this.clock.after(startMs, () => {
          workload.ready = replicas;
        });
      }
    }
  }

  #route(weights: Weights): void {
    this.#target = weights;
    this.clock.after(this.random.integer(0, settleMaxMs), () => {
      this.#missed = this.routerSilent;
      if (this.routerSilent) return;
      this.#obey();
    });
  }

  #isMeddled(): boolean {
    return this.#meddledSince !== null;
  }

  /** The router shows what it was told. */
  #obey(): void {
    if (this.#meddledSince !== null) {
      this.#meddledMs = Math.max(this.#meddledMs, this.clock.passed() - this.#meddledSince);
    }
    this.#meddledSince = null;
    this.#show(this.#target);
  }

  /** Removals; the engine does these last. */
  #remove(assignment: Assignment, meddled: boolean): void {
    for (const slot of slots) {
      if (assignment.slots[slot] !== null || this.#workloads[slot] === null) continue;
      this.#mayStop(slot, "removed", meddled);
      this.#workloads[slot] = null;
    }
  }

  #mayStop(slot: Slot, how: string, meddled: boolean): void {
    if (this.#shown[slot] > 0 && !meddled) {
      this.wrong.push(`${slot} was ${how} while it had ${this.#shown[slot]} % of the requests`);
    }
  }

  #show(weights: Weights): void {
    for (const slot of slots) {
      if (weights[slot] === 0 || this.#shown[slot] > 0 || this.#isMeddled()) continue;
      const workload = this.#workloads[slot];
      if (workload === null) this.wrong.push(`requests went to ${slot}, which is empty`);
      else if (workload.readyAt === null || workload.readyAt > this.clock.passed())
        this.wrong.push(`requests went to ${slot}, which has never been ready`);
    }
    if (weights.blue !== this.#shown.blue) this.#shownSince = this.clock.passed();
    this.#shown = weights;
  }

  #readiness(slot: Slot): Readiness {
    const workload = this.#workloads[slot];
    return workload === null
      ? { ready: 0, wanted: 0 }
      : { ready: workload.ready, wanted: replicas };
  }

  #measure(promql: string, at: number): Sample {
    const [, metric, slotName, seconds] = /^(\w+)\{slot="(\w+)"\}\[(\d+)s\]$/.exec(promql) ?? [];
    const slot = slots.find((candidate) => candidate === slotName);
    if (slot === undefined) throw new Error(`the world cannot answer ${promql}`);
    this.#mayAsk(Number(seconds) * 1_000, at);
    const workload = this.#workloads[slot];
    this.#copies ||= this.spec.steps[0]?.weight === 0;
    if ((this.#shown[slot] === 0 && !this.#copies) || workload === null) return { kind: "none" };
    const { successRate, latencyMs } = this.#options.behavior(workload.revision);
    const noise = this.random.next() * 0.1;
    if (metric === "latency") return { kind: "value", value: latencyMs * (1 + noise) };
    return { kind: "value", value: workload.ready === 0 ? 0 : successRate - noise };
  }

  /** A window covers nothing but the split of now; a second is the shortest that can be asked. */
  #mayAsk(windowMs: number, at: number): void {
    // a check at a split that somebody else made is thrown away, and after the clock was set nobody can tell
    if (this.#isMeddled() || this.#clockWasSet >= this.#shownSince || windowMs <= 1_000) return;
    const lateMs = this.clock.now() - at;
    if (this.clock.passed() - lateMs - windowMs < this.#shownSince) {
      this.wrong.push(`a query looked back ${windowMs} ms, into another split`);
    }
  }
}

function failure(kind: ActFailure["kind"], message: string): ApplyResult {
  return { kind: "failed", failure: { kind, message } };
}
