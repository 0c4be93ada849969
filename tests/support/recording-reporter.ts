import type { Reason } from "../../rollout/core/reason.ts";
import type { Reporter, RolloutEvent } from "../../rollout/ports.ts";

/** Keeps every event. */
export class RecordingReporter implements Reporter {
  readonly events: RolloutEvent[] = [];

  report(event: RolloutEvent): void {
    this.events.push(event);
  }

  /** The kinds of the decisions that are worth a line, in order. */
  reasons(): readonly Reason["kind"][] {
    return this.events.flatMap((event) =>
      event.type === "decided" && event.notable ? [event.reason.kind] : [],
    );
  }
}
