import assert from "node:assert/strict";
import { makeOutput } from "../../rollout/cli/output.ts";
import type { RolloutEvent } from "../../rollout/ports.ts";
import { good, play } from "./played-rollout.ts";
import { Screen } from "./terminal-screen.ts";

describe("what a command says", () => {
  let term: string | undefined;

  before(() => {
    term = process.env["TERM"];
    process.env["TERM"] = "xterm";
  });

  after(() => {
    if (term === undefined) delete process.env["TERM"];
    else process.env["TERM"] = term;
  });

  it("does not land inside the live line, nor does it stay behind", () => {
    const stderr = new Screen(true);
    const output = makeOutput(false, { stdout: new Screen(true), stderr });
    let said = false;
    const reporter = {
      report(event: RolloutEvent) {
        output.reporter.report(event);
        if (said || event.type !== "decided") return;
        assert.ok((stderr.lines.at(-1) ?? "") !== "", "a live line is shown");
        output.say("look here");
        said = true;
      },
    };
    play({ samples: good, reporter, until: ({ state }) => state.phase === "promoting" });
    output.close();
    assert.ok(stderr.lines.includes("look here"), stderr.lines.join("\n"));
    assert.equal(stderr.lines.at(-1), "");
  });

  it("goes to standard error with --json, where nothing is drawn", () => {
    const [stdout, stderr] = [new Screen(true), new Screen(true)];
    const output = makeOutput(true, { stdout, stderr });
    play({ samples: good, reporter: output.reporter });
    output.say("look here");
    output.result({ type: "plan" }, () => "for people");
    output.close();
    assert.equal(stderr.written, "look here\n");
    assert.ok(stdout.written.endsWith('{"version":1,"type":"plan"}\n'));
  });
});
