import type { ServiceOutputs } from "../../../infra/contract.ts";
import { drive, type DriveEnd, type DriveOptions } from "../../driver.ts";
import { OperationError, UserError } from "../../errors.ts";
import { SystemClock } from "../../adapters/system-clock.ts";
import { causes } from "../causes.ts";
import { exitCode, exitCodeOf } from "../exit-codes.ts";
import type { Output } from "../output.ts";
import { refuseWrongConfigs } from "../policy-packs.ts";
import { preflight } from "../preflight.ts";
import { writeReport } from "../report-file.ts";
import { Service, type ServiceOptions } from "../service.ts";
import { wantedRevision } from "../wanted-revision.ts";

export interface RunOptions extends ServiceOptions {
  readonly revision?: string | undefined;
  readonly retry?: boolean | undefined;
  /** Does what is due now, then ends. */
  readonly once?: boolean | undefined;
  /** Ends within this time, in ms from the call. */
  readonly forMs?: number | undefined;
}

/** What one drive is to do, and how far. */
type DriveWish = Pick<DriveOptions, "wanted" | "retry" | "once" | "stopAt">;

/**
 * Sets the wanted revision, if one is given, and drives the service: until it is at rest, or as far as the options say.
 * Deploys the stack first when it has never been.
 */
export async function run(
  options: RunOptions,
  output: Output,
  signal: AbortSignal,
): Promise<number> {
  const { once, forMs, retry = false } = options;
  const stopAt = forMs === undefined ? undefined : new SystemClock().now() + forMs;
  const service = await Service.open(options, true);
  try {
    let outputs = await service.findOutputs(signal);
    if (outputs === null) {
      await refuseWrongConfigs(service.policyPacks);
      output.say(`stack ${service.stackName} has no service yet: deploying it`);
      await service.stack.install(signal);
      outputs = await service.outputs(signal);
    }
    const wanted = await wantedRevision(options.revision, outputs);
    const wish = { wanted, retry, once, stopAt };
    const code = await driveService(service, outputs, wish, output, signal);
    await writeReport(service, output, signal);
    return code;
  } finally {
    service.close();
  }
}

/** Drives an opened service and says how it ended. */
export async function driveService(
  service: Service,
  outputs: ServiceOutputs,
  wish: DriveWish,
  output: Output,
  signal: AbortSignal,
): Promise<number> {
  const spec = await preflight(service, outputs, wish.wanted, signal);
  const end = await driven({
    clock: new SystemClock(),
    stack: service.stack,
    traffic: service.traffic(outputs),
    metrics: service.metrics(outputs),
    store: service.store(outputs),
    reporter: output.reporter,
    ...wish,
    spec,
    signal,
  });
  return finish(end, service, output);
}

/** As `drive`; the world that fails in the middle has it stopped. */
async function driven(options: DriveOptions): Promise<DriveEnd | OperationError> {
  try {
    return await drive(options);
  } catch (error) {
    if (error instanceof OperationError) return error;
    throw error;
  }
}

function finish(end: DriveEnd | OperationError, service: Service, output: Output): number {
  if (end instanceof OperationError) {
    output.say(`stopped: ${causes(end)}`);
    output.say("see to that; then `upramp run` goes on");
    return exitCode.stopped;
  }
  switch (end.kind) {
    case "ended":
      return exitCodeOf(end.outcome);
    case "refused": {
      const since = new Date(end.holder.since).toISOString();
      output.say(`another driver holds the lock: ${end.holder.who}, since ${since}`);
      output.say(`look at it with \`upramp status -s ${service.stackName}\`; it goes on by itself`);
      return exitCode.locked;
    }
    case "lockLost":
      output.say(`the lock is lost: ${end.why.message}; this driver stopped at once`);
      if (!(end.why instanceof OperationError)) return exitCode.locked;
      output.say("nobody else drives: see to that; then `upramp run` goes on");
      return exitCode.stopped;
    case "notDeployed":
      throw new UserError(`stack "${service.stackName}" has no service`);
  }
}
