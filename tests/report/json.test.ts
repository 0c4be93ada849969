import assert from "node:assert/strict";
import { JsonReporter } from "../../rollout/report/json.ts";
import { record } from "../support/builders.ts";
import { bad, good, play, type Play } from "./played-rollout.ts";
import { Screen } from "./terminal-screen.ts";

type Line = Readonly<Record<string, unknown>>;

function lines(options: Omit<Play, "reporter">): Line[] {
  const screen = new Screen(false);
  play({ ...options, reporter: new JsonReporter(screen) });
  assert.ok(screen.written.endsWith("\n"));
  return screen.written
    .trimEnd()
    .split("\n")
    .map((line) => {
      const parsed: unknown = JSON.parse(line);
      assert.ok(typeof parsed === "object" && parsed !== null);
      return { ...parsed };
    });
}

describe("JSON report", () => {
  it("is one object a line, each with type, version and time", () => {
    for (const line of lines({ samples: good })) {
      assert.ok(["started", "decided", "acted", "ended"].includes(String(line["type"])));
      assert.equal(line["version"], 1);
      assert.match(String(line["time"]), /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
    }
  });

  it("begins with the plan", () => {
    const [first] = lines({ samples: good });
    assert.deepEqual(first, {
      type: "started",
      version: 1,
      time: "2026-01-02T03:04:05.000Z",
      service: "podinfo",
      phase: "idle",
      step: null,
      weight: null,
      weights: { blue: 100, green: 0 },
      primary: { id: "id-v1", name: "v1" },
      wanted: { id: "id-v2", name: "v2" },
      failed: null,
      rollout: null,
      pending: null,
      steps: [
        { weight: 10, checks: 1, hold: false },
        { weight: 30, checks: 1, hold: false },
        { weight: 60, checks: 1, hold: false },
      ],
      intervalMs: 10_000,
      failedChecksMax: 3,
      blindChecksMax: 4,
      bakeMs: 20_000,
    });
  });

  it("explains a decision as data and in words", () => {
    const decided = lines({ samples: bad }).find(({ verdict }) => verdict === "fail");
    const metrics = [
      { metric: "request-success-rate", min: 99, verdict: "fail", value: 96.996 },
      { metric: "request-duration", max: 500, verdict: "pass", value: 492 },
    ];
    assert.deepEqual(decided, {
      type: "decided",
      version: 1,
      time: "2026-01-02T03:04:27.100Z",
      service: "podinfo",
      phase: "progressing",
      step: 1,
      weight: 30,
      weights: { blue: 70, green: 30 },
      primary: { id: "id-v1", name: "v1" },
      wanted: { id: "id-v2", name: "v2" },
      failed: null,
      rollout: {
        id: "id-v2-1767323045000",
        startedAt: "2026-01-02T03:04:05.000Z",
        from: { id: "id-v1", name: "v1" },
        to: { id: "id-v2", name: "v2" },
        failedChecks: 1,
        blindChecks: 0,
      },
      pending: null,
      reason: {
        kind: "checkFailed",
        check: { at: 1_767_323_067_100, verdict: "fail", results: metrics },
        failed: 1,
        max: 3,
      },
      message:
        "request-success-rate 97 < 99, request-duration 492 ≤ 500; failed check 1 of 3: no more weight for now",
      verdict: "fail",
      metrics,
      notable: true,
      checkAgainAt: "2026-01-02T03:04:29.100Z",
    });
  });

  it("has a line for each action", () => {
    const acted = lines({ samples: bad }).filter(({ type }) => type === "acted");
    assert.deepEqual(
      acted.map(({ action }) => action),
      ["deployCanary", "shiftTraffic", "shiftTraffic", "shiftTraffic", "removeCanary"],
    );
    assert.equal(acted[0]?.["tookMs"], 700);
    assert.equal(acted[0]?.["failure"], null);
  });

  it("ends with the outcome, who is primary, and what is remembered as failed", () => {
    const last = lines({ samples: bad }).at(-1);
    assert.equal(last?.["type"], "ended");
    assert.equal(last["outcome"], "rolledBack");
    assert.equal(last["phase"], "failed");
    assert.deepEqual(last["primary"], { id: "id-v1", name: "v1" });
    assert.deepEqual(last["failed"], { id: "id-v2", name: "v2" });
    assert.match(String(last["message"]), /^rolled back: /);
  });

  it("ends without a reason when it was interrupted", () => {
    const last = lines({ samples: good, until: ({ history }) => history.length > 3 }).at(-1);
    assert.equal(last?.["outcome"], "interrupted");
    assert.equal(last["reason"], null);
    assert.equal(last["message"], null);
  });

  it("never has a revision's content, which may hold secrets", () => {
    const secret = { id: "id-v2", name: "v2", content: { env: { TOKEN: "hunter2" } } };
    const told = lines({ samples: bad, record: { ...record(), wanted: secret } });
    assert.ok(!JSON.stringify(told).includes("hunter2"));
  });

  it("is one line whatever a name holds", () => {
    const told = lines({ samples: good, record: record("v1", "v2\nnext\u2028line") });
    assert.equal(told.at(-1)?.["outcome"], "promoted");
  });
});
