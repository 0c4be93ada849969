import assert from "node:assert/strict";
import { type ChildProcessByStdio, spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { Readable, Writable } from "node:stream";
import { isProgram } from "../../tools/find.ts";

type Launched = ChildProcessByStdio<Writable, Readable, null>;

describe("starting upramp's scripts", () => {
  const launcher = join(import.meta.dirname, "launcher.mjs");
  const launched = join("tests", "tools", "launched.mjs");
  let child: Launched | undefined;

  afterEach(() => {
    child?.kill("SIGKILL");
  });

  function launch(file: string, args: readonly string[]): Launched {
    child = spawn(file, args, { stdio: ["pipe", "pipe", "inherit"] });
    return child;
  }

  /** All lines until the end; `onReady` runs when the script is there. */
  async function follow(script: Launched, onReady: (pid: number) => void): Promise<string[]> {
    const lines: string[] = [];
    for await (const line of createInterface({ input: script.stdout })) {
      const ready = /ready (\d+)/.exec(line);
      if (ready !== null) onReady(Number(ready[1]));
      else lines.push(line.trim());
    }
    return lines;
  }

  async function ending(script: Launched): Promise<readonly unknown[]> {
    const ended: readonly unknown[] = await once(script, "close");
    return ended;
  }

  for (const mode of ["with-execve", "without-execve"]) {
    it(`passes on the exit code (${mode})`, async () => {
      const script = launch(process.execPath, [launcher, mode, launched, "3"]);
      assert.deepEqual(await ending(script), [3, null]);
    });

    for (const signal of ["SIGINT", "SIGTERM"] as const) {
      it(`passes ${signal} on once and waits for the end (${mode})`, async () => {
        const script = launch(process.execPath, [launcher, mode, launched]);
        const ended = ending(script);
        const lines = await follow(script, () => {
          // As npm does in front of a terminal: the same signal twice.
          script.kill(signal);
          if (mode === "without-execve") setTimeout(() => script.kill(signal), 50);
        });
        assert.deepEqual(lines, [`${signal} 1`]);
        assert.deepEqual(await ended, [7, null]);
      });
    }

    it(`ends by the signal that ended the script (${mode})`, async () => {
      const script = launch(process.execPath, [launcher, mode, launched]);
      const ended = ending(script);
      await follow(script, (pid) => process.kill(pid, "SIGKILL"));
      assert.deepEqual(await ended, [null, "SIGKILL"]);
    });

    it(`gets Ctrl-C of a terminal once (${mode})`, async function () {
      // util-linux's `script` runs a command in front of a terminal of its own, by the shell that
      // SHELL names. `exec`: a shell that stays (dash) would be interrupted too, and answer 130.
      if (process.platform !== "linux" || !(await isProgram("/usr/bin/script"))) this.skip();
      const command = ["exec", process.execPath, launcher, mode, launched].join(" ");
      const terminal = launch("/usr/bin/script", ["-qec", command, "/dev/null"]);
      const ended = ending(terminal);
      const lines = await follow(terminal, () => terminal.stdin.write("\u0003"));
      assert.deepEqual(
        lines.map((line) => line.replace("^C", "")).filter((line) => line !== ""),
        ["SIGINT 1"],
      );
      assert.deepEqual(await ended, [7, null]);
    });
  }
});
