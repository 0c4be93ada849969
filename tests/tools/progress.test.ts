import assert from "node:assert/strict";
import { progressTo } from "../../tools/progress.ts";

describe("progress of getting tools", () => {
  function run(isTTY: boolean): string {
    let text = "";
    let nowMs = 0;
    const stream = { isTTY, columns: 60, write: (part: string) => (text += part) };
    const progress = progressTo(stream, () => nowMs);
    progress({ kind: "step", tool: "widget", text: "downloading widget", amount: "1 of 9 MB" });
    nowMs += 2_000;
    progress({ kind: "step", tool: "widget", text: "downloading widget", amount: "9 of 9 MB" });
    nowMs += 1_000;
    progress({ kind: "done", tool: "widget", text: "2.1.0, official release" });
    progress({ kind: "failed", tool: "gadget", text: "could not be had" });
    return text;
  }

  it("is one line a step and one at the end in a log", () => {
    assert.equal(
      run(false),
      "widget: downloading widget\nwidget: 2.1.0, official release, 3 s\ngadget: could not be had, 0 s\n",
    );
  });

  it("is one live line on a terminal that ends as one line", () => {
    const lines = run(true).split("\n");
    assert.equal(lines.length, 3);
    const [first = ""] = lines;
    const redraws = first.split("\r\u001B[2K").slice(1);
    assert.deepEqual(redraws, [
      "widget: downloading widget, 1 of 9 MB, 0 s",
      "widget: downloading widget, 9 of 9 MB, 2 s",
      "widget: 2.1.0, official release, 3 s",
    ]);
  });
});
