import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";

const lockSchema = z.object({
  packages: z.record(
    z.string(),
    z.object({ optionalDependencies: z.record(z.string(), z.string()).optional() }),
  ),
});

describe("package-lock.json", () => {
  it("names the optional packages of every platform, without which npm ci refuses it", async () => {
    const file = join(import.meta.dirname, "..", "..", "package-lock.json");
    const { packages } = lockSchema.parse(JSON.parse(await readFile(file, "utf8")));
    const missing = Object.values(packages)
      .flatMap((entry) => Object.keys(entry.optionalDependencies ?? {}))
      .filter((name) => !(`node_modules/${name}` in packages));
    assert.deepEqual(missing, []);
  });
});
