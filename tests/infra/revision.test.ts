import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ContractError, parseRevision, processContent } from "../../infra/contract.ts";

const place = "upramp:service.revision";

describe("a revision as written", () => {
  it("is the same one as command line, as JSON and as object", () => {
    const object = { command: "node", args: ["server.ts"], env: { VERSION: "2" } };
    const ids = ["VERSION=2 node server.ts", JSON.stringify(object), object].map(
      (written) => parseRevision(written, place).id,
    );
    assert.equal(new Set(ids).size, 1);
  });

  it("is named by name, then by VERSION, then by its id", () => {
    const named = { name: "summer", command: "node", env: { VERSION: "2" } };
    assert.equal(parseRevision(named, place).name, "summer");
    assert.equal(parseRevision("VERSION=2 node", place).name, "2");
    const { id, name } = parseRevision("node", place);
    assert.equal(name, id);
  });

  it("has an id that depends on what runs and not on the name", () => {
    const plain = parseRevision({ command: "node" }, place);
    assert.equal(parseRevision({ name: "other", command: "node" }, place).id, plain.id);
    assert.notEqual(parseRevision({ command: "node", args: ["-v"] }, place).id, plain.id);
    assert.notEqual(parseRevision({ command: "node", env: { A: "1" } }, place).id, plain.id);
  });

  it("takes numbers and booleans of YAML as text", () => {
    const written = { command: "run", args: [1], env: { RATE: 0.5, FAST: true } };
    const content = processContent(parseRevision(written, place));
    assert.deepEqual(content, { command: "run", args: ["1"], env: { RATE: "0.5", FAST: "true" } });
  });

  it("is read from a file relative to the directory", () => {
    const directory = mkdtempSync(join(tmpdir(), "upramp-revision-"));
    try {
      writeFileSync(join(directory, "v2.yaml"), "command: node\nenv:\n  VERSION: '2'\n");
      const revision = parseRevision("@v2.yaml", place, directory);
      assert.equal(revision.id, parseRevision("VERSION=2 node", place).id);
    } finally {
      rmSync(directory, { recursive: true });
    }
  });

  for (const [written, expected] of [
    ["@missing.yaml", /upramp:service\.revision = @missing\.yaml: the file cannot be read/],
    ["{not: [json", /neither JSON nor YAML/],
    ["a | b", /upramp:service\.revision = a \| b: no shell runs this/],
    [{ args: ["x"] }, /upramp:service\.revision\.command/],
    [{ command: "x", image: "y" }, /image/],
    [{ command: "x", env: { "A-B": "1" } }, /not a variable name/],
    [7, /upramp:service\.revision = 7/],
  ] as const) {
    it(`refuses ${JSON.stringify(written)} and says where`, () => {
      assert.throws(
        () => parseRevision(written, place),
        (error) => error instanceof ContractError && expected.test(error.message),
      );
    });
  }
});
