import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { renderHtml } from "../report/html.ts";
import { causes } from "./causes.ts";
import type { Output } from "./output.ts";
import type { Service } from "./service.ts";

/** Writes the page that explains the last rollout, beside the record where that is a file, and says where. */
export async function writeReport(
  service: Service,
  output: Output,
  signal: AbortSignal,
): Promise<void> {
  try {
    const outputs = await service.outputs(signal);
    const record = await service.store(outputs).load();
    if (record === null || record.history.length === 0) return;
    const { store } = outputs;
    const folder =
      store.kind === "file"
        ? store.directory
        : join(service.project.directory, ".upramp", "reports");
    const path = join(folder, `${service.stackName}.html`);
    await mkdir(folder, { recursive: true });
    await writeFile(path, renderHtml(record, outputs.rollout));
    output.say(`report: ${path}`);
  } catch (error) {
    // the rollout is over; a page that cannot be written must not change how it ended
    output.say(`the report could not be written: ${causes(error)}`);
  }
}
