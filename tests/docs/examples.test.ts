import assert from "node:assert/strict";
import { globSync } from "node:fs";
import { join } from "node:path";
import { parse, parseAllDocuments } from "yaml";
import { z } from "zod";
import { readConfig } from "../../infra/config.ts";
import { readProject } from "../../rollout/cli/project.ts";
import { root, textOf } from "./markdown.ts";

const stackFile = z.strictObject({ config: z.record(z.string(), z.unknown()) });

/** Folders of projects whose program is this package's own: they are configuration and nothing else. */
const projects = ["gateway-api", "app-mesh"].map((name) => join("examples", name));

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
        const read = readConfig({
          // as the engine hands it over
          values: Object.fromEntries(
            Object.entries(config).map(([key, value]) => [
              key,
              typeof value === "string" ? value : JSON.stringify(value),
            ]),
          ),
          isSecret: () => false,
          environment: {},
          directory: join(root, project),
        });
        assert.equal(read.target, "kubernetes");
        if (read.kind === "service") assert.equal(read.platform, "dev");
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
