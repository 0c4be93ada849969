import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { withFileLock } from "../../../infra/local/file-lock.ts";
import { scratchDirectory } from "./scratch-directory.ts";

const module = join(import.meta.dirname, "../../../infra/local/file-lock.ts");

describe("a file lock", () => {
  const directory = scratchDirectory();

  it("is free again after the work, also when that fails", async () => {
    const path = join(directory.path, "lock");
    assert.equal(await withFileLock(path, () => existsSync(path)), true);
    await assert.rejects(
      withFileLock(path, () => {
        throw new Error("work failed");
      }),
      /work failed/,
    );
    assert.ok(!existsSync(path));
  });

  it("is taken from a holder that is dead", async () => {
    const path = join(directory.path, "lock");
    const child = spawn(process.execPath, ["-e", ""], { stdio: "ignore" });
    await once(child, "exit");
    writeFileSync(path, `${child.pid}:1`);
    assert.equal(await withFileLock(path, () => "done"), "done");
  });

  it("keeps processes that add to one file apart", async function () {
    this.timeout(30_000);
    const counter = join(directory.path, "counter");
    writeFileSync(counter, "0");
    const script = `
      import { readFileSync, writeFileSync } from "node:fs";
      import { withFileLock } from ${JSON.stringify(module)};
      for (let i = 0; i < 50; i += 1) {
        await withFileLock(${JSON.stringify(join(directory.path, "lock"))}, () => {
          const before = Number(readFileSync(${JSON.stringify(counter)}, "utf8"));
          writeFileSync(${JSON.stringify(counter)}, String(before + 1));
        });
      }`;
    const children = [1, 2, 3].map(() =>
      spawn(process.execPath, ["--input-type=module", "-e", script], { stdio: "inherit" }),
    );
    const codes = await Promise.all(children.map((child) => once(child, "exit")));
    assert.deepEqual(
      codes.map(([code]: unknown[]) => code),
      [0, 0, 0],
    );
    assert.equal(readFileSync(counter, "utf8"), "150");
  });
});
