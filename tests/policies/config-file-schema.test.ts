import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { configFileSchema } from "../../policies/config-file-schema.ts";

describe("the schema of the pack's configuration", () => {
  it("is what the rules say (else: node policies/config-file-schema.ts > policies/config.schema.json)", () => {
    const path = join(import.meta.dirname, "../../policies/config.schema.json");
    const written: unknown = JSON.parse(readFileSync(path, "utf8"));
    assert.deepEqual(written, configFileSchema());
  });
});
