import assert from "node:assert/strict";
import { mkdir, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { makeStagingFolder, publish } from "../../tools/cache-entry.ts";
import { findTool, lookUpTool } from "../../tools/find.ts";
import { toolsFolderOf } from "../../tools/host.ts";
import {
  scriptPrinting,
  temporaryHost,
  type TemporaryHost,
  widgetRow,
  writeProgram,
} from "./temporary-host.ts";

describe("finding a tool", () => {
  let host: TemporaryHost;
  const row = widgetRow([]);

  beforeEach(async () => {
    host = await temporaryHost();
  });
  afterEach(async () => await host.remove());

  async function putInCache(version: string): Promise<string> {
    const staging = await makeStagingFolder(host, "widget");
    await writeProgram(join(staging, "bin"), "widget", scriptPrinting(version));
    const manifest = { name: "widget", version, source: "registry", origin: "a test" } as const;
    return (await publish(host, staging, manifest)).folder;
  }

  it("takes the one on PATH when its version fits", async () => {
    await putInCache("2.5.0");
    const path = await writeProgram(host.binFolder, "widget", scriptPrinting("widget v2.3.4+ds"));
    const { found, unsuitable } = await lookUpTool("widget", row, host);
    assert.deepEqual(found, { name: "widget", path, version: "2.3.4", source: "path" });
    assert.deepEqual(unsuitable, []);
  });

  it("passes over a version that does not fit, says why, and takes the cache's", async () => {
    const folder = await putInCache("2.5.0");
    const path = await writeProgram(host.binFolder, "widget", scriptPrinting("1.9.9"));
    const { found, unsuitable } = await lookUpTool("widget", row, host);
    assert.equal(found?.path, join(folder, "bin", "widget"));
    assert.equal(found?.source, "cache");
    assert.deepEqual(unsuitable, [
      { path, why: "version 1.9.9, upramp needs >= 2.0.0 and < 3.0.0" },
    ]);
  });

  it("looks further along PATH after one that does not fit", async () => {
    const later = join(host.folder, "later");
    await writeProgram(host.binFolder, "widget", scriptPrinting("1.0.0"));
    const path = await writeProgram(later, "widget", scriptPrinting("2.0.0"));
    const twoFolders = { ...host, env: { PATH: `${host.binFolder}:${later}:/usr/bin:/bin` } };
    assert.equal((await lookUpTool("widget", row, twoFolders)).found?.path, path);
  });

  it("takes the newest fitting version of the cache", async () => {
    for (const version of ["2.9.0", "2.10.0", "3.0.0"]) await putInCache(version);
    assert.equal((await lookUpTool("widget", row, host)).found?.version, "2.10.0");
  });

  it("says what is wrong with a program that fails, prints no version or is no program", async () => {
    const cases = [
      { script: "#!/bin/sh\nexit 3\n", why: /ended with code 3/ },
      { script: scriptPrinting("hello"), why: /prints no version/ },
      { script: "#!/no/such/interpreter\n", why: /does not run/ },
    ];
    for (const { script, why } of cases) {
      await writeProgram(host.binFolder, "widget", script);
      const { found, unsuitable } = await lookUpTool("widget", row, host);
      assert.equal(found, undefined);
      assert.match(unsuitable[0]?.why ?? "", why);
    }
  });

  it("ignores folders, files without the right to run, and dangling links on PATH", async () => {
    await mkdir(join(host.binFolder, "widget"));
    const second = join(host.folder, "second");
    await mkdir(second);
    await writeFile(join(second, "widget"), scriptPrinting("2.0.0"));
    const third = join(host.folder, "third");
    await mkdir(third);
    await symlink(join(host.folder, "nowhere"), join(third, "widget"));
    const env = { PATH: [host.binFolder, second, third].join(":") };
    assert.deepEqual(await lookUpTool("widget", row, { ...host, env }), {
      found: undefined,
      unsuitable: [],
    });
  });

  it("does not take its own cache on PATH for the user's", async () => {
    const folder = await putInCache("2.5.0");
    const env = { PATH: `${join(folder, "bin")}:${host.env["PATH"] ?? ""}` };
    assert.equal((await lookUpTool("widget", row, { ...host, env })).found?.source, "cache");
  });

  it("takes no unfinished, damaged or foreign folder of the cache for a tool", async () => {
    await makeStagingFolder(host, "widget");
    const damaged = join(toolsFolderOf(host), `widget-2.2.0-${host.platform}`);
    await mkdir(damaged, { recursive: true });
    assert.equal((await lookUpTool("widget", row, host)).found, undefined);
    await writeFile(join(damaged, "tool.json"), "{");
    assert.equal((await lookUpTool("widget", row, host)).found, undefined);
    const manifest = {
      name: "widget-case",
      version: "2.2.0",
      source: "registry",
      origin: "a test",
    };
    await writeFile(join(damaged, "tool.json"), JSON.stringify(manifest));
    assert.equal((await lookUpTool("widget", row, host)).found, undefined);
  });

  it("finds the running Node, whatever PATH has", async () => {
    await writeProgram(host.binFolder, "node", scriptPrinting("v18.0.0"));
    const found = await findTool("node", host);
    assert.equal(found?.path, process.execPath);
    assert.equal(found?.version, process.versions.node);
  });
});
