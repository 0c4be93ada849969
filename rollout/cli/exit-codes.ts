import type { DriveOutcome } from "../ports.ts";

/** What the process ends with; documented in docs/operating.md and shown by `upramp run --help`. */
export const exitCode = {
  /** Promoted, or nothing to do, or the check passed. */
  ok: 0,
  /** A fault of upramp's own. */
  internal: 1,
  /** Wrong usage, configuration or environment: nothing was moved. */
  usage: 2,
  /** Rolled back: all requests are at the old revision. */
  rolledBack: 3,
  /** Stopped; a person is needed, or a cluster that is back. The record is kept and the next run goes on from it. */
  stopped: 4,
  /** Another driver holds the lock, or has taken it. */
  locked: 5,
  /** Not finished: `--once` did what was due, or the time of `--for` is over. The next run goes on. */
  underWay: 6,
  /** Interrupted by a signal; the next run goes on. */
  interrupted: 130,
} as const;

export function exitCodeOf(outcome: DriveOutcome): number {
  switch (outcome) {
    case "promoted":
    case "upToDate":
      return exitCode.ok;
    case "rolledBack":
      return exitCode.rolledBack;
    case "stopped":
      return exitCode.stopped;
    case "underWay":
      return exitCode.underWay;
    case "interrupted":
      return exitCode.interrupted;
  }
}
