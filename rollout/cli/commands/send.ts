import type { Command } from "../../core/decide.ts";
import { isUnfinished } from "../../core/decide.ts";
import { UserError } from "../../errors.ts";
import { exitCode } from "../exit-codes.ts";
import type { Output } from "../output.ts";
import { writeReport } from "../report-file.ts";
import { Service, type ServiceOptions } from "../service.ts";
import { driveService } from "./run.ts";

/**
 * Leaves a command for the driver that runs; where none runs, drives with it. Throws a UserError when no
 * rollout is under way.
 */
export async function send(
  command: Command,
  options: ServiceOptions,
  output: Output,
  signal: AbortSignal,
): Promise<number> {
  const service = await Service.open(options, true);
  try {
    const outputs = await service.outputs(signal);
    const store = service.store(outputs);
    const record = await store.load();
    if (record === null || !isUnfinished(record)) {
      throw new UserError(
        `no rollout of ${outputs.service} is under way: nothing to ${command === "rollback" ? "roll back" : "promote"}`,
      );
    }
    if (command === "promote" && record.state.phase !== "waiting") {
      throw new UserError(
        `the rollout is not held (phase ${record.state.phase}): it goes on by itself; --full skips what is left of the analysis`,
      );
    }
    await store.sendCommand(command);
    const holder = await store.holder();
    if (holder !== null) {
      output.say(`sent to the driver that runs: ${holder.who}`);
      return exitCode.ok;
    }
    const code = await driveService(
      service,
      outputs,
      { wanted: null, retry: false },
      output,
      signal,
    );
    await writeReport(service, output, signal);
    return code;
  } finally {
    service.close();
  }
}
