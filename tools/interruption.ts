import { constants } from "node:os";

/** Why the work ended: the reason of the signal below. */
class Interrupted extends Error {
  override readonly name = "Interrupted";
  readonly exitCode: number;

  constructor(signal: "SIGINT" | "SIGTERM" | "SIGHUP") {
    super(`interrupted by ${signal}`);
    this.exitCode = 128 + constants.signals[signal];
  }
}

/** An AbortSignal that the first Ctrl-C or kill of this process fires; the second one kills it. */
export function interruptionSignal(): AbortSignal {
  const controller = new AbortController();
  for (const name of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
    process.once(name, () => controller.abort(new Interrupted(name)));
  }
  return controller.signal;
}

/**
 * The exit code for an error that ends a script of `tools/`, after saying on standard error what
 * the reader needs: nothing for an interruption, the message for a UserError, all for a fault of ours.
 */
export function exitCodeOf(error: unknown, signal: AbortSignal): number {
  if (signal.aborted && signal.reason instanceof Interrupted) {
    console.error(`upramp: ${signal.reason.message}`);
    return signal.reason.exitCode;
  }
  if (error instanceof Error && error.name === "UserError") {
    console.error(`upramp: ${error.message}`);
    return 2;
  }
  console.error(error);
  return 1;
}
