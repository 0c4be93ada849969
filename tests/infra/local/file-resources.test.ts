import assert from "node:assert/strict";
import { existsSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { destroyGuardResource } from "../../../infra/local/destroy-guard-resource.ts";
import { directoryResource } from "../../../infra/local/directory-resource.ts";
import { fileResource } from "../../../infra/local/file-resource.ts";
import { isAlive, parseIdentity } from "../../../infra/local/process-identity.ts";
import { processResource } from "../../../infra/local/process-resource.ts";
import { processSetResource } from "../../../infra/local/process-set-resource.ts";
import { routeResource } from "../../../infra/local/route-resource.ts";
import { xdsEntryResource } from "../../../infra/local/xds-entry-resource.ts";
import { processInputs } from "./process-inputs.ts";
import { scratchDirectory } from "./scratch-directory.ts";

const never = new AbortController().signal;

const readJson = (path: string): unknown => JSON.parse(readFileSync(path, "utf8"));

describe("a file", () => {
  const directory = scratchDirectory();

  it("is written whole, read back, and removed", async () => {
    const path = join(directory.path, "a", "b.json");
    const { id, state } = await fileResource.create({ path, content: "1" }, never);
    await fileResource.update(id, state, { path, content: "2" }, never);
    assert.equal(readFileSync(path, "utf8"), "2");
    assert.deepEqual(readdirSync(join(directory.path, "a")), ["b.json"]);
    await fileResource.delete(id, { path, content: "2" });
    assert.ok(!existsSync(path));
  });

  it("is read as it is, or as gone", async () => {
    const path = join(directory.path, "x");
    const state = { path, content: "1" };
    assert.equal(await fileResource.read(path, state), null);
    writeFileSync(path, "by hand");
    assert.deepEqual(await fileResource.read(path, state), { path, content: "by hand" });
  });
});

describe("a route file", () => {
  const directory = scratchDirectory();
  const inputs = (blue: number): Record<string, unknown> => ({
    path: join(directory.path, "route.json"),
    template: JSON.stringify({ clusters: [{ w: "{{ blue }}" }, { w: "{{ green }}" }] }),
    weights: { blue, green: 100 - blue },
  });

  it("shows the weights of its inputs", async () => {
    const { id, state } = await routeResource.create(inputs(100), never);
    await routeResource.update(id, state, inputs(80), never);
    assert.deepEqual(readJson(id), { clusters: [{ w: 80 }, { w: 20 }] });
  });

  it("is read with the weights that really stand in it", async () => {
    const { id, state } = await routeResource.create(inputs(100), never);
    writeFileSync(id, JSON.stringify({ clusters: [{ w: 70 }, { w: 30 }] }));
    assert.deepEqual((await routeResource.read(id, state))?.["weights"], { blue: 70, green: 30 });
  });

  it("is read as changed when something else in it is other, and as gone when it is", async () => {
    const { id, state } = await routeResource.create(inputs(100), never);
    writeFileSync(id, JSON.stringify({ clusters: [] }));
    assert.notEqual((await routeResource.read(id, state))?.["template"], state["template"]);
    rmSync(id);
    assert.equal(await routeResource.read(id, state), null);
  });
});

describe("an entry among the listeners and clusters of Envoy", () => {
  const directory = scratchDirectory();
  const entry = (name: string, more: object = {}): Record<string, unknown> => ({
    directory: directory.path,
    name,
    listeners: "[]",
    clusters: JSON.stringify([{ name: `${name}-blue` }]),
    ...more,
  });
  const clusters = (): unknown => readJson(join(directory.path, "clusters.json"));

  it("stands beside those of other services, in the order of their names", async () => {
    await xdsEntryResource.create(entry("shop"), never);
    await xdsEntryResource.create(entry("cart"), never);
    assert.deepEqual(clusters(), { resources: [{ name: "cart-blue" }, { name: "shop-blue" }] });
  });

  it("takes only itself away", async () => {
    const shop = await xdsEntryResource.create(entry("shop"), never);
    await xdsEntryResource.create(entry("cart"), never);
    await xdsEntryResource.delete(shop.id, shop.state);
    assert.deepEqual(clusters(), { resources: [{ name: "cart-blue" }] });
    assert.equal(await xdsEntryResource.read(shop.id, shop.state), null);
  });

  it("loses nobody's entry when many are made at once", async () => {
    const names = Array.from({ length: 15 }, (_, index) => `s${String(index).padStart(2, "0")}`);
    await Promise.all(names.map((name) => xdsEntryResource.create(entry(name), never)));
    assert.deepEqual(clusters(), { resources: names.map((name) => ({ name: `${name}-blue` })) });
  });

  it("fills the port in and keeps it", async () => {
    const withPort = entry("shop", { clusters: JSON.stringify([{ port: "{{ port }}" }]) });
    const first = await xdsEntryResource.create(withPort, never);
    const port = first.state["boundPort"];
    assert.deepEqual(clusters(), { resources: [{ port }] });
    const again = await xdsEntryResource.update(first.id, first.state, withPort, never);
    assert.equal(again["boundPort"], port);
  });

  it("waits until somebody listens on the port", async () => {
    const server = createServer();
    const first = await xdsEntryResource.create(entry("shop"), never);
    const port = Number(first.state["boundPort"]);
    const listening = entry("shop", { listeners: JSON.stringify([{ port: "{{ port }}" }]) });
    const updating = xdsEntryResource.update(first.id, first.state, listening, never);
    server.listen(port, "127.0.0.1");
    try {
      assert.equal((await updating)["boundPort"], port);
    } finally {
      server.close();
    }
  });

  it("puts back what was there when Envoy does not take it up", async () => {
    const before = await xdsEntryResource.create(entry("shop"), never);
    const canceled = AbortSignal.abort();
    const listening = entry("shop", { listeners: "[{}]", clusters: "[]", hint: "see its log" });
    await assert.rejects(
      xdsEntryResource.update(before.id, before.state, listening, canceled),
      /Envoy does not listen on 127\.0\.0\.1:\d+ for shop .*see its log/,
    );
    assert.deepEqual(clusters(), { resources: [{ name: "shop-blue" }] });
  });
});

describe("a directory of a stack", () => {
  const scratch = scratchDirectory();
  const inputs = (owner: string, name = "dir"): Record<string, unknown> => ({
    path: join(scratch.path, name),
    owner,
    pathKey: "upramp:platform.stateDir",
  });

  it("goes with all that is in it", async () => {
    const { id, state } = await directoryResource.create(inputs("dev"), never);
    mkdirSync(join(id, "deep", "er"), { recursive: true });
    writeFileSync(join(id, "deep", "er", "file"), "x");
    await directoryResource.delete(id, state);
    assert.ok(!existsSync(id));
  });

  it("is never one that holds somebody's files", async () => {
    mkdirSync(join(scratch.path, "home"));
    writeFileSync(join(scratch.path, "home", "letter"), "dear");
    await assert.rejects(
      directoryResource.create(inputs("dev", "home"), never),
      /home is not empty.*point upramp:platform\.stateDir at a new directory/,
    );
    await directoryResource.delete("", inputs("dev", "home"));
    assert.ok(existsSync(join(scratch.path, "home", "letter")));
  });

  it("is found again by its owner and refused to another", async () => {
    await directoryResource.create(inputs("dev"), never);
    await directoryResource.create(inputs("dev"), never);
    await assert.rejects(directoryResource.create(inputs("prod"), never), /belongs to dev/);
  });

  it("follows its stack to a new name", async () => {
    const { id, state } = await directoryResource.create(inputs("dev"), never);
    await directoryResource.update(id, state, inputs("prod"), never);
    assert.equal(await directoryResource.read(id, state), null);
    assert.deepEqual(await directoryResource.read(id, inputs("prod")), inputs("prod"));
  });

  it("ends the processes that an interrupted update left in it", async function () {
    this.timeout(30_000);
    const { id, state } = await directoryResource.create(inputs("dev"), never);
    const started = await processResource.create(processInputs(id), never);
    await directoryResource.delete(id, state);
    assert.ok(!isAlive(parseIdentity(started.id)));
  });

  it("guards what its platform needs, as long as it is there", async () => {
    const guard = { directory: scratch.path };
    const used = await directoryResource.create(inputs("dev-podinfo", "podinfo"), never);
    await assert.rejects(
      destroyGuardResource.delete("", guard),
      /podinfo still runs on this platform: run pulumi destroy --stack dev-podinfo first/,
    );
    await directoryResource.delete(used.id, used.state);
    await destroyGuardResource.delete("", guard);
  });
});

describe("the set of processes of a directory", function () {
  this.timeout(30_000);
  const scratch = scratchDirectory();

  it("ends a process that no resource stands for, and no other", async () => {
    const wanted = await processResource.create(processInputs(scratch.path), never);
    const leftover = await processResource.create(
      { ...processInputs(scratch.path), name: "green-0" },
      never,
    );
    const inputs = { directory: scratch.path, names: ["blue-0"] };
    try {
      assert.equal(processSetResource.differs?.(inputs), true);
      await processSetResource.update("", inputs, inputs, never);
      assert.ok(!isAlive(parseIdentity(leftover.id)));
      assert.ok(isAlive(parseIdentity(wanted.id)));
      assert.equal(processSetResource.differs?.(inputs), false);
    } finally {
      await processResource.delete(wanted.id, wanted.state);
    }
  });
});
