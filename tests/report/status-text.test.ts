import assert from "node:assert/strict";
import type { RolloutRecord } from "../../rollout/core/state.ts";
import { statusText, type StatusView } from "../../rollout/report/status-text.ts";
import { record, revision, step, whole } from "../support/builders.ts";
import { bad, good, play, playedSpec } from "./played-rollout.ts";

const holder = { who: "ann on laptop, process 42", since: Date.UTC(2026, 0, 2, 3, 0, 0) };

/** What status says line by line, by the name of the line. */
function said(kept: RolloutRecord, more: Partial<StatusView> = {}): Record<string, string> {
  const { assignment } = kept.state;
  const view: StatusView = {
    outputs: { assignment, configured: kept.wanted, endpoint: "http://127.0.0.1:8080", logs: [] },
    spec: playedSpec,
    record: kept,
    traffic: { weights: assignment.weights, ready: { blue: whole, green: whole } },
    holder: null,
    ...more,
  };
  const pairs = statusText(view)
    .split("\n")
    .map((line) => /^(\S*) +(.*)$/.exec(line)?.slice(1) ?? [line, ""]);
  return Object.fromEntries(pairs.map(([name = "", text = ""]) => [name, text]));
}

const half = play({ samples: good, until: ({ history }) => history.length === 4 });

describe("status", () => {
  it("says that nothing was ever rolled out, and what would be", () => {
    const fresh = record("v1", "v2");
    const lines = said(fresh, { record: null });
    assert.equal(lines["state"], "never rolled out; v1 serves");
    assert.equal(lines["next"], "`upramp run` rolls out v2");
    assert.equal(lines["blue"], "v1 (primary): 100 %, 2 of 2 ready");
    assert.equal(lines["green"], "empty");
    assert.equal(lines["driver"], "none");
  });

  it("says that there is nothing to do", () => {
    assert.equal(said(record("v1", "v1"))["next"], "nothing to do");
  });

  it("says where a rollout is, and that nobody drives it", () => {
    const lines = said(half);
    assert.match(
      lines["state"] ?? "",
      /^v1 → v2: step 2\/3, 30 %, since .*; failed 0 of 3, blind 0 of 4$/,
    );
    assert.equal(lines["green"], "v2 (canary): 30 %, 2 of 2 ready");
    assert.match(lines["last"] ?? "", /request-success-rate 99\.95 ≥ 99.*step 1 passed$/);
    assert.equal(
      lines["next"],
      "nobody drives: `upramp run` goes on, first moving requests; `upramp rollback` goes back",
    );
  });

  it("says who drives, since when, and what comes next", () => {
    const lines = said(half, { holder });
    assert.match(lines["driver"] ?? "", /^ann on laptop, process 42, since 202\d-/);
    assert.equal(lines["next"], "moving requests, attempt 1");
  });

  it("says what the router shows when it is not what was asked for, or nothing", () => {
    const elsewhere = { blue: 100, green: 0 };
    const drifted = said(half, { traffic: { weights: elsewhere, ready: null } });
    assert.equal(
      drifted["green"],
      "v2 (canary): 30 % asked for, the router shows 0 %, readiness unknown",
    );
    const silent = said(half, { traffic: { weights: null, ready: null } });
    assert.match(silent["blue"] ?? "", /70 % asked for, the router shows no split/);
  });

  it("says in the router's own words why it shows nothing", () => {
    const obstacle = "Gateway shop/main of HTTPRoute shop/podinfo: no listener takes it";
    const traffic = { weights: null, ready: null, obstacle };
    assert.equal(said(half, { traffic })["router"], obstacle);
  });

  it("says what to run at a hold", () => {
    const held = play({
      samples: good,
      spec: { ...playedSpec, steps: [step(50, { hold: true })] },
      until: ({ state }) => state.phase === "waiting",
    });
    assert.equal(
      said(held, { holder })["next"],
      "`upramp promote` goes on, `upramp rollback` goes back",
    );
  });

  it("says why the last one was rolled back, and how to try again", () => {
    const failed = play({ samples: bad });
    const lines = said(failed, {
      outputs: {
        assignment: failed.state.assignment,
        configured: revision("v2"),
        endpoint: "",
        logs: ["/var/log/v2.log", "/var/log/envoy.log"],
      },
    });
    assert.match(lines["state"] ?? "", /^v1 → v2 rolled back at .*: request-success-rate 95 < 99/);
    assert.equal(lines["next"], "v2 is remembered as failed: change it, or `upramp run --retry`");
    assert.equal(lines["logs"], "/var/log/v2.log");
    assert.equal(lines[""], "/var/log/envoy.log");
  });

  it("takes a configuration that changed since as the wish", () => {
    const done = play({ samples: good });
    const lines = said(done, {
      outputs: {
        assignment: done.state.assignment,
        configured: revision("v3"),
        endpoint: "",
        logs: [],
      },
    });
    assert.equal(lines["next"], "`upramp run` rolls out v3");
  });
});
