import { exitCode } from "./exit-codes.ts";

/**
 * The first SIGINT or SIGTERM asks: the running `pulumi up` is finished and the record saved. The second
 * ends at once; the record was saved before the action, so the next run finishes it.
 */
export function onInterrupt(say: (text: string) => void): AbortSignal {
  const controller = new AbortController();
  const interrupt = (): void => {
    if (controller.signal.aborted) process.exit(exitCode.interrupted);
    say("interrupted: finishing the running step; once more to end at once");
    controller.abort();
  };
  process.on("SIGINT", interrupt);
  process.on("SIGTERM", interrupt);
  return controller.signal;
}
