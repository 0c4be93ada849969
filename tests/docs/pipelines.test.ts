import assert from "node:assert/strict";
import { globSync } from "node:fs";
import { join } from "node:path";
import { parse } from "yaml";
import { z } from "zod";
import { commandLine } from "../../rollout/cli/command-line.ts";
import { exitCode } from "../../rollout/cli/exit-codes.ts";
import { root, textOf } from "./markdown.ts";

const folder = "examples/pipelines";
const script = textOf(`${folder}/rollout.sh`);
const callers = globSync(`${folder}/*`, { cwd: root })
  .filter((file) => !/\.(sh|md)$/.test(file))
  .toSorted();

/** Parses words as `upramp` does, and runs nothing. Throws what commander throws. */
async function parsed(words: readonly string[]): Promise<string> {
  const root = commandLine(() => undefined).configureOutput({ writeErr: () => undefined });
  let called = "";
  for (const command of root.commands) {
    command.exitOverride().configureOutput({ writeErr: () => undefined });
    command.action(() => {
      called = command.name();
    });
  }
  await root.parseAsync(words, { from: "user" });
  return called;
}

/** The words after `npx upramp` in text, up to what ends a command. */
function commandsIn(text: string): readonly string[][] {
  return [...text.matchAll(/\bnpx upramp ((?:[^\n`|>;&#"']|"[^"\n]*"|'[^'\n]*')+)/g)].map(
    ([, rest = ""]) =>
      [...rest.matchAll(/(?:"[^"]*"|'[^']*'|[^\s"'])+/g)].map(([word]) =>
        word.replaceAll(/["']/g, ""),
      ),
  );
}

/** What callers hand over to the script after the stack. */
function callsIn(text: string): readonly string[] {
  return [...text.matchAll(/sh rollout\.sh .*?(--[^\n'"]+)/g)].map(([, flags = ""]) =>
    flags.trim(),
  );
}

describe("the pipelines", () => {
  it("are those of the README of their folder", () => {
    for (const file of callers) {
      assert.ok(
        textOf(`${folder}/README.md`).includes(`](${file.slice(folder.length + 1)})`),
        file,
      );
    }
    assert.equal(callers.length, 5);
  });

  for (const file of callers) {
    it(`${file} calls the script with flags that there are`, async () => {
      const calls = callsIn(textOf(file));
      assert.equal(calls.length, 1);
      for (const flags of calls) {
        assert.equal(await parsed(["--json", "--stack", "s", "run", ...flags.split(" ")]), "run");
      }
    });
  }

  for (const file of callers.filter((name) => name.endsWith(".yml"))) {
    it(`${file} is YAML without a key twice`, () => {
      // throws for both
      assert.ok(z.record(z.string(), z.unknown()).parse(parse(textOf(file), { strict: true })));
    });
  }

  it("end before the limit of their run, as told by the same file", () => {
    const workflow = z
      .object({ jobs: z.object({ rollout: z.object({ "timeout-minutes": z.number() }) }) })
      .parse(parse(textOf(`${folder}/github-actions.yml`)));
    assert.ok(workflow.jobs.rollout["timeout-minutes"] > 50);
    assert.match(textOf(`${folder}/github-actions.yml`), /--for 50m/);
  });

  it("know the exit codes by their meaning", () => {
    const [, cases = ""] = /case \$code in\n([\s\S]*?)esac/.exec(script) ?? [];
    const codes = [...cases.matchAll(/^ {2}(\d+)\)/gm)].map(([, code]) => Number(code));
    assert.deepEqual(codes, [exitCode.ok, exitCode.locked, exitCode.underWay]);
  });

  it("call commands with flags that there are, also in the documentation", async () => {
    const pages = ["README.md", ...globSync("docs/*.md", { cwd: root })];
    const files = [`${folder}/rollout.sh`, ...pages];
    let found = 0;
    for (const file of files) {
      for (const words of commandsIn(textOf(file))) {
        if (words.some((word) => /[…$<]|^\.\.\.$/.test(word) && word !== "$@" && word !== "$stack"))
          continue;
        const given = words.filter((word) => word !== "$@");
        found += 1;
        await assert.doesNotReject(parsed(given), `${file}: ${words.join(" ")}`);
      }
    }
    assert.ok(found > 2, `${found} commands`);
  });

  it("use exit codes that operating.md explains", () => {
    const table = textOf(join("docs", "operating.md"));
    for (const code of Object.values(exitCode))
      assert.match(table, new RegExp(`^\\| ${code} +\\|`, "m"));
  });
});
