import { isBlind } from "./analysis.ts";
import { refuse } from "./commands.ts";
import { count } from "./counters.ts";
import { wait, type Decision, type Situation } from "./decision.ts";
import { rollBack } from "./going-back.ts";
import { isWhole, lost, readinessOf } from "./observation.ts";
import { promoteNow } from "./promotion.ts";
import { confirm, drift } from "./read-back.ts";
import { pollMs } from "./schedule.ts";
import { newSlot, type Waiting } from "./state.ts";
import { isLastStep, onward } from "./steps.ts";

/** Held at a step until a person promotes. Checks go on and can still roll back. */
export function whileWaiting(at: Situation, state: Waiting): Decision {
  const { command, check } = at.seen;
  const died = lost(readinessOf(at.seen, newSlot(state.rollout)));
  if (died !== null) return rollBack(at, state, died);
  if (state.confirmedAt === null) return confirm(at, state);
  const drifted = drift(at, state);
  if (drifted !== null) return drifted;
  if (command === "promoteFull") return promoteNow(at, unheld(state, at.seen.now));
  if (command === "promote") return release(at, state);
  const held = { kind: "waitingForPromote", step: state.step, check } as const;
  if (check === null) return wait(at, state, held, pollMs);
  const checked = { ...state, lastVerdict: check.verdict };
  // A held canary may have no requests for hours, so a blind check is shown and not counted.
  if (isBlind(check)) return wait(at, { ...checked, lastCheckAt: check.at }, held, pollMs);
  const counted = count(at, checked, check);
  if (counted.kind === "limit") return rollBack(at, counted.state, counted.why);
  return wait(at, counted.state, check.verdict === "fail" ? counted.reason : held, pollMs);
}

/** `promote`: on to the next step, or after the last one to promotion, which never rests on missing data. */
function release(at: Situation, state: Waiting): Decision {
  const canary = readinessOf(at.seen, newSlot(state.rollout));
  if (!isWhole(canary)) return refuse(at, "promote", "the canary is not fully ready");
  if (isLastStep(at.spec, state) && state.lastVerdict !== "pass") {
    const why = `the last check did not pass (${state.lastVerdict}); promote --full overrides`;
    return refuse(at, "promote", why);
  }
  return onward(at, unheld(state, at.seen.now), { kind: "promoteRequested", full: false });
}

function unheld(state: Waiting, now: number): Waiting {
  const heldMs = state.rollout.heldMs + (now - state.heldSince);
  return { ...state, rollout: { ...state.rollout, heldMs } };
}
