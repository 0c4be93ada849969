import { CommanderError } from "commander";
import { ContractError } from "../../infra/contract.ts";
import { OperationError } from "../errors.ts";
import { causes } from "./causes.ts";
import { commandLine } from "./command-line.ts";
import { exitCode } from "./exit-codes.ts";

async function main(): Promise<number> {
  let code: number = exitCode.ok;
  try {
    await commandLine((result) => (code = result)).parseAsync();
    return code;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? exitCode.ok : exitCode.usage;
    const mendable =
      error instanceof ContractError || (error instanceof Error && error.name === "UserError");
    process.stderr.write(`upramp: ${causes(error)}\n`);
    // the environment's fault: a command that moves anything deals with it itself
    const isOutside = error instanceof OperationError;
    return mendable || isOutside ? exitCode.usage : exitCode.internal;
  }
}

process.exitCode = await main();
