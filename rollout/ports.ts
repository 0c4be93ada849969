import type { Sample } from "./core/analysis.ts";
import type { Assignment, Revision, Slot, Weights } from "./core/assignment.ts";
import type { ActFailure, Command, Readiness } from "./core/decide.ts";
import type { Reason } from "./core/reason.ts";
import type { RolloutSpec } from "./core/spec.ts";
import type { Action, FailedRevision, RolloutRecord } from "./core/state.ts";

/** Time. The only clock of the driver. */
export interface Clock {
  /** Milliseconds since the epoch. */
  now(): number;
  /** Resolves after `ms`, or as soon as the signal is aborted. Never rejects. */
  sleep(ms: number, signal: AbortSignal): Promise<void>;
}

/** What a service stack says of itself, parsed from its outputs. */
export interface StackView {
  readonly service: string;
  readonly assignment: Assignment;
  /** The revision that the stack's configuration asks for. */
  readonly configured: Revision;
  readonly spec: RolloutSpec;
  readonly queries: QuerySource;
}

/** What the router brings to metric templates. */
export interface QuerySource {
  /** Built-in query templates by metric name. */
  readonly queries: Readonly<Record<string, string>>;
  /** Template variables that differ per slot. */
  readonly variables: Readonly<Record<Slot, Readonly<Record<string, string>>>>;
}

/** Whether one change of the stack was applied. A failed `up` is never assumed applied or not: it says so. */
export type ApplyResult =
  { readonly kind: "applied" } | ({ readonly kind: "failed" } & { readonly failure: ActFailure });

/** The service stack, changed only by whole assignments. */
export interface StackDriver {
  /** The stack's own account, or null when it has never been deployed. */
  read(signal: AbortSignal): Promise<StackView | null>;
  /** What stands against the assignment, a violated mandatory policy above all, or null. Nothing is changed. */
  preview(assignment: Assignment, signal: AbortSignal): Promise<ActFailure | null>;
  /**
   * Makes the stack show the action's assignment. Resolves with what is known for sure; rejects only
   * on faults of our own. The policies are asked only for a forward action.
   */
  apply(action: Action, failed: FailedRevision | null, signal: AbortSignal): Promise<ApplyResult>;
}

/** What the router does with requests now. */
export interface Traffic {
  /** The split as the router acknowledges it; null when it shows none. */
  readonly weights: Weights | null;
  readonly ready: Readonly<Record<Slot, Readiness>> | null;
  /** Why one of them is null, in the words of whoever refuses it; absent when nobody says. */
  readonly obstacle?: string | undefined;
}

/** Reads the router and the workloads themselves, not what the stack believes of them. */
export interface TrafficReader {
  /** Unreachable is a value (nulls), not an exception. */
  read(signal: AbortSignal): Promise<Traffic>;
}

export interface MetricsClient {
  /** One number for one rendered PromQL expression at one time (ms since the epoch). Never rejects. */
  query(promql: string, at: number, signal: AbortSignal): Promise<Sample>;
}

/** A held lock. Losing it (another process took over) aborts `lost`. */
export interface Lock {
  readonly lost: AbortSignal;
  release(): Promise<void>;
}

/** Who holds the lock when it could not be had. */
export interface LockHolder {
  readonly who: string;
  readonly since: number;
}

export type LockResult =
  | { readonly kind: "locked"; readonly lock: Lock }
  | { readonly kind: "held"; readonly holder: LockHolder };

/** The record and the lock, where every machine that may drive sees them. */
export interface StateStore {
  load(): Promise<RolloutRecord | null>;
  /** Durable and whole when it resolves: after a crash the next `load` gives this record or the one before. */
  save(record: RolloutRecord): Promise<void>;
  lock(): Promise<LockResult>;
  /** Who holds the lock now; null when nobody does. */
  holder(): Promise<LockHolder | null>;
  /** Leaves a command for whoever drives. */
  sendCommand(command: Command): Promise<void>;
  /** The command left, or null. It stays until cleared, so that a crash in between does not lose it. */
  readCommand(): Promise<Command | null>;
  /** Called once the decision on the command is saved. */
  clearCommand(): Promise<void>;
}

/** What happens, for people and machines. The driver never prints. */
export type RolloutEvent =
  | {
      readonly type: "started";
      readonly at: number;
      readonly record: RolloutRecord;
      readonly spec: RolloutSpec;
    }
  | {
      readonly type: "decided";
      readonly at: number;
      readonly reason: Reason;
      readonly record: RolloutRecord;
      /** What it was decided by: an update may have changed it in the middle. */
      readonly spec: RolloutSpec;
      /** False while something is awaited: worth a live line, not a line of its own. True: the record's history has it last. */
      readonly notable: boolean;
      readonly checkAgainAt: number;
    }
  | {
      readonly type: "acted";
      readonly at: number;
      readonly action: Action["kind"];
      /** Time from the decision to the read-back. */
      readonly tookMs: number;
      readonly failure: ActFailure | null;
    }
  | {
      readonly type: "ended";
      readonly at: number;
      readonly outcome: DriveOutcome;
      /** Null when interrupted. */
      readonly reason: Reason | null;
      readonly record: RolloutRecord;
    };

export interface Reporter {
  report(event: RolloutEvent): void;
}

/** How a drive ended; each has an exit code of its own (rollout/cli/exit-codes.ts). */
export type DriveOutcome =
  | "promoted"
  | "upToDate"
  | "rolledBack"
  | "stopped"
  | "interrupted"
  /** Not finished: what was due is done, or the drive's time is over. The next drive goes on. */
  | "underWay";
