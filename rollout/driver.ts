import { sameAssignment, type Revision } from "./core/assignment.ts";
import {
  acted,
  checkDue,
  decide,
  isBetweenChecks,
  withConfigured,
  type ActFailure,
  type Command,
  type Decision,
  type Observation,
} from "./core/decide.ts";
import { violations } from "./core/invariants.ts";
import type { Reason } from "./core/reason.ts";
import type { RolloutSpec } from "./core/spec.ts";
import {
  isResting,
  newRecord,
  type Action,
  type FailedRevision,
  type Pending,
  type RolloutRecord,
} from "./core/state.ts";
import type {
  Clock,
  DriveOutcome,
  Lock,
  LockHolder,
  MetricsClient,
  Reporter,
  StackDriver,
  StackView,
  StateStore,
  TrafficReader,
} from "./ports.ts";
import { takeCheck } from "./take-check.ts";

/** Everything a drive needs; each part behind its port. */
export interface DriveOptions {
  readonly clock: Clock;
  readonly stack: StackDriver;
  readonly traffic: TrafficReader;
  readonly metrics: MetricsClient;
  readonly store: StateStore;
  readonly reporter: Reporter;
  /** A wish from the command line; null drives what the stack's configuration left as wanted. */
  readonly wanted: Revision | null;
  /** Try a revision again that is remembered as failed. */
  readonly retry: boolean;
  /** What the checkout says of how a rollout goes, which its first update brings into the stack; null or absent: as the stack says. */
  readonly spec?: RolloutSpec | null | undefined;
  /** Ends the drive once all that is due is done, however long the rollout still takes. */
  readonly once?: boolean | undefined;
  /**
   * Ends the drive at this time (ms since the epoch), or before where it would only wait until later. What is running
   * then is finished, and a way back that was decided is begun. However early it is, what an earlier drive saved is done.
   */
  readonly stopAt?: number | undefined;
  /** Aborted by the user: the running action is finished, then the drive ends with the record saved. */
  readonly signal: AbortSignal;
}

export type DriveEnd =
  | { readonly kind: "ended"; readonly outcome: DriveOutcome; readonly record: RolloutRecord }
  | { readonly kind: "refused"; readonly holder: LockHolder }
  /** With the error of whoever lost it. */
  | { readonly kind: "lockLost"; readonly why: Error }
  | { readonly kind: "notDeployed" };

/**
 * Drives one service until it is at rest, a person is needed, the user interrupts, or as far as `once` and `stopAt` say. May be
 * killed at any point: the next drive finishes the saved action and goes on.
 */
export async function drive(options: DriveOptions): Promise<DriveEnd> {
  const result = await options.store.lock();
  if (result.kind === "held") return { kind: "refused", holder: result.holder };
  try {
    // not cut short by an interruption: it takes a moment, and half an answer is none
    const view = await options.stack.read(result.lock.lost);
    if (view === null) return { kind: "notDeployed" };
    return await new Drive(options, result.lock, view).run();
  } finally {
    await result.lock.release();
  }
}

/** Our own mistake, caught before it reaches the stack. */
export class InvariantError extends Error {
  override readonly name = "InvariantError";
}

/** The core never waits longer before it tries an action again. */
const retryWaitMaxMs = 30_000;

class Drive {
  readonly #options: DriveOptions;
  readonly #lock: Lock;
  #view: StackView;
  #viewedAt: number;
  #saved = "";

  constructor(options: DriveOptions, lock: Lock, view: StackView) {
    this.#options = options;
    this.#lock = lock;
    this.#view = view;
    this.#viewedAt = options.clock.now();
  }

  async run(): Promise<DriveEnd> {
    try {
      return await this.#loop();
    } catch (error) {
      // a store refuses to save for a driver that another has replaced
      if (this.#lock.lost.aborted) return lockLost(this.#lock.lost);
      throw error;
    }
  }

  async #loop(): Promise<DriveEnd> {
    const { clock, reporter } = this.#options;
    let record = await this.#load();
    const spec = this.#options.spec ?? this.#view.spec;
    reporter.report({ type: "started", at: clock.now(), record, spec });
    for (;;) {
      if (this.#lock.lost.aborted) return lockLost(this.#lock.lost);
      if (this.#interrupted()) return this.#end("interrupted", null, record);
      let failure: ActFailure | null = null;
      const command = await this.#options.store.readCommand();
      if (record.pending !== null) {
        failure = await this.#finish(record, record.pending, command);
        if (this.#interrupted() && failure !== null) continue;
        if (failure === null) {
          // the first change of a rollout brings the checkout's specification into the stack
          if (record.pending.action.kind === "deployCanary") this.#viewedAt = -Infinity;
          record = await this.#save(record, acted(record, clock.now()));
        }
      }
      record = withConfigured(record, (await this.#freshView()).configured);
      const seen = await this.#observe(record, command, failure);
      // what was seen while being interrupted may be cut short: it must not be judged
      if (this.#interrupted()) continue;
      const decision = decide(this.#view.spec, record, seen);
      this.#report(record, decision);
      // an action that is only tried again has not answered the command: it stays for the next look
      const answered =
        record.pending === null || decision.record.pending?.action !== record.pending.action;
      record = await this.#save(record, decision.record);
      if (command !== null && answered) await this.#options.store.clearCommand();
      if (decision.outcome === "stop") return this.#end("stopped", decision.reason, record);
      if (decision.outcome === "end")
        return this.#end(outcomeOf(record, decision), decision.reason, record);
      if (this.#isEnough(decision)) return this.#end("underWay", decision.reason, record);
      if (record.pending === null) await this.#sleepUntil(decision.checkAgainAt);
    }
  }

  /** Whether the rest of the rollout is the next drive's. */
  #isEnough({ record, checkAgainAt }: Decision): boolean {
    const { once = false, clock } = this.#options;
    const { pending } = record;
    const now = clock.now();
    if (pending === null) {
      const isRest = once && isBetweenChecks(this.#view.spec, record, now);
      return isRest || this.#isTooLate(checkAgainAt);
    }
    // the way back is begun, whatever the time
    const isUrgent = !pending.action.forward && pending.attempts === 0;
    return !isUrgent && this.#isTooLate(Math.max(pending.notBefore, now));
  }

  #isTooLate(at: number): boolean {
    return at >= (this.#options.stopAt ?? Infinity);
  }

  /** The saved record, brought in step with the stack where nothing is under way. */
  async #load(): Promise<RolloutRecord> {
    const { store, wanted, retry } = this.#options;
    const view = this.#view;
    const loaded = await store.load();
    let record = loaded ?? newRecord(view.service, view.assignment, view.configured);
    const { state } = record;
    if (isResting(state) && !sameAssignment(state.assignment, view.assignment)) {
      // The stack was built anew behind the record: what it shows is what there is.
      record = { ...record, state: { phase: "idle", assignment: view.assignment } };
    }
    record = withConfigured(record, view.configured);
    if (wanted !== null) record = { ...record, wanted };
    if (retry) record = { ...record, failed: null };
    return this.#save(loaded, record);
  }

  /** Does the saved action, once it is due. Null when it is done, else why not. */
  async #finish(
    record: RolloutRecord,
    pending: Pending,
    command: Command | null,
  ): Promise<ActFailure | null> {
    const { clock, reporter } = this.#options;
    const { action } = pending;
    if (command === "rollback" && action.forward) {
      return { kind: "other", message: "not done: a rollback was asked for" };
    }
    // a clock that was set back must not stretch the wait
    await this.#sleepUntil(Math.min(pending.notBefore, clock.now() + retryWaitMaxMs));
    if (this.#interrupted()) return { kind: "other", message: "interrupted" };
    const startedAt = clock.now();
    const failure = (await this.#refused(action)) ?? (await this.#apply(record, action));
    const at = clock.now();
    reporter.report({ type: "acted", at, action: action.kind, tookMs: at - startedAt, failure });
    return failure;
  }

  /** The policies are asked before the first change of a rollout, so that a violation moves nothing. */
  #refused(action: Action): Promise<ActFailure | null> {
    if (action.kind !== "deployCanary") return Promise.resolve(null);
    return this.#options.stack.preview(action.assignment, this.#lock.lost);
  }

  async #apply(record: RolloutRecord, action: Action): Promise<ActFailure | null> {
    const result = await this.#options.stack.apply(action, failedToShow(record), this.#lock.lost);
    return result.kind === "failed" ? result.failure : null;
  }

  async #observe(
    record: RolloutRecord,
    command: Command | null,
    failure: ActFailure | null,
  ): Promise<Observation> {
    const { clock, traffic, metrics, signal } = this.#options;
    const { weights, ready, obstacle } = await traffic.read(signal);
    const now = clock.now();
    const due = failure === null && checkDue(this.#view.spec, record.state, now);
    const check = due ? await takeCheck(this.#view, record.state, metrics, now, signal) : null;
    return { now: clock.now(), weights, ready, obstacle, check, command, failure };
  }

  /** The stack's account, at most one interval old. */
  async #freshView(): Promise<StackView> {
    const { clock, stack } = this.#options;
    const now = clock.now();
    // either way: the clock may have been set back
    if (Math.abs(now - this.#viewedAt) < this.#view.spec.intervalMs) return this.#view;
    const view = await stack.read(this.#lock.lost);
    if (view === null) throw new Error("the service stack has been destroyed during the rollout");
    this.#view = view;
    this.#viewedAt = now;
    return view;
  }

  /** Saves what changed, after an independent look at whether it may be. */
  async #save(before: RolloutRecord | null, after: RolloutRecord): Promise<RolloutRecord> {
    const text = JSON.stringify(after);
    if (text === this.#saved) return after;
    const wrong = violations(this.#view.spec, before, after);
    if (wrong.length > 0) throw new InvariantError(wrong.join("; "));
    await this.#options.store.save(after);
    this.#saved = text;
    return after;
  }

  #report(before: RolloutRecord, decision: Decision): void {
    const { record, reason, checkAgainAt } = decision;
    const last = record.history.at(-1);
    const notable = last !== undefined && last !== before.history.at(-1);
    const at = this.#options.clock.now();
    const { spec } = this.#view;
    const event = { type: "decided", at, reason, record, spec, notable, checkAgainAt } as const;
    this.#options.reporter.report(event);
  }

  #end(outcome: DriveOutcome, reason: Reason | null, record: RolloutRecord): DriveEnd {
    const at = this.#options.clock.now();
    this.#options.reporter.report({ type: "ended", at, outcome, reason, record });
    return { kind: "ended", outcome, record };
  }

  #interrupted(): boolean {
    return this.#options.signal.aborted || this.#lock.lost.aborted;
  }

  async #sleepUntil(at: number): Promise<void> {
    const { clock, signal } = this.#options;
    const ms = at - clock.now();
    if (ms > 0) await clock.sleep(ms, AbortSignal.any([signal, this.#lock.lost]));
  }
}

function outcomeOf(record: RolloutRecord, decision: Decision): DriveOutcome {
  if (decision.reason.kind === "rolledBack") return "rolledBack";
  if (decision.reason.kind === "alreadyFailed") return "rolledBack";
  return record.state.phase === "succeeded" && decision.reason.kind !== "upToDate"
    ? "promoted"
    : "upToDate";
}

/** The failed revision as the stack shall remember it while and after this action. */
function failedToShow(record: RolloutRecord): FailedRevision | null {
  const { state } = record;
  if (state.phase !== "finalizing") return record.failed;
  if (state.outcome === "promoted") return null;
  if (state.why.kind === "wantedIsPrimary") return record.failed;
  return { id: state.rollout.to.id, name: state.rollout.to.name, why: state.why };
}

function lockLost({ reason }: AbortSignal): DriveEnd {
  const why = reason instanceof Error ? reason : new Error("another driver has taken it");
  return { kind: "lockLost", why };
}
