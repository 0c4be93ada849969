import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, readdir, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { lookUpTool } from "../../tools/find.ts";
import { getRow } from "../../tools/get.ts";
import { toolsFolderOf } from "../../tools/host.ts";
import { withToolLock } from "../../tools/tool-lock.ts";
import { UserError } from "../../rollout/errors.ts";
import { ReleaseServer, sha256, widgetRelease } from "./release-server.ts";
import { scriptPrinting, temporaryHost, type TemporaryHost, widgetRow } from "./temporary-host.ts";

describe("getting a tool from several processes", () => {
  let host: TemporaryHost;
  let servers: ReleaseServer[];
  let children: ChildProcess[];

  const widget = scriptPrinting("widget 2.1.0");
  const sums = { "/SHA256SUMS": { body: `${sha256(widget)}  widget\n` } };
  const script = join(import.meta.dirname, "slow-widget.ts");

  beforeEach(async () => {
    host = await temporaryHost();
    servers = [];
    children = [];
  });
  afterEach(async () => {
    for (const child of children) child.kill("SIGKILL");
    for (const server of servers) await server.stop();
    await host.remove();
  });

  /** Starts a process that gets the widget; resolves when it prints the text. */
  async function startUntil(url: string, text: string): Promise<ChildProcess> {
    const child = spawn(process.execPath, [script, host.cacheFolder, url], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    children.push(child);
    await new Promise<void>((resolve, reject) => {
      createInterface({ input: child.stdout }).on("line", (line) => {
        if (line.includes(text)) resolve();
      });
      child.once("exit", () => reject(new Error(`ended without printing "${text}"`)));
    });
    return child;
  }

  it("leaves nothing half when killed in the middle, and the next one takes over", async () => {
    const stalling = await ReleaseServer.start({
      "/widget": { stall: Buffer.from("#!") },
      ...sums,
    });
    const good = await ReleaseServer.start({ "/widget": { body: widget }, ...sums });
    servers.push(stalling, good);
    const child = await startUntil(stalling.url, "downloading widget");
    const exited = once(child, "exit");
    child.kill("SIGKILL");
    await exited;

    const row = widgetRow([widgetRelease(good.url, host.platform)]);
    assert.equal((await lookUpTool("widget", row, host)).found, undefined);
    const left = await readdir(toolsFolderOf(host));
    assert.ok(left.length > 0 && left.every((name) => name.startsWith(".")), left.join(" "));

    const found = await getRow("widget", row, () => undefined, { host }, new Map());
    assert.equal(found.version, "2.1.0");
    assert.deepEqual(await readdir(toolsFolderOf(host)), [`widget-2.1.0-${host.platform}`]);
  });

  it("downloads once when two start at the same time", async () => {
    const good = await ReleaseServer.start({ "/widget": { body: widget }, ...sums });
    servers.push(good);
    await Promise.all([startUntil(good.url, '"path"'), startUntil(good.url, '"path"')]);
    assert.equal(good.requests.filter((path) => path === "/widget").length, 1);
    assert.deepEqual(await readdir(toolsFolderOf(host)), [`widget-2.1.0-${host.platform}`]);
  });

  it("takes over the lock of a process that is long dead, though its pid is in use again", async () => {
    const lockFile = join(toolsFolderOf(host), ".widget.lock");
    await mkdir(toolsFolderOf(host), { recursive: true });
    await writeFile(lockFile, `${process.pid}\n`);
    const longAgo = new Date(Date.now() - 10 * 60_000);
    await utimes(lockFile, longAgo, longAgo);
    const waitedFor: number[] = [];
    const lock = { waitMsMax: 500, onWait: (pid: number) => waitedFor.push(pid) };
    assert.equal(await withToolLock(host, "widget", lock, async () => await Promise.resolve(1)), 1);
    assert.deepEqual(waitedFor, []);
  });

  it("waits for the other process in bounded time and names it", async () => {
    const stalling = await ReleaseServer.start({
      "/widget": { stall: Buffer.from("#!") },
      ...sums,
    });
    servers.push(stalling);
    const child = await startUntil(stalling.url, "downloading widget");
    const waitedFor: number[] = [];
    const lock = { waitMsMax: 500, onWait: (pid: number) => waitedFor.push(pid) };
    await assert.rejects(
      withToolLock(host, "widget", lock, async () => await Promise.resolve()),
      (error: unknown) =>
        error instanceof UserError && error.message.includes(`process ${child.pid}`),
    );
    assert.deepEqual(waitedFor, [child.pid]);
  });
});
