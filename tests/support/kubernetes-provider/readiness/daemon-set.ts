import { type Fields, numberAt } from "../kubernetes-object.ts";
import { type Verdict, ready, waiting } from "./verdict.ts";

/** Ready when every pod that should run is scheduled, of this generation, available and ready. */
export function daemonSetVerdict(daemonSet: Fields): Verdict {
  const generation = numberAt(daemonSet, "metadata", "generation") ?? 0;
  const status = (field: string): number | undefined => numberAt(daemonSet, "status", field);
  if ((status("observedGeneration") ?? 0) < generation) {
    return waiting("Waiting for the DaemonSet controller to see the change");
  }
  const desired = status("desiredNumberScheduled");
  if (desired === undefined) return waiting("Missing .status.desiredNumberScheduled");
  const counts = {
    Current: status("currentNumberScheduled"),
    Updated: status("updatedNumberScheduled"),
    Available: status("numberAvailable"),
    Ready: status("numberReady"),
  };
  for (const [label, count = 0] of Object.entries(counts)) {
    if (count < desired) return waiting(`${label}: ${count}/${desired}`);
  }
  return ready;
}
