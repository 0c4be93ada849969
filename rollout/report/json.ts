import type { Reason } from "../core/reason.ts";
import type { RolloutSpec } from "../core/spec.ts";
import { primaryRevision, type Revision } from "../core/assignment.ts";
import { rolloutWeight, type RolloutRecord } from "../core/state.ts";
import type { Reporter, RolloutEvent } from "../ports.ts";
import type { Explanation, RolloutLine, ShownPlan, Whereabouts } from "./json-lines.ts";
import { reasonText } from "./reason-text.ts";
import { checkOf } from "./rollout-history.ts";
import type { TextStream } from "./terminal.ts";

/**
 * For machines: one JSON object a line, described in docs/json-output.md. Fields are only ever added within
 * version 1. Revisions appear by id and name alone: their content may hold secrets.
 */
export class JsonReporter implements Reporter {
  readonly #stream: TextStream;

  constructor(stream: TextStream) {
    this.#stream = stream;
  }

  report(event: RolloutEvent): void {
    this.#stream.write(`${JSON.stringify(lineOf(event))}\n`);
  }
}

function lineOf(event: RolloutEvent): RolloutLine {
  const version = 1;
  const time = iso(event.at);
  switch (event.type) {
    case "started": {
      const { type, record, spec } = event;
      return { type, version, time, ...whereabouts(record), ...plan(spec) };
    }
    case "decided": {
      const { type, record, reason, notable } = event;
      const checkAgainAt = iso(event.checkAgainAt);
      const where = whereabouts(record);
      return { type, version, time, ...where, ...explanation(reason), notable, checkAgainAt };
    }
    case "acted": {
      const { type, action, tookMs, failure } = event;
      return { type, version, time, action, tookMs, failure };
    }
    case "ended": {
      const { type, record, outcome, reason } = event;
      const why = reason === null ? { reason: null, message: null } : explanation(reason);
      return { type, version, time, ...whereabouts(record), outcome, ...why };
    }
  }
}

/** The same in every line that knows the record. */
function whereabouts(record: RolloutRecord): Whereabouts {
  const { service, state, wanted, failed, pending } = record;
  const running = "rollout" in state ? state.rollout : null;
  return {
    service,
    phase: state.phase,
    step: "step" in state && state.step >= 0 ? state.step : null,
    weight: running === null ? null : rolloutWeight(state),
    weights: state.assignment.weights,
    primary: identity(primaryRevision(state.assignment)),
    wanted: identity(wanted),
    failed: failed === null ? null : identity(failed),
    rollout:
      running === null
        ? null
        : {
            id: running.id,
            startedAt: iso(running.startedAt),
            from: identity(running.from),
            to: identity(running.to),
            failedChecks: running.failedChecks,
            blindChecks: running.blindChecks,
          },
    pending: pending?.action.kind ?? null,
  };
}

function plan(spec: RolloutSpec): ShownPlan {
  const { steps, intervalMs, failedChecksMax, limits, bakeMs } = spec;
  return { steps, intervalMs, failedChecksMax, blindChecksMax: limits.blindChecksMax, bakeMs };
}

function explanation(reason: Reason): Explanation {
  const check = checkOf(reason);
  return {
    reason,
    message: reasonText(reason, iso),
    verdict: check?.verdict ?? null,
    metrics: check?.results ?? [],
  };
}

function identity({ id, name }: Pick<Revision, "id" | "name">): Whereabouts["primary"] {
  return { id, name };
}

function iso(at: number): string {
  return new Date(at).toISOString();
}
