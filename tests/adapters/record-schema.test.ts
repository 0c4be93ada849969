import assert from "node:assert/strict";
import type { z } from "zod";
import { recordSchema } from "../../rollout/adapters/record-schema.ts";
import type { RolloutRecord } from "../../rollout/core/state.ts";
import { everyReason } from "../report/every-reason.ts";
import { record } from "../support/builders.ts";

/** The same type without `readonly`, which a schema's output does not have. */
type Plain<T> = T extends object ? { -readonly [K in keyof T]: Plain<T[K]> } : T;
type Same<A, B> = [A, B] extends [B, A] ? true : never;

describe("schema of the stored record", () => {
  it("has the type of the core's record, in both directions", () => {
    // a difference does not compile
    const same: Same<Plain<z.output<typeof recordSchema>>, Plain<RolloutRecord>> = true;
    assert.ok(same);
  });

  for (const reason of everyReason) {
    it(`takes ${reason.kind} as it is`, () => {
      const entry = { at: 5, phase: "progressing", step: 0, weight: 10, reason } as const;
      const kept = { ...record(), history: [entry] };
      const text = JSON.stringify(kept);
      assert.equal(JSON.stringify(recordSchema.parse(JSON.parse(text))), text);
    });
  }
});
