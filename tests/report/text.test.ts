import assert from "node:assert/strict";
import type { RolloutEvent } from "../../rollout/ports.ts";
import { TextReporter } from "../../rollout/report/text.ts";
import { record, step } from "../support/builders.ts";
import { bad, beginning, good, play, playedSpec, type Play } from "./played-rollout.ts";
import { Screen } from "./terminal-screen.ts";

const escapeCode = "\u001b";

function told(
  options: Omit<Play, "reporter">,
  environment = {},
): { progress: Screen; result: Screen } {
  return toldOn(new Screen(false), new Screen(false), options, environment);
}

function toldOn(
  progress: Screen,
  result: Screen,
  options: Omit<Play, "reporter">,
  environment: Readonly<Record<string, string>> = {},
): { progress: Screen; result: Screen } {
  const reporter = new TextReporter({
    progress,
    result,
    environment,
    timeZone: "UTC",
    now: () => beginning,
  });
  play({ ...options, reporter });
  reporter.close();
  return { progress, result };
}

describe("text report", () => {
  it("tells a promotion line by line, and the result apart", () => {
    const { progress, result } = told({ samples: good });
    assert.equal(
      progress.written,
      `\
03:04:05  idle        100 %         podinfo: primary v1, wanted v2; steps 10, 30, 60 %, a check every 10 s
03:04:05  deploying     0 %         new revision v2 in the place of v1: bringing up the canary, without requests
03:04:05  step 1/3     10 %         the canary is ready: it gets its first requests
03:04:06  step 1/3     10 %         the router shows blue 90 %, green 10 % (700 ms)
03:04:16  step 1/3     10 %  pass   request-success-rate 99.95 ≥ 99, request-duration 21.7 ≤ 500; step 1 passed → 30 %
03:04:17  step 2/3     30 %         the router shows blue 70 %, green 30 % (700 ms)
03:04:27  step 2/3     30 %  pass   request-success-rate 99.9 ≥ 99, request-duration 23.4 ≤ 500; step 2 passed → 60 %
03:04:27  step 3/3     60 %         the router shows blue 40 %, green 60 % (700 ms)
03:04:37  step 3/3     60 %  pass   request-success-rate 100 ≥ 99, request-duration 25.1 ≤ 500; step 3 passed → promotion
03:04:38  baking      100 %         promoted: all requests go to the new revision; the old one is kept as the way back while baking
03:04:58  removing    100 %         baked: the old revision is removed
03:04:59  succeeded   100 %         only v2 is left
`,
    );
    assert.equal(
      result.written,
      "podinfo: promoted: v2 in the place of v1, after 54.2 s; failed checks 0\n",
    );
  });

  it("tells a rollback with the values that caused it", () => {
    const { progress, result } = told({ samples: bad });
    assert.deepEqual(progress.lines.slice(6, -1), [
      "03:04:27  step 2/3     30 %  FAIL   request-success-rate 97 < 99, request-duration 492 ≤ 500; failed check 1 of 3: no more weight for now".replace(
        "96.996",
        "97",
      ),
      "03:04:37  step 2/3     30 %  FAIL   request-success-rate 96 < 99, request-duration 523 > 500; failed check 2 of 3: no more weight for now",
      "03:04:47  going back    0 %  FAIL   going back: request-success-rate 95 < 99, request-duration 554 > 500 (failed check 3 of 3)",
      "03:04:47  going back    0 %         the router shows blue 100 %, green 0 % (700 ms)",
      "03:04:48  removing      0 %         no request goes to the canary any more: it is removed",
      "03:04:49  failed        0 %         only v1 is left",
    ]);
    assert.equal(
      result.written,
      "podinfo: rolled back: v2 after 44.5 s, v1 has all requests; request-success-rate 95 < 99, request-duration 554 > 500 (failed check 3 of 3). " +
        "Mend the revision; a changed revision is tried at the next run, the same one with `upramp run --retry`\n",
    );
  });

  it("says where the requests are and how to go on when it was interrupted", () => {
    const { result } = told({ samples: good, until: ({ history }) => history.length > 5 });
    assert.equal(
      result.written,
      "podinfo: interrupted: v2 keeps 60 % of the requests, v1 40 %. To go on: `upramp run`; to go back: `upramp rollback`; to look: `upramp status`\n",
    );
  });

  it("says that there is nothing to do", () => {
    const { result } = told({ samples: good, record: record("v1", "v1") });
    assert.equal(result.written, "podinfo: up to date: v1 is the primary\n");
  });

  it("says what to run at a hold", () => {
    const held = { ...playedSpec, steps: [step(50, { hold: true })] };
    const { progress } = told({
      samples: good,
      spec: held,
      until: ({ state }) => state.phase === "waiting",
    });
    assert.match(progress.written, /step 1 passed; held: `upramp promote` to go on\n$/);
  });

  it("says from where a rollout that was interrupted goes on", () => {
    const half = play({ samples: good, until: ({ history }) => history.length > 5 });
    const { progress } = told({ samples: good, record: half });
    assert.equal(
      progress.lines[0],
      "03:04:05  step 3/3     60 %         podinfo: going on with the rollout of v2 that began at 03:04:05",
    );
  });

  it("says why it stopped and what to run", () => {
    const screen = new Screen(false);
    const reporter = new TextReporter({ progress: screen, result: screen, timeZone: "UTC" });
    const reason = { kind: "stackLocked", message: "by ann" } as const;
    const ended: RolloutEvent = {
      type: "ended",
      at: beginning,
      outcome: "stopped",
      reason,
      record: record(),
    };
    reporter.report(ended);
    assert.match(
      screen.written,
      /^podinfo: stopped: another update holds the stack \(by ann\)\..*`pulumi cancel`/,
    );
  });

  it("lets no control character of a name or message through", () => {
    const name = `v2${escapeCode}[2J\u0007\nnext\u009b1m`;
    const { progress, result } = told({ samples: good, record: record("v1", name) });
    for (const { written } of [progress, result]) {
      assert.ok(!/[\p{Cc}]/u.test(written.replaceAll("\n", "")), JSON.stringify(written));
    }
    assert.equal(progress.lines.length, 13);
  });

  describe("on a terminal", () => {
    const until = {
      samples: good,
      until: ({ history }: ReturnType<typeof record>) => history.length > 5,
    };

    it("has the same lines, and nothing is left of the live line", () => {
      const [progress, plain] = [new Screen(true), told({ samples: good }).progress];
      toldOn(progress, new Screen(true), { samples: good }, { NO_COLOR: "1" });
      // what does not fit hangs below its column
      const unfolded = progress.lines.join("\n").replaceAll(/\n {36}/g, " ");
      assert.equal(unfolded, plain.lines.join("\n"));
      for (const line of progress.lines) assert.ok(line.length <= progress.columns, line);
    });

    it("shows a live line below while it waits", () => {
      const progress = new Screen(true);
      const seen: string[] = [];
      let now = 0;
      const reporter = new TextReporter({
        progress,
        result: new Screen(true),
        environment: { NO_COLOR: "1" },
        now: () => now,
      });
      const watched = {
        report(event: RolloutEvent) {
          now = event.at;
          reporter.report(event);
          if (event.type !== "ended") seen.push(progress.lines.at(-1) ?? "");
        },
      };
      play({ samples: good, reporter: watched });
      const lines = new Set(seen);
      for (const line of [
        "██░░░░░░░░░░░░░░░░░░  10 %  step 1/3    passed 0/1  failed 0/3  blind 0/4  updating the stack",
        "██████░░░░░░░░░░░░░░  30 %  step 2/3    passed 0/1  failed 0/3  blind 0/4  next check in 8 s",
        "████████████████████ 100 %  baking      failed 0/3  blind 0/4  kept for 4 s",
      ]) {
        assert.ok(lines.has(line), `${line}\n${[...lines].join("\n")}`);
      }
    });

    it("never shows a line as wide as the terminal, which would wrap", () => {
      const progress = new Screen(true);
      toldOn(progress, new Screen(true), until, { NO_COLOR: "1" });
      for (const part of progress.written.split(/[\r\n]/)) {
        if (/[█░]/.test(part)) assert.ok(part.trimEnd().length < progress.columns, part);
      }
    });

    it("colors verdicts", () => {
      const { progress, result } = toldOn(new Screen(true), new Screen(true), { samples: bad });
      assert.ok(progress.written.includes(`${escapeCode}[31mFAIL${escapeCode}[0m`));
      assert.ok(progress.written.includes(`${escapeCode}[32mpass${escapeCode}[0m`));
      assert.ok(result.written.startsWith(`${escapeCode}[31mpodinfo: rolled back${escapeCode}[0m`));
    });

    it("has no escape codes with NO_COLOR", () => {
      const { progress, result } = toldOn(
        new Screen(true),
        new Screen(true),
        { samples: bad },
        { NO_COLOR: "1" },
      );
      assert.ok(!progress.written.includes(escapeCode));
      assert.ok(!result.written.includes(escapeCode));
      assert.ok(progress.written.includes("\r"));
    });

    it("is told like a file when it is a dumb one", () => {
      const { progress } = toldOn(
        new Screen(true),
        new Screen(true),
        { samples: bad },
        { TERM: "dumb" },
      );
      assert.ok(!progress.written.includes(escapeCode) && !progress.written.includes("\r"));
    });

    it("says other things above the live line", () => {
      const progress = new Screen(true);
      const reporter = new TextReporter({
        progress,
        result: progress,
        environment: { NO_COLOR: "1" },
      });
      let said = false;
      const talking = {
        report(event: RolloutEvent) {
          reporter.report(event);
          if (!said && event.type === "decided") reporter.say("look here");
          said ||= event.type === "decided";
        },
      };
      play({ ...until, reporter: talking });
      reporter.close();
      assert.ok(progress.lines.includes("look here"), progress.lines.join("\n"));
    });
  });

  it("has no escape code and no carriage return where there is no terminal", () => {
    const { progress, result } = told({ samples: bad });
    for (const { written } of [progress, result]) {
      assert.ok(!written.includes(escapeCode) && !written.includes("\r"));
    }
  });
});
