import { decided, type Decision, type Situation } from "./decision.ts";
import type { Command } from "./observation.ts";
import { pollMs } from "./schedule.ts";
import type { RolloutState } from "./state.ts";

/** Says why the command given cannot be done in this phase; null when there is none or it can. */
export function refused(at: Situation): Decision | null {
  const { command } = at.seen;
  if (command === null) return null;
  const why = whyNot(command, at.record.state);
  return why === null ? null : refuse(at, command, why);
}

/** Takes note of a command that changes nothing. */
export function refuse(at: Situation, command: Command, why: string): Decision {
  const reason = { kind: "commandRefused", command, why } as const;
  return decided(at, at.record, reason, at.seen.now + pollMs, "continue");
}

function whyNot(command: Command, state: RolloutState): string | null {
  switch (state.phase) {
    case "idle":
    case "succeeded":
    case "failed":
      return "nothing is being rolled out";
    case "progressing":
      if (command === "promote") return "no hold to release: the step's checks are still going on";
      if (command === "promoteFull" && state.step < 0) return "the canary is not up yet";
      return null;
    case "waiting":
      return null;
    case "promoting":
      return command === "rollback" ? null : "promotion is already under way";
    case "finalizing":
      if (state.outcome === "rolledBack") return "the rollout is already going back";
      if (command !== "rollback") return "already promoted";
      return state.stage === "removing"
        ? "the old revision is already being removed; roll it out as a new one"
        : null;
  }
}
