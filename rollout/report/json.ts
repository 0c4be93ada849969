import type { Reason } from "../core/reason.ts";
import type { RolloutSpec } from "../core/spec.ts";
import { primaryRevision, type Revision } from "../core/assignment.ts";
import { rolloutWeight, type RolloutRecord } from "../core/state.ts";
import type { Reporter, RolloutEvent } from "../ports.ts";
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
    const line = { type: event.type, version: 1, time: iso(event.at), ...fields(event) };
    this.#stream.write(`${JSON.stringify(line)}\n`);
  }
}

function fields(event: RolloutEvent): object {
  switch (event.type) {
    case "started":
      return { ...whereabouts(event.record), ...plan(event.spec) };
    case "decided":
      return {
        ...whereabouts(event.record),
        ...explanation(event.reason),
        notable: event.notable,
        checkAgainAt: iso(event.checkAgainAt),
      };
    case "acted":
      return { action: event.action, tookMs: event.tookMs, failure: event.failure };
    case "ended":
      return {
        ...whereabouts(event.record),
        outcome: event.outcome,
        ...(event.reason === null ? { reason: null, message: null } : explanation(event.reason)),
      };
  }
}

/** The same in every line that knows the record. */
function whereabouts(record: RolloutRecord): object {
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

function plan(spec: RolloutSpec): object {
  const { steps, intervalMs, failedChecksMax, limits, bakeMs } = spec;
  return { steps, intervalMs, failedChecksMax, blindChecksMax: limits.blindChecksMax, bakeMs };
}

function explanation(reason: Reason): object {
  const check = checkOf(reason);
  return {
    reason,
    message: reasonText(reason, iso),
    verdict: check?.verdict ?? null,
    metrics: check?.results ?? [],
  };
}

function identity({ id, name }: Pick<Revision, "id" | "name">): object {
  return { id, name };
}

function iso(at: number): string {
  return new Date(at).toISOString();
}
