import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { Agent, get } from "node:http";
import type { IncomingMessage } from "node:http";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { waitUntil } from "../cluster/wait-until.ts";

const server = join(import.meta.dirname, "../../examples/podinfo/server.ts");

interface Running {
  readonly child: ChildProcess;
  readonly url: string;
}

describe("the example server", function () {
  this.timeout(30_000);
  const running: ChildProcess[] = [];

  afterEach(() => {
    for (const child of running.splice(0)) child.kill("SIGKILL");
  });

  /** Starts it on a port that the kernel picks. */
  async function start(env: Readonly<Record<string, string>> = {}): Promise<Running> {
    const child = spawn(process.execPath, [server], {
      env: { ...process.env, PORT: "0", ...env },
      stdio: ["ignore", "pipe", "inherit"],
    });
    running.push(child);
    for await (const line of createInterface(child.stdout)) {
      const port = /:(\d+)$/.exec(line)?.[1];
      if (port !== undefined) return { child, url: `http://127.0.0.1:${port}` };
    }
    throw new Error("it ended without saying its port");
  }

  const status = async (url: string): Promise<number> => (await fetch(url)).status;

  it("says its version and is alive and ready", async () => {
    const { url } = await start({ VERSION: "7" });
    const body = (await (await fetch(url)).json()) as { version: string };
    assert.equal(body.version, "7");
    assert.deepEqual(await (await fetch(`${url}/version`)).json(), { version: "7" });
    assert.equal(await status(`${url}/healthz`), 200);
    assert.equal(await status(`${url}/readyz`), 200);
    assert.equal(await status(`${url}/nothing`), 404);
  });

  it("fails as often as ERROR_RATE says, and never in its health checks", async () => {
    const { url } = await start({ ERROR_RATE: "50" });
    const statuses = await Promise.all(Array.from({ length: 400 }, () => status(url)));
    const failed = statuses.filter((each) => each === 500).length;
    // 200 are expected; 130 and 270 are 7 standard deviations away
    assert.ok(failed > 130 && failed < 270, `${failed} of 400`);
    assert.equal(await status(`${url}/readyz`), 200);
    const metrics = await (await fetch(`${url}/metrics`)).text();
    assert.ok(metrics.includes(`http_requests_total{status="500",version="0.0.0"} ${failed}`));
  });

  it("is slow when LATENCY_MS says so", async () => {
    const { url } = await start({ LATENCY_MS: "300" });
    const began = performance.now();
    assert.equal(await status(url), 200);
    assert.ok(performance.now() - began >= 295);
  });

  it("becomes ready late or never", async () => {
    const { url } = await start({ READY_DELAY_MS: "1000" });
    assert.equal(await status(`${url}/readyz`), 503);
    await waitUntil("it is ready", 10_000, async () => (await status(`${url}/readyz`)) === 200);
    const never = await start({ NEVER_READY: "1" });
    assert.equal(await status(`${never.url}/readyz`), 503);
  });

  it("ends with code 1 after EXIT_AFTER_MS, and with 2 on a setting out of range", async () => {
    const { child } = await start({ EXIT_AFTER_MS: "50" });
    assert.deepEqual(await once(child, "exit"), [1, null]);
    const wrong = spawn(process.execPath, [server], {
      env: { ...process.env, ERROR_RATE: "101" },
      stdio: ["ignore", "ignore", "pipe"],
    });
    const [said] = (await once(wrong.stderr, "data")) as [Buffer];
    assert.match(said.toString(), /ERROR_RATE=101: must be a number from 0 to 100/);
    assert.deepEqual(await once(wrong, "exit"), [2, null]);
  });

  it("answers what is open after SIGTERM, closes kept connections, and ends within 2 s", async () => {
    const { child, url } = await start({ LATENCY_MS: "300" });
    const agent = new Agent({ keepAlive: true });
    const ask = (path: string): Promise<IncomingMessage> =>
      new Promise((resolve, reject) => {
        get(`${url}${path}`, { agent }, (response) => {
          response.resume().once("end", () => {
            resolve(response);
          });
        }).once("error", reject);
      });
    await ask("/version");
    const open = ask("/");
    await waitUntil("the request is open", 5_000, async () =>
      (await (await fetch(`${url}/metrics`)).text()).includes('status="200"'),
    );
    const began = performance.now();
    child.kill("SIGTERM");
    const response = await open;
    assert.equal(response.statusCode, 200);
    assert.equal(response.headers.connection, "close");
    assert.deepEqual(await once(child, "exit"), [0, null]);
    assert.ok(performance.now() - began < 2_000);
    agent.destroy();
  });
});
