import assert from "node:assert/strict";
import { existsSync, globSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { root, textOf } from "./markdown.ts";

const pages = globSync(["*.md", "docs/*.md", "examples/*/*.md"], { cwd: root }).toSorted();

/** Names by which GitHub links to the headings of a page. */
function anchorsOf(page: string): readonly string[] {
  return [...textOf(page).matchAll(/^#+ (.+)$/gm)].map(([, heading = ""]) =>
    heading
      .toLowerCase()
      .replaceAll(/[^\w -]/g, "")
      .replaceAll(" ", "-"),
  );
}

for (const page of pages) {
  describe(page, () => {
    const links = [...textOf(page).matchAll(/\]\(([^)\s]+)\)/g)]
      .map(([, link = ""]) => link)
      .filter((link) => !/^[a-z]+:/.test(link));

    it("links to what is there", () => {
      for (const link of links) {
        const [path = "", anchor] = link.split("#");
        const target = path === "" ? page : relative(root, join(root, dirname(page), path));
        assert.ok(existsSync(join(root, target)), link);
        if (anchor !== undefined) assert.ok(anchorsOf(target).includes(anchor), link);
      }
    });

    it("names files that are there", () => {
      const folders = /^(infra|rollout|policies|tools|tests|examples|docs|benchmarks)\//;
      for (const [, name = ""] of textOf(page).matchAll(/`([\w./*-]+)`/g)) {
        if (!folders.test(name)) continue;
        assert.ok(globSync(name, { cwd: root }).length > 0, name);
      }
    });
  });
}
