import assert from "node:assert/strict";
import { z } from "zod";
import { outputJsonSchema, outputLineSchema } from "../../rollout/cli/json-output.ts";
import { plan } from "../../rollout/core/plan.ts";
import type { DriveOutcome, RolloutEvent } from "../../rollout/ports.ts";
import { JsonReporter } from "../../rollout/report/json.ts";
import { textOf } from "../docs/markdown.ts";
import { record, spec, step } from "../support/builders.ts";
import { everyReason } from "./every-reason.ts";
import { bad, beginning, good, play, type Play } from "./played-rollout.ts";
import { Screen } from "./terminal-screen.ts";

const published: unknown = JSON.parse(textOf("docs/json-output.schema.json"));

/** What reads the published schema: another program's validator. */
// parsed just now; that it is a schema is what `fromJSONSchema` finds out
const publishedSchema = z.fromJSONSchema(published as Parameters<typeof z.fromJSONSchema>[0]);

/** Takes a line by both: the exact one, which knows every field, and the published one. */
function take(line: string): void {
  const data: unknown = JSON.parse(line);
  const exact = outputLineSchema.safeParse(data);
  assert.ok(exact.success, `${line}\n${exact.error?.message}`);
  const open = publishedSchema.safeParse(data);
  assert.ok(open.success, `${line}\n${open.error?.message}`);
}

function linesOf(events: readonly RolloutEvent[]): readonly string[] {
  const screen = new Screen(false);
  const reporter = new JsonReporter(screen);
  for (const event of events) reporter.report(event);
  return screen.written.trimEnd().split("\n");
}

function playedLines(options: Omit<Play, "reporter">): readonly string[] {
  const screen = new Screen(false);
  play({ ...options, reporter: new JsonReporter(screen) });
  return screen.written.trimEnd().split("\n");
}

describe("the JSON Schema of the output", () => {
  it("is the one that is published: `npx upramp schema > docs/json-output.schema.json`", () => {
    assert.deepEqual(published, JSON.parse(JSON.stringify(outputJsonSchema())));
  });

  for (const reason of everyReason) {
    it(`takes a decision because of ${reason.kind}`, () => {
      const at = beginning;
      const known = { record: record(), spec: spec() };
      const lines = linesOf([
        { type: "decided", at, reason, ...known, notable: true, checkAgainAt: at + 500 },
        { type: "ended", at, outcome: "stopped", reason, record: known.record },
      ]);
      for (const line of lines) take(line);
    });
  }

  it("takes every outcome, with a reason and without", () => {
    const outcomes: Record<DriveOutcome, true> = {
      promoted: true,
      upToDate: true,
      rolledBack: true,
      stopped: true,
      interrupted: true,
      underWay: true,
    };
    // the keys of the record just above
    for (const outcome of Object.keys(outcomes) as DriveOutcome[]) {
      for (const reason of [null, { kind: "waitingForCheck" } as const]) {
        const ended = { type: "ended", at: beginning, outcome, reason, record: record() } as const;
        linesOf([ended]).forEach(take);
      }
    }
  });

  it("takes a failed action of every kind", () => {
    for (const kind of ["locked", "workload", "policy", "other"] as const) {
      const failure = { kind, message: "no" };
      const at = beginning;
      linesOf([{ type: "acted", at, action: "promote", tookMs: 1, failure }]).forEach(take);
    }
  });

  for (const [name, samples] of [
    ["good", good],
    ["bad", bad],
  ] as const) {
    it(`takes every line of a ${name} rollout`, () => {
      const lines = playedLines({ samples });
      assert.ok(lines.length > 10);
      lines.forEach(take);
    });
  }

  it("takes a plan", () => {
    const made = plan(spec({ steps: [step(10, { hold: true }), step(50)] }), record(), beginning);
    take(JSON.stringify({ type: "plan", version: 1, ...made }));
  });

  it("refuses a line with a wrong field, and the exact one refuses a field more", () => {
    const [line = ""] = linesOf([
      { type: "started", at: beginning, record: record(), spec: spec() },
    ]);
    const data = z.record(z.string(), z.unknown()).parse(JSON.parse(line));
    assert.equal(publishedSchema.safeParse({ ...data, phase: "resting" }).success, false);
    assert.equal(publishedSchema.safeParse({ ...data, weights: undefined }).success, false);
    assert.equal(publishedSchema.safeParse({ ...data, added: 1 }).success, true);
    assert.equal(outputLineSchema.safeParse({ ...data, added: 1 }).success, false);
  });
});
