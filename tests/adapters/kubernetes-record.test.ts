import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { packRecord, unpackRecord } from "../../rollout/adapters/kubernetes-record.ts";
import { parseRecord } from "../../rollout/adapters/record-schema.ts";
import type { RolloutRecord } from "../../rollout/core/state.ts";
import { record } from "../support/builders.ts";

const mebibyte = 1024 * 1024;

function readBack(kept: RolloutRecord): RolloutRecord {
  return parseRecord(unpackRecord(packRecord(kept), "it") ?? "", "it", "");
}

/** A record whose history is this many decisions with that text. */
function withHistory(text: () => string, count: number): RolloutRecord {
  const history = Array.from({ length: count }, (_, at) => ({
    at,
    phase: "idle" as const,
    step: null,
    weight: 100,
    reason: { kind: "alreadyFailed", revision: "v2", why: text() } as const,
  }));
  return { ...record(), history };
}

describe("a record as the content of a ConfigMap", () => {
  it("is JSON that people can read", () => {
    assert.deepEqual(packRecord(record()), {
      data: { "record.json": JSON.stringify(record()) },
      binaryData: {},
    });
    assert.deepEqual(readBack(record()), record());
  });

  it("counts bytes, not characters", () => {
    const wide = withHistory(() => "ü".repeat(6_000), 100);
    assert.ok(JSON.stringify(wide).length < mebibyte);
    assert.deepEqual(packRecord(wide).data, {});
    assert.deepEqual(readBack(wide), wide);
  });

  it("leaves out the oldest decisions when it does not fit", () => {
    const noise = withHistory(() => randomBytes(30_000).toString("base64"), 100);
    const { history, ...rest } = readBack(noise);
    const { history: all, ...wanted } = noise;
    assert.deepEqual(rest, wanted);
    assert.ok(history.length >= 25 && history.length < 50);
    assert.deepEqual(history, all.slice(-history.length));
  });

  it("holds nothing when nothing was saved", () => {
    assert.equal(unpackRecord({ data: {}, binaryData: {} }, "it"), null);
  });

  it("is refused with its place when it cannot be unpacked", () => {
    const binaryData = { "record.json.gz": Buffer.from("no gzip").toString("base64") };
    assert.throws(() => unpackRecord({ data: {}, binaryData }, "ConfigMap a/b"), {
      name: "UserError",
      message: "ConfigMap a/b: record.json.gz cannot be unpacked",
    });
  });
});
