import assert from "node:assert/strict";
import fc from "fast-check";
import { splitCommandLine } from "../../infra/command-line.ts";

function words(text: string): readonly string[] {
  const split = splitCommandLine(text);
  assert.equal(split.kind, "command", JSON.stringify(split));
  return split.kind === "command" ? [split.command, ...split.args] : [];
}

function refusal(text: string): string {
  const split = splitCommandLine(text);
  assert.equal(split.kind, "refused", JSON.stringify(split));
  return split.kind === "refused" ? split.why : "";
}

describe("splitting a command line", () => {
  it("splits at blanks, whatever their number", () => {
    assert.deepEqual(words("  node   server.ts\t--fast "), ["node", "server.ts", "--fast"]);
  });

  it("takes quotes and backslashes as a shell does", () => {
    const text = String.raw`run 'a b' "c \"d\"" e\ f "g"'h'i ''`;
    assert.deepEqual(words(text), ["run", "a b", 'c "d"', "e f", "ghi", ""]);
  });

  it("takes NAME=value before the command as env, and after it as an argument", () => {
    assert.deepEqual(splitCommandLine("VERSION=2 MODE='a b' node x=1"), {
      kind: "command",
      command: "node",
      args: ["x=1"],
      env: { VERSION: "2", MODE: "a b" },
    });
  });

  it("keeps a placeholder whole though it has blanks", () => {
    assert.deepEqual(words("server --port={{ port }} {{port}}"), [
      "server",
      "--port={{ port }}",
      "{{port}}",
    ]);
  });

  it("keeps in single quotes what a shell would act on", () => {
    assert.deepEqual(words("echo '$HOME | *'"), ["echo", "$HOME | *"]);
    assert.deepEqual(words(String.raw`echo "\$HOME" \*`), ["echo", "$HOME", "*"]);
  });

  for (const [text, shown] of [
    ["a | b", '"|"'],
    ["a && b", '"&"'],
    ["echo $HOME", '"$"'],
    ['echo "$HOME"', '"$"'],
    ["echo `id`", '"`"'],
    ["ls *.ts", '"*"'],
    ["a > log", '">"'],
  ] as const) {
    it(`refuses ${text}, which only a shell could run`, () => {
      assert.ok(refusal(text).includes(shown), refusal(text));
    });
  }

  it("refuses a quote without end and says where it begins", () => {
    assert.match(refusal("node 'server.ts"), /character 6 /);
    assert.match(refusal('node "a'), /character 6 /);
  });

  it("refuses a line without a command", () => {
    assert.match(refusal("A=1 B=2"), /no command/);
    assert.match(refusal("   "), /no command/);
  });

  it("gives back any words that were quoted", () => {
    const quoted = (word: string): string => `'${word.replaceAll("'", `'\\''`)}'`;
    fc.assert(
      fc.property(fc.array(fc.string(), { minLength: 1 }), (list) => {
        const written = ["run", ...list];
        assert.deepEqual(words(written.map(quoted).join(" ")), written);
      }),
    );
  });
});
