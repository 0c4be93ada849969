import { doctorText } from "../../../tools/doctor-text.ts";
import { doctor as examine } from "../../../tools/doctor.ts";
import { exitCode } from "../exit-codes.ts";
import type { Output } from "../output.ts";
import type { ServiceOptions } from "../service.ts";

/** What was found of the tools; ends with the usage code when one that is needed is missing. */
export async function doctor(_options: ServiceOptions, output: Output): Promise<number> {
  const report = await examine();
  output.result({ type: "doctor", ...report }, () => doctorText(report));
  return report.ready ? exitCode.ok : exitCode.usage;
}
