import assert from "node:assert/strict";
import fc from "fast-check";
import type { MetricSpec } from "../../rollout/core/spec.ts";
import { fill, renderQuery, windowFor, type RouterQueries } from "../../rollout/core/template.ts";
import { record, Story, start } from "../support/builders.ts";

const router: RouterQueries = {
  queries: { latency: 'latency{cluster="{{ cluster }}"}[{{ window }}]' },
  variables: { blue: { cluster: "c-blue" }, green: { cluster: "c-green" } },
};

const metric: MetricSpec = { name: "latency", max: 500, windowMs: 60_000, variables: {} };

/** Judged: the canary in green, 25 s after the router acknowledged its weight. */
const story = new Story().atStep(0);
const { state } = story.record;
const now = story.now + 25_900;

function query(text: string, variables: Readonly<Record<string, string>> = {}): string {
  const rendered = renderQuery(
    { ...metric, query: text, variables },
    router,
    "podinfo",
    state,
    now,
  );
  return rendered.kind === "query" ? rendered.query : `error: ${rendered.message}`;
}

describe("a metric template", () => {
  const cases: readonly (readonly [string, string])[] = [
    ["{{ service }}", "podinfo"],
    ["{{ slot }}", "green"],
    ["{{ target }}", "podinfo-green"],
    ["{{ cluster }}", "c-green"],
    ["{{ window }}", "25s"],
    ["{{ interval }}", "25s"],
    ["{{ primary.slot }}", "blue"],
    ["{{ primary.target }}", "podinfo-blue"],
    ["{{ primary.cluster }}", "c-blue"],
    ["{{ variables.code }}", "5.."],
    ["{{service}}-{{  service\t}}", "podinfo-podinfo"],
    ['sum(rate(x{c="{{ cluster }}"}[{{ window }}]))', 'sum(rate(x{c="c-green"}[25s]))'],
    ['x{code=~"{{ variables.code }}", a=~"b{2}"}', 'x{code=~"5..", a=~"b{2}"}'],
    ["", ""],
    ["no variable", "no variable"],
  ];
  for (const [template, text] of cases) {
    it(`turns ${JSON.stringify(template)} into ${JSON.stringify(text)}`, () => {
      assert.equal(query(template, { code: "5.." }), text);
    });
  }

  it("is the router's own when the metric has no query", () => {
    const rendered = renderQuery(metric, router, "podinfo", state, now);
    assert.deepEqual(rendered, { kind: "query", query: 'latency{cluster="c-green"}[25s]' });
  });

  it("takes the name of the workload from a router that knows it", () => {
    const named = {
      ...router,
      variables: { blue: { target: "old" }, green: { target: "new" } },
    };
    const text = { ...metric, query: "{{ target }} {{ primary.target }}" };
    const rendered = renderQuery(text, named, "podinfo", state, now);
    assert.deepEqual(rendered, { kind: "query", query: "new old" });
  });

  it("judges the primary at rest", () => {
    const text = { ...metric, query: "{{ slot }} {{ primary.slot }} {{ window }}" };
    const rendered = renderQuery(text, router, "podinfo", record().state, now);
    assert.deepEqual(rendered, { kind: "query", query: "blue blue 60s" });
  });

  it("judges the new revision while it bakes, beside the one it replaces", () => {
    const baking = new Story().baking();
    const text = { ...metric, query: "{{ slot }} {{ primary.slot }}" };
    const rendered = renderQuery(text, router, "podinfo", baking.record.state, now);
    assert.deepEqual(rendered, { kind: "query", query: "green blue" });
  });

  it("names metric, variable and those that exist when one is unknown", () => {
    assert.equal(
      query("{{ namespace }}", { code: "x" }),
      'error: metric "latency": {{ namespace }} is not a variable; there are cluster, interval, primary.cluster,' +
        " primary.slot, primary.target, service, slot, target, variables.code, window",
    );
  });

  for (const name of ["variables.constructor", "constructor", "__proto__", "variables", ""]) {
    it(`does not know {{ ${name} }}`, () => {
      assert.match(query(`{{ ${name} }}`), /is not a variable/);
    });
  }

  it("says which queries are built in when a metric has none", () => {
    const rendered = renderQuery({ ...metric, name: "errors" }, router, "podinfo", state, now);
    assert.deepEqual(rendered.kind === "error" && rendered.error, {
      kind: "noTemplate",
      metric: "errors",
      known: ["latency"],
    });
  });

  const unbalanced = [
    "}} x",
    "}}",
    "{{",
    "{{ service",
    "service }}",
    "}} {{",
    "{{ a {{ service }}",
    "{{ service }} }}",
  ];
  for (const template of unbalanced) {
    it(`refuses the braces of ${JSON.stringify(template)}`, () => {
      assert.match(query(template), /error: metric "latency": "\{\{" and "\}\}" do not pair up/);
    });
  }

  it("says so when no query is built in at all", () => {
    const rendered = renderQuery(metric, { ...router, queries: {} }, "podinfo", state, now);
    assert.match(rendered.kind === "error" ? rendered.message : "", /built-in ones \(none\)/);
  });

  it("says near which text the braces are wrong", () => {
    assert.match(query("a {{ b"), /near "\{\{ b"/);
    assert.match(query("a }} b"), /near "\}\} b"/);
  });

  it("does not look into values", () => {
    assert.equal(query("{{ variables.a }}", { a: "{{ service }}" }), "{{ service }}");
  });

  it("keeps everything outside of braces, and puts each value in its place", () => {
    const name = fc.stringMatching(/^[a-z][a-z.]{0,8}$/);
    const plain = fc.string().filter((text) => !/\{\{|\}\}|\{$|^\}/.test(text));
    const part = fc.record({ before: plain, name, value: fc.string() });
    fc.assert(
      fc.property(fc.uniqueArray(part, { selector: (one) => one.name }), plain, (parts, after) => {
        const template = parts.map((one) => `${one.before}{{ ${one.name} }}`).join("") + after;
        const variables = Object.fromEntries(parts.map((one) => [one.name, one.value]));
        const text = parts.map((one) => one.before + one.value).join("") + after;
        assert.deepEqual(fill("m", template, variables), { kind: "query", query: text });
      }),
    );
  });

  it("never throws, whatever the text", () => {
    const braces = fc.stringMatching(/^[{} a-z]{0,20}$/);
    fc.assert(
      fc.property(fc.oneof(fc.string(), braces), (template) => {
        const { kind } = fill("m", template, { a: "1" });
        assert.ok(kind === "query" || kind === "error");
      }),
    );
  });
});

describe("the window of a query", () => {
  const confirmedAt = story.now;
  const cases: readonly (readonly [string, number, number, number])[] = [
    ["is the metric's once the step is old enough", 60_000, 90_000, 60_000],
    ["is cut to the age of the step", 60_000, 20_000, 20_000],
    ["is whole seconds, rounded to the short side", 60_000, 20_999, 20_000],
    ["is a second at least", 60_000, 400, 1_000],
    ["is a second at least for a shorter metric", 500, 20_000, 1_000],
    ["is a second when the clock was set back", 60_000, -5_000, 1_000],
  ];
  for (const [name, windowMs, age, expected] of cases) {
    it(name, () => {
      assert.equal(windowFor({ ...metric, windowMs }, state, confirmedAt + age), expected);
    });
  }

  it("never reaches back before the split was confirmed, but for the first second", () => {
    const ms = fc.integer({ min: 0, max: 10_000_000 });
    fc.assert(
      fc.property(ms, ms, (windowMs, age) => {
        const window = windowFor({ ...metric, windowMs }, state, confirmedAt + age);
        assert.ok(window === 1_000 || (window <= age && window <= windowMs));
        assert.equal(window % 1_000, 0);
      }),
    );
  });

  it("is a second while the split is not confirmed", () => {
    const { state: deploying } = new Story().deployed().record;
    assert.equal(windowFor(metric, deploying, start + 60_000), 1_000);
  });
});
