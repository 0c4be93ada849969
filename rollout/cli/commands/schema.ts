import { exitCode } from "../exit-codes.ts";
import { outputJsonSchema } from "../json-output.ts";

/** Prints the JSON Schema of the lines that commands write with `--json`. */
export function schema(): number {
  process.stdout.write(`${JSON.stringify(outputJsonSchema(), null, 2)}\n`);
  return exitCode.ok;
}
