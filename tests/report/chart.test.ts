import assert from "node:assert/strict";
import { weightChart } from "../../rollout/report/chart.ts";
import { record } from "../support/builders.ts";
import { bad, beginning, good, play } from "./played-rollout.ts";

describe("chart of the weight for terminals", () => {
  it("draws the steps of a promotion", () => {
    assert.equal(
      weightChart(play({ samples: good })),
      `\
100 % ┤                                     ████████████████████████
      │                          ▃▃▃▃▃▃▃▃▃▃▃████████████████████████
 50 % ┤              ▂▂▂▂▂▂▂▂▂▂▂▂███████████████████████████████████
      │  ▃▃▃▃▃▃▃▃▃▃▃▃███████████████████████████████████████████████
  0 % └────────────────────────────────────────────────────────────
       0 s                                                   54.2 s`,
    );
  });

  it("draws a rollback down to nothing", () => {
    const lines = weightChart(play({ samples: bad })).split("\n");
    assert.equal(lines[0], "100 % ┤");
    // the steps end before the axis does
    assert.match(lines[3] ?? "", /^ {6}│ {2}▃+█+$/);
    assert.ok((lines[3] ?? "").length < (lines[4] ?? "").length - 2);
  });

  it("draws the last rollout alone", () => {
    const first = play({ samples: good });
    const both = play({
      samples: bad,
      from: beginning + 3_600_000,
      record: { ...first, wanted: { id: "id-v3", name: "v3", content: null } },
    });
    assert.ok(both.history.length > first.history.length);
    assert.match(weightChart(both), /^100 % ┤\n/);
  });

  it("is empty before the first rollout", () => {
    assert.equal(weightChart(record()), "");
  });

  it("fits a terminal of 80 columns", () => {
    for (const line of weightChart(play({ samples: good })).split("\n")) {
      assert.ok(line.length < 80);
    }
  });
});
