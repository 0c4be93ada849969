import assert from "node:assert/strict";
import type { RolloutRecord } from "../../rollout/core/state.ts";
import { renderHtml } from "../../rollout/report/html.ts";
import { record, step } from "../support/builders.ts";
import { bad, blind, good, play, playedSpec } from "./played-rollout.ts";
import { elements, text } from "./xml.ts";

function page(kept: RolloutRecord): string {
  return renderHtml(kept, playedSpec);
}

const promoted = play({ samples: good });
const rolledBack = play({ samples: bad });
const blinded = play({ samples: blind });
const idle = record();
const held = play({
  samples: good,
  spec: { ...playedSpec, steps: [step(50, { hold: true })] },
  until: ({ state }) => state.phase === "waiting",
});
const half = play({ samples: good, until: ({ history }) => history.length > 5 });

describe("report page", () => {
  for (const [what, kept, badge] of [
    ["a promotion", promoted, "Promoted"],
    ["a rollback", rolledBack, "Rolled back"],
    ["a rollback on missing data", blinded, "Rolled back"],
    ["a service that was never rolled out", idle, "Idle"],
    ["a hold", held, "Held"],
    ["a rollout under way", half, "Under way"],
  ] as const) {
    it(`is well-formed and says how it stands, for ${what}`, () => {
      const found = elements(page(kept));
      const shown = found.find(({ attributes }) => attributes["class"]?.startsWith("badge "));
      assert.equal(shown?.text, badge);
    });
  }

  it("needs nothing from outside", () => {
    const html = page(rolledBack);
    for (const { name, attributes } of elements(html)) {
      assert.ok(!["script", "link", "img", "iframe", "object"].includes(name), name);
      for (const attribute of ["src", "href", "data", "action"]) {
        assert.equal(attributes[attribute], undefined);
      }
    }
    assert.ok(!/url\(|@import/.test(html));
  });

  it("says why it rolled back, with the measured values, and what to do", () => {
    const why = text(page(rolledBack), "why fail");
    assert.match(
      why,
      /Rolled back: request-success-rate 95 &lt; 99, request-duration 554 &gt; 500/,
    );
    assert.match(why, /Mend the revision.*upramp run --retry/);
  });

  it("has a row for each decision", () => {
    const rows = elements(page(rolledBack)).filter(({ name }) => name === "tr");
    assert.equal(rows.length, 1 + rolledBack.history.length);
  });

  it("has a mark for each check, at its weight and with its values", () => {
    const html = page(rolledBack);
    const [chart = ""] = html.split("<svg").slice(1);
    const marks = chart.match(/class="mark (\w+)"/g) ?? [];
    assert.deepEqual(marks, [
      'class="mark pass"',
      'class="mark fail"',
      'class="mark fail"',
      'class="mark fail"',
    ]);
    assert.match(chart, /0:42 at 30 %: fail; request-success-rate 95 &lt; 99/);
    assert.match(chart, /going back/);
  });

  it("marks blind checks as such", () => {
    const html = page(blinded);
    const [chart = ""] = html.split("<svg").slice(1);
    assert.equal(chart.match(/class="mark blind"/g)?.length, 4);
  });

  it("has a chart for each metric with its range", () => {
    const html = page(promoted);
    for (const { name } of playedSpec.metrics) assert.ok(html.includes(`${name} over time`));
    const lines = elements(html).filter(({ attributes }) => attributes["class"] === "bound");
    assert.equal(lines.length, 2);
  });

  it("has no number that is none", () => {
    for (const kept of [promoted, rolledBack, blinded, idle, half]) {
      assert.ok(!/NaN|Infinity|undefined|null/.test(page(kept)));
    }
  });

  it("shows names and messages as text, whatever is in them", () => {
    const name = `<script>alert("v2")</script>&'\u0000\u001b`;
    const kept = play({
      samples: (metric) => ({ kind: "unavailable", message: `<b>${metric}</b> "down"` }),
      record: record(`</title><i>v1`, name),
    });
    const html = page(kept);
    const names = elements(html).map((element) => element.name);
    for (const foreign of ["script", "i", "b"]) assert.ok(!names.includes(foreign), foreign);
    assert.ok(html.includes("&lt;script&gt;alert(&quot;v2&quot;)&lt;/script&gt;&amp;&#39;"));
    // a page is text: line ends are its only control characters
    assert.ok(!/[\p{Cc}]/u.test(html.replaceAll("\n", "")));
  });

  it("keeps secrets of a revision's content off the page", () => {
    const kept = play({
      samples: good,
      record: {
        ...record(),
        wanted: { id: "id-v2", name: "v2", content: { env: { TOKEN: "hunter2" } } },
      },
    });
    assert.ok(!page(kept).includes("hunter2"));
  });

  it("draws time forward when the clock was set back", () => {
    const history = promoted.history.map((entry, index) =>
      index === 4 ? { ...entry, at: entry.at - 5_000 } : entry,
    );
    const html = page({ ...promoted, history });
    assert.ok(!/H -/.test(html));
    elements(html);
  });
});
