import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { chmod, mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { FileStore } from "../../rollout/adapters/file-store.ts";
import { record } from "../support/builders.ts";
import { Child, storeProcessPath } from "./child.ts";
import { lockContent } from "./lock-content.ts";

describe("file store", () => {
  let directory: string;
  let path: string;
  const children: Child[] = [];
  const open = (): FileStore => new FileStore({ directory, name: "dev-podinfo" });
  const started = (child: Child): Child => {
    children.push(child);
    return child;
  };

  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), "upramp-store-"));
    path = join(directory, "dev-podinfo.json");
  });

  afterEach(async () => {
    await Promise.all(children.splice(0).map((child) => child.end()));
    await rm(directory, { recursive: true });
  });

  async function fails(act: Promise<unknown>, ...words: readonly string[]): Promise<void> {
    await assert.rejects(act, (error: Error) => {
      assert.equal(error.name, "UserError", String(error.stack));
      for (const word of words) assert.ok(error.message.includes(word), error.message);
      return true;
    });
  }

  it("makes its directory, for the user alone", async () => {
    directory = join(directory, "of", "its", "own");
    await open().save(record());
    assert.equal((await stat(directory)).mode & 0o777, 0o700);
    const [name = ""] = await readdir(directory);
    assert.equal(name, "dev-podinfo.json");
    assert.equal((await stat(join(directory, name))).mode & 0o777, 0o600);
    directory = join(directory, "..", "..", "..");
  });

  it("refuses a name that would leave the directory", () => {
    for (const name of ["../x", "a/b", "", ".hidden"]) {
      assert.throws(() => new FileStore({ directory, name }), { name: "UserError" });
    }
  });

  it("keeps the services of one directory apart", async () => {
    await open().save(record("v1", "v2"));
    await new FileStore({ directory, name: "dev-other" }).save(record("v1", "v9"));
    assert.equal((await open().load())?.wanted.name, "v2");
  });

  it("refuses the record of a newer upramp", async () => {
    await writeFile(path, JSON.stringify({ schemaVersion: 2, anything: true }));
    await fails(open().load(), path, "schemaVersion 2", "Update upramp");
  });

  for (const [what, text] of [
    ["no JSON", "{"],
    ["nothing", ""],
    ["another JSON", "[1, 2]"],
    ["a cut record", JSON.stringify({ ...record(), state: undefined })],
    ["weights beyond 100", JSON.stringify(record()).replace('"blue":100', '"blue":101')],
    ["a field that no version has", JSON.stringify({ ...record(), more: 1 })],
  ] as const) {
    it(`names the file and how to go on when it holds ${what}`, async () => {
      await writeFile(path, text);
      await fails(open().load(), path, "not a whole rollout record", `mv '${path}'`);
    });
  }

  it("says where in the record the fault is", async () => {
    const damaged = { ...record(), state: { ...record().state, phase: "flying" } };
    await writeFile(path, JSON.stringify(damaged));
    await fails(open().load(), "state.phase");
  });

  it("has a whole record after a kill in the middle of saving", async function () {
    this.timeout(20_000);
    for (let round = 0; round < 6; round += 1) {
      const child = started(Child.storeProcess("save", directory));
      await child.line();
      // a different moment of the saving each time
      await sleep(40 + 13 * round);
      await child.end("SIGKILL");
      const store = open();
      const loaded = await store.load();
      assert.match(loaded?.wanted.name ?? "", /^v\d+$/, `round ${round}`);
      // whoever drives next leaves nothing of it behind
      const result = await store.lock();
      assert.ok(result.kind === "locked");
      await result.lock.release();
      assert.deepEqual(await readdir(directory), ["dev-podinfo.json"]);
    }
  });

  it("keeps the old record when the disk is full", async function () {
    const script = [
      `mount -t tmpfs -o size=1m none "$2"`,
      `"$0" "$1" save-large "$2"`,
      `ls "$2"; head -c 40 "$2/dev-podinfo.json"; echo`,
    ].join("\n");
    const args = ["-Urm", "sh", "-c", script, process.execPath, storeProcessPath];
    if (!(await canUnshare("-Urm"))) this.skip();
    const child = started(new Child("unshare", [...args, directory]));
    const said = await child.line();
    assert.match(said, /^UserError: .*ENOSPC.*kept as it is.*free some space/);
    assert.ok(said.includes(path), said);
    // no leftovers, and the record of before is there
    assert.equal(await child.line(), "dev-podinfo.json");
    assert.match(await child.line(), /^\{"schemaVersion":1,/);
  });

  it("says so when a file cannot be written as large as it must be", async () => {
    await open().save(record());
    const script = `ulimit -f 100; exec "$0" "$1" save-large "$2"`;
    const args = ["-c", script, process.execPath, storeProcessPath, directory];
    const child = started(new Child("sh", args));
    assert.match(await child.line(), /^UserError: .*EFBIG.*ulimit -f/);
    await child.ended();
    assert.deepEqual(await readdir(directory), ["dev-podinfo.json"]);
    assert.deepEqual(await open().load(), record());
  });

  it("says so when the directory is a file", async () => {
    const file = join(directory, "file");
    await writeFile(file, "");
    const store = new FileStore({ directory: file, name: "x" });
    await fails(store.save(record()), file, "EEXIST");
    await fails(new FileStore({ directory: join(file, "x"), name: "x" }).lock(), "ENOTDIR");
  });

  it("says so when it may not write", async function () {
    // root may write anywhere, but not as the nobody of a user namespace
    if (!(await canUnshare("-U"))) this.skip();
    await open().save(record());
    await chmod(directory, 0o500);
    const args = ["-U", process.execPath, storeProcessPath, "save-large", directory];
    const said = await started(new Child("unshare", args)).line();
    await chmod(directory, 0o700);
    assert.match(said, /^UserError: .*EACCES.*permissions/);
    assert.deepEqual(await open().load(), record());
  });

  it("saves nothing more once its lock is another's", async () => {
    const store = open();
    const result = await store.lock();
    assert.ok(result.kind === "locked");
    await store.save(record("v1", "v2"));
    await writeFile(join(directory, "dev-podinfo.lock"), lockContent({ host: "elsewhere" }));
    await fails(store.save(record("v1", "v3")), "dev-podinfo.lock", "upramp status");
    assert.equal(result.lock.lost.aborted, true);
    assert.equal((await open().load())?.wanted.name, "v2");
  });

  it("leaves nothing of a command that was cleared", async () => {
    const driver = open();
    await open().sendCommand("promote");
    await driver.readCommand();
    await driver.clearCommand();
    assert.deepEqual(await readdir(directory), []);
  });

  it("sweeps away nothing but what its own record left", async () => {
    const aside = `${randomUUID()}.tmp`;
    const names = [
      `dev-podinfo.json.${aside}`,
      `dev-podinfo.json.other.json.${aside}`,
      "notes.tmp",
    ];
    for (const name of names) await writeFile(join(directory, name), "");
    const result = await open().lock();
    assert.ok(result.kind === "locked");
    await result.lock.release();
    assert.deepEqual((await readdir(directory)).toSorted(), names.slice(1).toSorted());
  });

  it("names the file when it holds no command", async () => {
    const file = join(directory, "dev-podinfo.command");
    await writeFile(file, JSON.stringify({ command: "explode", token: "x" }));
    await fails(open().readCommand(), `rm '${file}'`);
  });

  it("writes the record as JSON with its schema version, for people to read", async () => {
    await open().save(record());
    const parsed: unknown = JSON.parse(await readFile(path, "utf8"));
    assert.deepEqual(parsed, record());
  });
});

/** Hosts may refuse namespaces to users, and others than Linux have none. */
async function canUnshare(kinds: string): Promise<boolean> {
  if (process.platform !== "linux") return false;
  const probe = new Child("unshare", [kinds, "true"]);
  await probe.ended();
  return probe.exitCode === 0;
}
