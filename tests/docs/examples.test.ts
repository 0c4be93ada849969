import assert from "node:assert/strict";
import { globSync } from "node:fs";
import { join } from "node:path";
import { parse, parseAllDocuments } from "yaml";
import { z } from "zod";
import { readConfig, type StackConfig } from "../../infra/config.ts";
import { readProject } from "../../rollout/cli/project.ts";
import { root, textOf } from "./markdown.ts";

const stackFile = z.strictObject({ config: z.record(z.string(), z.unknown()) });

/** Folders of projects whose program is this package's own: they are configuration and nothing else. */
const projects = ["gateway-api", "app-mesh"].map((name) => join("examples", name));

/** Takes a configuration as the engine hands it over. */
function read(config: Readonly<Record<string, unknown>>, directory: string): StackConfig {
  const values = Object.entries(config).map(([key, value]): [string, string] => [
    key,
    typeof value === "string" ? value : JSON.stringify(value),
  ]);
  return readConfig({
    values: Object.fromEntries(values),
    isSecret: () => false,
    environment: {},
    directory,
  });
}

for (const project of projects) {
  describe(project, () => {
    const files = globSync(join(project, "Pulumi.*.yaml"), { cwd: root }).toSorted();

    it("runs this package's own program", async () => {
      assert.equal((await readProject(join(root, project))).own, true);
    });

    it("has a platform, and a service on it", () => {
      const stacks = files.map((file) => file.replace(/^.*\/Pulumi\.(.+)\.yaml$/, "$1"));
      assert.deepEqual(stacks, ["dev-podinfo", "dev"]);
    });

    for (const file of files) {
      it(`has a configuration that is taken in ${file}`, () => {
        const { config } = stackFile.parse(parse(textOf(file)));
        const taken = read(config, join(root, project));
        assert.ok(taken.kind !== "pipeline");
        assert.equal(taken.target, "kubernetes");
        if (taken.kind === "service") assert.equal(taken.platform, "dev");
      });
    }

    it("has manifests with kinds and names", () => {
      const manifests = globSync(join(project, "*.yaml"), { cwd: root });
      for (const file of manifests.filter((name) => !name.includes("Pulumi"))) {
        const documents = parseAllDocuments(textOf(file));
        assert.ok(Array.isArray(documents), file);
        const object = z.looseObject({
          apiVersion: z.string(),
          kind: z.string(),
          metadata: z.looseObject({ name: z.string() }),
        });
        for (const document of documents) object.parse(document.toJS());
      }
    });
  });
}

describe("a configuration in the documentation", () => {
  const pages = globSync(["README.md", "docs/*.md"], { cwd: root }).toSorted();
  const shown = pages.flatMap((page) =>
    [...textOf(page).matchAll(/^```yaml\n(config:\n[\s\S]*?)^```$/gm)].map(
      ([, block = ""]) => [page, block] as const,
    ),
  );

  it("is taken", () => {
    assert.ok(shown.length > 0);
    for (const [page, block] of shown) {
      assert.doesNotThrow(() => read(stackFile.parse(parse(block)).config, root), page);
    }
  });
});
