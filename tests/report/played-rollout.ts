import { judgeCheck, type Sample } from "../../rollout/core/analysis.ts";
import { checkDue, type Command } from "../../rollout/core/decide.ts";
import type { RolloutSpec } from "../../rollout/core/spec.ts";
import { rolloutWeight, type RolloutRecord } from "../../rollout/core/state.ts";
import type { Reporter } from "../../rollout/ports.ts";
import { record as newRecord, spec as newSpec, step, Story } from "../support/builders.ts";

/** 2026-01-02 03:04:05 UTC: a time whose digits are told apart. */
export const beginning = Date.UTC(2026, 0, 2, 3, 4, 5);

/** Three steps and the two built-in metrics. */
export const playedSpec: RolloutSpec = newSpec({
  steps: [step(10), step(30), step(60)],
  metrics: [
    { name: "request-success-rate", min: 99, windowMs: 10_000, variables: {} },
    { name: "request-duration", max: 500, windowMs: 10_000, variables: {} },
  ],
  bakeMs: 20_000,
});

/** The sample of a metric at a weight; `count` is the number of the check, from 1. */
export type Samples = (metric: string, weight: number, count: number) => Sample;

export interface Play {
  readonly samples: Samples;
  readonly spec?: RolloutSpec;
  readonly record?: RolloutRecord;
  /** When it begins, in milliseconds since the epoch; default `beginning`. */
  readonly from?: number;
  readonly reporter?: Reporter;
  /** Stops looking before the rollout is over, as an interrupt does. */
  readonly until?: (record: RolloutRecord) => boolean;
  /** What a person asks for at a look. */
  readonly command?: (record: RolloutRecord) => Command | null;
}

function value(number: number): Sample {
  return { kind: "value", value: number };
}

/** A rollout from beginning to end in a world where each `up` takes 0.7 s and the router follows at once. */
export function play(options: Play): RolloutRecord {
  const { spec = playedSpec, reporter, samples, until = () => false } = options;
  const story = new Story(spec, options.record ?? newRecord());
  story.now = options.from ?? beginning;
  let checks = 0;
  reporter?.report({ type: "started", at: story.now, record: story.record, spec });
  for (let looks = 0; looks < 1_000; looks += 1) {
    if (until(story.record)) {
      const { now: at, record } = story;
      reporter?.report({ type: "ended", at, outcome: "interrupted", reason: null, record });
      return story.record;
    }
    const { pending } = story.record;
    if (pending !== null) {
      const tookMs = 700;
      story.pass(tookMs).act();
      const action = pending.action.kind;
      reporter?.report({ type: "acted", at: story.now, action, tookMs, failure: null });
    }
    const { state } = story.record;
    const due = checkDue(spec, state, story.now);
    if (due) checks += 1;
    const taken = spec.metrics.map(({ name }) => samples(name, rolloutWeight(state), checks));
    const check = due ? judgeCheck(story.now, spec.metrics, taken) : null;
    const before = story.record.history.at(-1);
    const command = options.command?.(story.record) ?? null;
    const { record, reason, checkAgainAt, outcome } = story.look({ check, command });
    const notable = record.history.at(-1) !== before;
    const at = story.now;
    reporter?.report({ type: "decided", at, reason, record, spec, notable, checkAgainAt });
    if (outcome !== "continue") {
      const ended =
        outcome === "stop"
          ? "stopped"
          : record.state.phase === "failed"
            ? "rolledBack"
            : reason.kind === "upToDate"
              ? "upToDate"
              : "promoted";
      reporter?.report({ type: "ended", at, outcome: ended, reason, record });
      return record;
    }
    story.pass(Math.max(0, checkAgainAt - story.now));
  }
  throw new Error("the rollout does not end");
}

/** Good everywhere, with a little life in it. */
export const good: Samples = (metric, _weight, count) =>
  metric === "request-success-rate" ? value(100 - (count % 3) * 0.05) : value(20 + count * 1.7);

/** Gets worse with its weight: slow at first, then failing. */
export const bad: Samples = (metric, weight, count) =>
  metric === "request-success-rate"
    ? value(weight < 30 ? 99.4 : 98.996 - count)
    : value(weight < 30 ? 240 : 430 + count * 31);

/** No requests, so no numbers; and one metric whose server is out of reach. */
export const blind: Samples = (metric) =>
  metric === "request-success-rate"
    ? { kind: "none" }
    : { kind: "unavailable", message: "connect ECONNREFUSED 127.0.0.1:9090" };
