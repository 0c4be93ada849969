import assert from "node:assert/strict";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { UserError } from "../../rollout/errors.ts";
import type { FoundTool } from "../../tools/find.ts";
import { getRow } from "../../tools/get.ts";
import { toolsFolderOf } from "../../tools/host.ts";
import type { ToolEvent } from "../../tools/progress.ts";
import { runCommand } from "../../tools/run-command.ts";
import type { ReleaseWay, ToolRow, Way } from "../../tools/tool-row.ts";
import { type Answer, ReleaseServer, sha256, widgetRelease } from "./release-server.ts";
import {
  scriptPrinting,
  temporaryHost,
  type TemporaryHost,
  widgetRow,
  writeProgram,
} from "./temporary-host.ts";

describe("getting a tool", () => {
  let host: TemporaryHost;
  let servers: ReleaseServer[];
  let events: ToolEvent[];

  const widget = scriptPrinting("widget 2.1.0");
  /** A second way, so that falling through to it can be seen: a release whose sum is in the row. */
  const goodSums = { "/SHA256SUMS": { body: `${sha256(widget)}  widget\n` } };

  beforeEach(async () => {
    host = await temporaryHost();
    servers = [];
    events = [];
  });
  afterEach(async () => {
    for (const server of servers) await server.stop();
    await host.remove();
  });

  async function serve(answers: Readonly<Record<string, Answer>>): Promise<ReleaseServer> {
    const server = await ReleaseServer.start(answers);
    servers.push(server);
    return server;
  }

  async function get(row: ToolRow, unreachable = new Map<string, string>()): Promise<FoundTool> {
    return await getRow("widget", row, (event) => events.push(event), { host }, unreachable);
  }

  async function serveGood(): Promise<ReleaseWay> {
    const server = await serve({ "/widget": { body: widget }, ...goodSums });
    return widgetRelease(server.url, host.platform);
  }

  it("takes what is on PATH and asks nobody", async () => {
    const server = await serve({});
    const path = await writeProgram(host.binFolder, "widget", scriptPrinting("2.0.0"));
    const found = await get(widgetRow([widgetRelease(server.url, host.platform)]));
    assert.deepEqual(found, { name: "widget", path, version: "2.0.0", source: "path" });
    assert.deepEqual(server.requests, []);
    assert.deepEqual(events, []);
  });

  it("downloads the official release once, and then has it in the cache", async () => {
    const row = widgetRow([await serveGood()]);
    const first = await get(row);
    assert.equal(first.source, "official");
    assert.equal(
      first.path,
      join(toolsFolderOf(host), `widget-2.1.0-${host.platform}`, "bin", "widget"),
    );
    assert.match((await runCommand(first.path, [], { timeoutMs: 5_000 })).stdout, /2\.1\.0/);
    const second = await get(row);
    assert.deepEqual(second, { ...first, source: "cache" });
    assert.equal(servers[0]?.requests.length, 2);
    assert.deepEqual(events.at(-1), {
      kind: "done",
      tool: "widget",
      text: "2.1.0, official release",
    });
  });

  it("unpacks an archive and keeps only what the row names", async () => {
    const folder = join(host.folder, "release");
    await writeProgram(join(folder, "widget-2.1.0"), "widget", widget);
    await writeProgram(join(folder, "widget-2.1.0"), "gadget", widget);
    const archive = join(host.folder, "widget.tar.gz");
    await runCommand("tar", ["-czf", archive, "-C", folder, "widget-2.1.0"], { timeoutMs: 5_000 });
    const body = await readFile(archive);
    const server = await serve({
      "/widget.tar.gz": { body },
      "/sums": { body: `-----BEGIN PGP SIGNED MESSAGE-----\n\n${sha256(body)}  widget.tar.gz\n` },
    });
    const found = await get(
      widgetRow([
        {
          kind: "release",
          assets: {
            [host.platform]: {
              url: `${server.url}/widget.tar.gz`,
              checksum: { lists: [`${server.url}/none`, `${server.url}/sums`] },
              form: "tar",
              files: [{ from: "widget-2.1.0/widget", to: "bin/widget" }],
            },
          },
        },
      ]),
    );
    const kept = await readdir(join(found.path, "..", ".."), { recursive: true });
    assert.deepEqual(kept.toSorted(), ["bin", "bin/widget", "tool.json"]);
  });

  it("refuses a download with the wrong checksum, tries nothing else and leaves nothing", async () => {
    const tampered = await serve({
      "/widget": { body: scriptPrinting("2.1.0 evil") },
      ...goodSums,
    });
    const row = widgetRow([widgetRelease(tampered.url, host.platform), await serveGood()]);
    await assert.rejects(get(row), (error: unknown) => {
      assert.ok(error instanceof UserError);
      assert.match(error.message, /does not have the published sha256 checksum/);
      assert.ok(error.message.includes(sha256(widget)));
      return true;
    });
    assert.deepEqual(servers[1]?.requests, []);
    assert.deepEqual(await readdir(toolsFolderOf(host)), []);
  });

  it("refuses a download whose pinned checksum differs", async () => {
    const server = await serve({ "/widget": { body: widget } });
    const asset = {
      url: `${server.url}/widget`,
      checksum: { sha256: sha256("something else") },
      form: "binary",
      files: [{ from: "", to: "bin/widget" }],
    } as const;
    const row = widgetRow([{ kind: "release", assets: { [host.platform]: asset } }]);
    await assert.rejects(get(row), UserError);
  });

  const fallThrough: readonly { name: string; answers: Record<string, Answer>; why: RegExp }[] = [
    { name: "404 for the program", answers: goodSums, why: /answered 404/ },
    {
      name: "404 for the checksums",
      answers: { "/widget": { body: widget } },
      why: /answered 404/,
    },
    {
      name: "checksums that do not name it",
      answers: { "/widget": { body: widget }, "/SHA256SUMS": { body: "<html>sign in</html>" } },
      why: /does not name widget/,
    },
    {
      name: "a program of the wrong version",
      answers: {
        "/widget": { body: scriptPrinting("1.0.0") },
        "/SHA256SUMS": { body: sha256(scriptPrinting("1.0.0")) },
      },
      why: /version 1\.0\.0/,
    },
  ];
  for (const { name, answers, why } of fallThrough) {
    it(`goes on to the next way after ${name}`, async () => {
      const bad = await serve(answers);
      const row = widgetRow([widgetRelease(bad.url, host.platform), await serveGood()]);
      assert.equal((await get(row)).version, "2.1.0");
      await host.remove();
      await assert.rejects(get(widgetRow([widgetRelease(bad.url, host.platform)])), why);
    });
  }

  it("goes on at once after a refused connection, and does not ask that host again", async () => {
    const closed = await ReleaseServer.start({});
    await closed.stop();
    const unreachable = new Map<string, string>();
    const row = widgetRow([widgetRelease(closed.url, host.platform), await serveGood()]);
    const startedMs = Date.now();
    assert.equal((await get(row, unreachable)).source, "official");
    assert.ok(Date.now() - startedMs < 3_000);
    const [[name, why] = []] = unreachable;
    assert.equal(name, new URL(closed.url).host);
    assert.match(why ?? "", /ECONNREFUSED/);
  });

  it("names every way it tried and what to install when none works", async () => {
    const bare = { ...host, env: { PATH: host.binFolder } };
    const go: Way = {
      kind: "go",
      module: "etcd",
      build: { package: "go.etcd.io/etcd/server/v3", linkerFlags: "" },
      about: "a while",
    };
    const pip: Way = {
      kind: "pip",
      requirement: "widget==2.1.0",
      sha256: { [host.platform]: sha256("") },
      files: [],
    };
    const apt: Way = { kind: "apt", package: "widget", files: [] };
    const row = widgetRow([{ kind: "release", assets: {} }, go, pip, apt]);
    await assert.rejects(
      getRow("widget", row, () => undefined, { host: bare }, new Map()),
      (error: unknown) => {
        assert.ok(error instanceof UserError);
        for (const part of [
          "widget is needed (it makes widgets)",
          "there is no official release for",
          "Go is not installed (needed: 1.26.0 or newer",
          "Python is not installed",
          host.platform.startsWith("linux") ? "apt-get is not there" : "for Linux only",
          "https://widgets.example",
        ]) {
          assert.ok(error.message.includes(part), `${part} is not in:\n${error.message}`);
        }
        return true;
      },
    );
  });

  it("stops when aborted and leaves nothing", async () => {
    const server = await serve({ "/widget": { stall: Buffer.from("#!/bin/sh\n") }, ...goodSums });
    const abort = new AbortController();
    const row = widgetRow([widgetRelease(server.url, host.platform)]);
    const getting = getRow(
      "widget",
      row,
      (event) => {
        if (event.kind === "step" && event.amount !== undefined) abort.abort();
      },
      { host, signal: abort.signal },
      new Map(),
    );
    await assert.rejects(getting, { name: "AbortError" });
    assert.deepEqual(await readdir(toolsFolderOf(host)), []);
  });
});
