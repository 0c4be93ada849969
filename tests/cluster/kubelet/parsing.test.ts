import assert from "node:assert/strict";
import { Backoff, inSeconds } from "./backoff.ts";
import { expand } from "./environment.ts";
import { ImageTable, imageTableSchema, pullErrorMessage } from "./images.ts";
import { matchesSelector } from "./label-selector.ts";
import { parseQuantity } from "./quantities.ts";

describe("what the kubelet reads", () => {
  it("finds an image by its last path segment and by its tag", () => {
    const table = new ImageTable(
      imageTableSchema.parse([
        { repository: "podinfo", tags: "\\d+", entrypoint: ["run", "{tag}"], env: { V: "{tag}" } },
      ]),
    );
    assert.deepEqual(table.resolve("registry.example:5000/team/podinfo:7")?.entrypoint, [
      "run",
      "7",
    ]);
    assert.equal(table.resolve("podinfo:7@sha256:abc")?.env["V"], "7");
    assert.equal(table.resolve("podinfo:seven"), undefined);
    assert.equal(table.resolve("podinfo"), undefined);
    assert.equal(table.resolve("other:7"), undefined);
  });

  it("names an image in full when it cannot be pulled", () => {
    assert.match(pullErrorMessage("podinfo:x"), /"docker\.io\/library\/podinfo:x"/);
    assert.match(pullErrorMessage("team/podinfo"), /"docker\.io\/team\/podinfo:latest"/);
    assert.match(pullErrorMessage("ghcr.io/team/podinfo:x"), /"ghcr\.io\/team\/podinfo:x"/);
  });

  it("reads quantities", () => {
    const pairs: [string, number][] = [
      ["100m", 0.1],
      ["2", 2],
      ["64Mi", 67_108_864],
      ["1.5G", 1.5e9],
      ["1e3", 1_000],
    ];
    for (const [text, number] of pairs) assert.equal(parseQuantity(text), number);
    assert.throws(() => parseQuantity("5 apples"), /"5 apples" is not a quantity/);
  });

  it("matches label selectors", () => {
    const labels = { app: "podinfo", slot: "blue" };
    for (const selector of [
      "",
      "app=podinfo",
      "app==podinfo,slot!=green",
      "slot in (green,blue),app",
      "slot notin (green),!tier",
    ]) {
      assert.ok(matchesSelector(labels, selector), selector);
    }
    for (const selector of ["app=other", "slot!=blue", "slot notin (blue)", "tier", "!app"]) {
      assert.ok(!matchesSelector(labels, selector), selector);
    }
  });

  it("fills references to variables in, and leaves the unknown and the escaped", () => {
    const values = { NAME: "blue" };
    assert.equal(expand("$(NAME) $(OTHER) $$(NAME) $5", values), "blue $(OTHER) $(NAME) $5");
  });

  it("doubles delays up to five minutes", () => {
    const backoff = new Backoff(true);
    const delays = Array.from({ length: 8 }, () => backoff.next() / 1_000);
    assert.deepEqual(delays, [0, 10, 20, 40, 80, 160, 300, 300]);
    assert.equal(inSeconds(10_000), "10s");
    assert.equal(inSeconds(160_000), "2m40s");
  });
});
