import type { StateStore } from "../../ports.ts";
import { statusText } from "../../report/status-text.ts";
import { exitCode } from "../exit-codes.ts";
import { Service, type ServiceOptions } from "../service.ts";
import type { Output } from "../output.ts";

/** Says where a service stands and what would happen next; changes nothing and takes no lock. */
export async function status(
  options: ServiceOptions,
  output: Output,
  signal: AbortSignal,
): Promise<number> {
  const service = await Service.open(options, false);
  const outputs = await service.outputs(signal);
  const store: StateStore = service.store(outputs);
  const [record, traffic, holder] = await Promise.all([
    store.load(),
    service.traffic(outputs).read(signal),
    store.holder(),
  ]);
  const { assignment, configured, endpoint, logs, rollout } = outputs;
  output.result(
    { type: "status", service: outputs.service, assignment, configured, traffic, holder, record },
    () =>
      statusText({
        outputs: { assignment, configured, endpoint, logs },
        spec: rollout,
        record,
        traffic,
        holder,
      }),
  );
  return exitCode.ok;
}
