import assert from "node:assert/strict";
import { parse as parseYaml } from "yaml";
import { z } from "zod";
import { metricsServerChart } from "../../infra/platform/metrics-server.ts";
import { prometheusWritten } from "../../infra/prometheus-contract.ts";
import { textOf } from "./markdown.ts";

const text = textOf("docs/prometheus.md");

/** The blocks of a language. */
function blocks(language: string): string[] {
  const found = text.matchAll(new RegExp(`^\`\`\`${language}\\n([\\s\\S]*?)^\`\`\`$`, "gm"));
  return [...found].map(([, block = ""]) => block);
}

describe("docs/prometheus.md", () => {
  it("shows settings that are taken", () => {
    const shown = blocks("yaml").filter((block) => block.startsWith("prometheus:"));
    assert.equal(shown.length, 2);
    for (const block of shown) {
      const { prometheus } = z.strictObject({ prometheus: z.unknown() }).parse(parseYaml(block));
      assert.doesNotThrow(() => prometheusWritten.parse(prometheus), block);
    }
  });

  it("shows a policy for queries that allows nothing else", () => {
    const [policy = "{}"] = blocks("json");
    const { Statement } = z
      .object({
        Statement: z.array(z.object({ Action: z.string(), Resource: z.string() })).length(1),
      })
      .parse(JSON.parse(policy));
    assert.equal(Statement[0]?.Action, "aps:QueryMetrics");
    assert.match(
      Statement[0].Resource,
      /^arn:aws:aps:[a-z0-9-]+:\d{12}:workspace\/ws-[\da-f-]{36}$/,
    );
  });

  it("names the version of the chart that is installed", () => {
    assert.ok(text.includes(`\`${metricsServerChart.chart}\` ${metricsServerChart.version}`));
  });
});
