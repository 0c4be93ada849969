import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { rules } from "../../policies/rules.ts";
import { refuseWrongConfigs } from "../../rollout/cli/policy-packs.ts";
import { packageDirectory } from "../../rollout/cli/project.ts";
import { blockAfter, tableAfter, textOf } from "../docs/markdown.ts";

const text = textOf("docs/policies.md");
const code = (content: string): string => `\`${content}\``;

describe("docs/policies.md", () => {
  it("lists every rule with its level and what it judges, in the pack's order", () => {
    const [, ...rows] = tableAfter(text, "rules");
    assert.deepEqual(
      rows.map(([rule, , , level, judges]) => [rule, level, judges]),
      rules.map((rule) => [
        code(rule.name),
        rule.enforcementLevel,
        "validateStack" in rule ? "stack" : "resources",
      ]),
    );
  });

  it("says of every rule what it stops, and why", () => {
    const [, ...rows] = tableAfter(text, "rules");
    for (const [rule, stops, reason] of rows) {
      assert.ok(stops !== "" && reason !== "", rule);
    }
  });

  it("lists every setting with its default and meaning", () => {
    const [, ...rows] = tableAfter(text, "settings");
    assert.deepEqual(
      rows,
      rules.flatMap((rule) =>
        Object.entries(rule.configSchema?.properties ?? {}).map(([name, schema]) => [
          code(rule.name),
          code(name),
          code(JSON.stringify(schema.default)),
          schema.description?.replace(/\.$/, ""),
        ]),
      ),
    );
  });

  it("shows a configuration that the pack takes", async () => {
    const directory = await mkdtemp(join(tmpdir(), "upramp-docs-"));
    try {
      const file = join(directory, "policy-config.json");
      await writeFile(file, blockAfter(text, "configuration"));
      const pack = join(packageDirectory, "policies");
      await refuseWrongConfigs({ folders: [pack], configs: [file] });
    } finally {
      await rm(directory, { recursive: true });
    }
  });
});
