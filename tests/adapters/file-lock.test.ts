import assert from "node:assert/strict";
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { FileStore } from "../../rollout/adapters/file-store.ts";
import type { LockResult } from "../../rollout/ports.ts";
import { waitUntil } from "../cluster/wait-until.ts";
import { Child, storeProcessPath } from "./child.ts";
import { lockContent } from "./lock-content.ts";

describe("lock of the file store", () => {
  let directory: string;
  let path: string;
  const children: Child[] = [];
  const open = (): FileStore => new FileStore({ directory, name: "dev-podinfo" });
  const hold = (): Child => started(Child.storeProcess("hold", directory));
  const started = (child: Child): Child => {
    children.push(child);
    return child;
  };

  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), "upramp-lock-"));
    path = join(directory, "dev-podinfo.lock");
  });

  afterEach(async () => {
    await Promise.all(children.splice(0).map((child) => child.end()));
    await rm(directory, { recursive: true });
  });

  /** Files other than the lock: nothing may pile up. */
  async function litter(): Promise<string[]> {
    return (await readdir(directory)).filter((name) => name !== "dev-podinfo.lock");
  }

  async function assertHad(result: LockResult): Promise<void> {
    assert.ok(result.kind === "locked", JSON.stringify(result));
    await result.lock.release();
    assert.deepEqual(await litter(), []);
  }

  it("is refused while another process holds it, with who and since when", async () => {
    const before = Date.now();
    const child = hold();
    assert.equal(await child.line(), "locked");
    const result = await open().lock();
    assert.ok(result.kind === "held");
    assert.match(result.holder.who, new RegExp(`process ${child.pid}$`));
    assert.ok(result.holder.since >= before && result.holder.since <= Date.now());
  });

  it("passes on when its holder is killed", async () => {
    const child = hold();
    await child.line();
    await child.end("SIGKILL");
    assert.equal(await open().holder(), null);
    await assertHad(await open().lock());
  });

  it("stays with a holder that is stopped", async () => {
    const child = hold();
    await child.line();
    child.signal("SIGSTOP");
    assert.equal((await open().lock()).kind, "held");
  });

  it("passes on when its dead holder was never reaped", async function () {
    if (process.platform !== "linux") this.skip();
    // the shell becomes a sleep, which never asks after its child
    const script = `exec 3<&0; "$0" "$1" hold "$2" <&3 & exec sleep 30`;
    const args = ["-c", script, process.execPath, storeProcessPath, directory];
    const parent = started(new Child("sh", args));
    assert.equal(await parent.line(), "locked");
    const pid = Number(/process (\d+)$/.exec((await open().holder())?.who ?? "")?.[1]);
    process.kill(pid, "SIGKILL");
    await waitUntil("the holder is a zombie", 5_000, async () =>
      / Z /.test(await readFile(`/proc/${pid}/stat`, "utf8")),
    );
    await assertHad(await open().lock());
  });

  it("passes on when the pid has been given to another process", async () => {
    await writeFile(path, lockContent({}));
    await assertHad(await open().lock());
  });

  it("passes on when the machine was started again since", async function () {
    if (process.platform !== "linux") this.skip();
    await writeFile(path, lockContent({ boot: "an earlier one" }));
    await assertHad(await open().lock());
  });

  for (const [where, holder] of [
    ["on another host", { host: "elsewhere" }],
    ["on another machine of the same name", { machine: "another", boot: "another" }],
    ["in another container", { pidNamespace: "pid:[1]" }],
  ] as const) {
    it(`stays with a holder ${where}, and says how to break it`, async () => {
      await writeFile(path, lockContent(holder));
      const result = await open().lock();
      assert.ok(result.kind === "held");
      assert.match(result.holder.who, /^ann on /);
      assert.ok(result.holder.who.includes(`rm '${path}'`), result.holder.who);
      assert.equal(result.holder.since, 1_000);
    });
  }

  it("names the file when it is not a lock", async () => {
    await writeFile(path, "4711\n");
    await assert.rejects(open().lock(), (error: Error) => {
      assert.equal(error.name, "UserError");
      assert.ok(error.message.includes(`rm '${path}'`), error.message);
      return true;
    });
  });

  it("is had by exactly one of many who find its holder dead", async () => {
    for (let round = 0; round < 15; round += 1) {
      await writeFile(path, lockContent({}));
      const results = await Promise.all(Array.from({ length: 8 }, () => open().lock()));
      const [had, ...more] = results.filter((result) => result.kind === "locked");
      assert.ok(had !== undefined, `round ${round}: nobody`);
      assert.equal(more.length, 0, `round ${round}: ${more.length + 1} at once`);
      assert.equal(had.lock.lost.aborted, false);
      await had.lock.release();
      assert.deepEqual(await litter(), [], `round ${round}`);
    }
  });

  it("passes on when who took it over died half-way", async () => {
    const [dead, successor] = [lockContent({}), lockContent({})];
    await writeFile(path, dead);
    await writeFile(`${path}.after-${tokenOf(dead)}`, successor);
    await assertHad(await open().lock());
  });

  it("stays with a successor that is half-way", async () => {
    const dead = lockContent({});
    const child = hold();
    await child.line();
    const successor = await readFile(path, "utf8");
    await writeFile(`${path}.after-${tokenOf(dead)}`, successor);
    await writeFile(path, dead);
    const result = await open().lock();
    assert.ok(result.kind === "held");
    assert.match(result.holder.who, new RegExp(`process ${child.pid}$`));
  });

  it("is never with two processes at once, though every holder dies with it", async function () {
    this.timeout(30_000);
    const count = 8;
    const crashing = Array.from({ length: count }, () =>
      started(Child.storeProcess("crash", directory)),
    );
    await Promise.all(crashing.map((child) => child.ended()));
    const lines = (await readFile(join(directory, "log"), "utf8")).trim().split("\n");
    assert.equal(lines.length, 2 * count);
    for (let index = 0; index < lines.length; index += 2) {
      const pid = /^in (\d+)$/.exec(lines[index] ?? "")?.[1];
      assert.notEqual(pid, undefined, lines.join(", "));
      assert.equal(lines[index + 1], `out ${pid}`, lines.join(", "));
    }
  });

  it("is lost when its file is removed by hand", async () => {
    const store = open();
    const result = await store.lock();
    assert.ok(result.kind === "locked");
    await rm(path);
    await waitUntil("the holder notices", 5_000, () => result.lock.lost.aborted);
  });
});

function tokenOf(content: string): string {
  const parsed: unknown = JSON.parse(content);
  assert.ok(typeof parsed === "object" && parsed !== null && "token" in parsed);
  return String(parsed.token);
}
