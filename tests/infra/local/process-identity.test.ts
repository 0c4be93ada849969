import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import {
  identityText,
  isAlive,
  liveStartTime,
  ownStartTime,
  parseIdentity,
} from "../../../infra/local/process-identity.ts";
import { waitUntil } from "../../cluster/wait-until.ts";

describe("the identity of a process", () => {
  it("is the pid and the start time, and reads back", () => {
    const startTime = liveStartTime(process.pid);
    assert.ok(startTime !== null);
    const identity = { pid: process.pid, startTime };
    assert.deepEqual(parseIdentity(identityText(identity)), identity);
    assert.ok(isAlive(identity));
  });

  it("is not that of another process with the same pid", () => {
    assert.ok(!isAlive({ pid: process.pid, startTime: "1" }));
  });

  it("is read past a command with blanks and parentheses", function () {
    if (process.platform !== "linux") this.skip();
    const before = liveStartTime(process.pid);
    const title = process.title;
    process.title = "a) b (c";
    try {
      assert.ok(readFileSync(`/proc/${process.pid}/stat`, "utf8").includes("a) b (c"));
      assert.equal(liveStartTime(process.pid), before);
    } finally {
      process.title = title;
    }
  });

  it("is gone when the process ended", async () => {
    const child = spawn(process.execPath, ["-e", ""], { stdio: "ignore" });
    assert.ok(child.pid !== undefined);
    await once(child, "exit");
    assert.equal(liveStartTime(child.pid), null);
  });

  it("is not alive as a zombie, though its start time is still known", async function () {
    if (process.platform !== "linux") this.skip();
    // a shell that does not wait for its child leaves a zombie as long as it lives
    const parent = spawn("sh", ["-c", "sleep 0.2 & echo $!; exec sleep 30"]);
    try {
      const [line] = (await once(parent.stdout, "data")) as [Buffer];
      const pid = Number(line.toString());
      await waitUntil("the child is a zombie", 5_000, () =>
        readFileSync(`/proc/${pid}/stat`, "utf8").includes(") Z "),
      );
      assert.equal(liveStartTime(pid), null);
      assert.ok(ownStartTime(pid) !== null);
    } finally {
      parent.kill("SIGKILL");
    }
  });

  it("refuses text of another form", () => {
    assert.throws(() => parseIdentity("12"), /pid:starttime/);
  });
});
