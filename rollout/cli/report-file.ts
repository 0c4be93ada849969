import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { ServiceOutputs } from "../../infra/contract.ts";
import type { StateStore } from "../ports.ts";
import { renderHtml } from "../report/html.ts";
import type { Output } from "./output.ts";
import type { Service } from "./service.ts";

/** Writes the page that explains the last rollout, beside its record, and says where it is. */
export async function writeReport(
  service: Service,
  outputs: ServiceOutputs,
  store: StateStore,
  output: Output,
): Promise<void> {
  const record = await store.load();
  if (record === null || record.history.length === 0) return;
  const path = join(outputs.store.directory, `${service.stackName}.html`);
  try {
    await writeFile(path, renderHtml(record, outputs.rollout));
    output.say(`report: ${path}`);
  } catch (error) {
    // the rollout is over; a page that cannot be written must not change how it ended
    output.say(
      `the report could not be written: ${error instanceof Error ? error.message : String(error)}`,
    );
  }
}
