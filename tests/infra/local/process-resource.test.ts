import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { LocalError } from "../../../infra/local/local-error.ts";
import type { Properties } from "../../../infra/local/local-resource.ts";
import { isAlive, liveStartTime, parseIdentity } from "../../../infra/local/process-identity.ts";
import { processResource } from "../../../infra/local/process-resource.ts";
import { waitUntil } from "../../cluster/wait-until.ts";
import { processInputs } from "./process-inputs.ts";
import { scratchDirectory } from "./scratch-directory.ts";

const never = new AbortController().signal;

type Created = Awaited<ReturnType<typeof processResource.create>>;

function create(inputs: Properties, signal: AbortSignal = never): Promise<Created> {
  return processResource.create(inputs, signal);
}

const alive = ({ id }: Created): boolean => isAlive(parseIdentity(id));

const versionAt = async ({ state }: Created): Promise<unknown> =>
  ((await (await fetch(`${String(state["url"])}/version`)).json()) as { version: unknown }).version;

describe("a process of this machine", function () {
  this.timeout(40_000);
  const directory = scratchDirectory();
  const inputs = (env: Readonly<Record<string, string>> = {}): ReturnType<typeof processInputs> =>
    processInputs(directory.path, env);

  it("is ready when it was created, and gone when it was deleted", async () => {
    const created = await create(inputs());
    assert.equal(await versionAt(created), "1");
    await processResource.delete(created.id, created.state);
    assert.ok(!alive(created));
    assert.ok(!existsSync(join(directory.path, "run", "blue-0.json")));
  });

  it("gets its port by PORT and by placeholder, and of our own environment only what is harmless", async () => {
    process.env["PULUMI_CONFIG_PASSPHRASE"] ??= "secret of the test";
    const script =
      "require('node:http').createServer((q, r) => r.end(JSON.stringify({env: process.env, args: process.argv.slice(1)}))).listen(Number(process.env.PORT), '127.0.0.1')";
    const args = ["-e", script, "--", "--port={{ port }}"];
    const created = await create({ ...inputs({ URL: "http://host:{{ port }}" }), args });
    const port = String(created.state["boundPort"]);
    const seen = (await (await fetch(String(created.state["url"]))).json()) as {
      env: Record<string, string>;
      args: string[];
    };
    assert.equal(seen.env["PORT"], port);
    assert.equal(seen.env["URL"], `http://host:${port}`);
    assert.deepEqual(seen.args, [`--port=${port}`]);
    assert.equal(seen.env["PULUMI_CONFIG_PASSPHRASE"], undefined);
  });

  it("is read as gone after it was killed, and comes back on the same port", async () => {
    const first = await create(inputs());
    process.kill(parseIdentity(first.id).pid, "SIGKILL");
    await waitUntil("the process is dead", 5_000, () => !alive(first));
    assert.equal(await processResource.read(first.id, first.state), null);
    const second = await create(inputs());
    assert.notEqual(second.id, first.id);
    assert.equal(second.state["boundPort"], first.state["boundPort"]);
  });

  it("never signals another process of the same pid", async () => {
    const stranger = spawn(process.execPath, ["-e", "setInterval(() => {}, 1000)"], {
      stdio: "ignore",
      detached: true,
    });
    try {
      assert.ok(stranger.pid !== undefined);
      const state = { ...inputs(), pid: stranger.pid, boundPort: 1, url: "http://127.0.0.1:1" };
      await processResource.delete(`${stranger.pid}:1`, state);
      assert.ok(liveStartTime(stranger.pid) !== null);
    } finally {
      stranger.kill("SIGKILL");
    }
  });

  it("fails with the exit code and the last lines of the log when it ends before it is ready", async () => {
    writeFileSync(
      join(directory.path, "early.mjs"),
      "console.error('no database'); process.exit(3)",
    );
    await assert.rejects(create({ ...inputs(), args: ["early.mjs"] }), (error) => {
      assert.ok(error instanceof LocalError);
      assert.match(error.message, /blue-0 ended before it was ready: exit code 3/);
      assert.match(error.message, /\| no database/);
      assert.ok(error.message.includes(inputs().logFile));
      return true;
    });
  });

  it("shows only the lines of this start", async () => {
    writeFileSync(
      join(directory.path, "early.mjs"),
      "console.error(process.env.SAY); process.exit(3)",
    );
    const failing = (say: string): Promise<Created> =>
      create({ ...inputs({ SAY: say }), args: ["early.mjs"] });
    await assert.rejects(failing("first words"));
    await assert.rejects(
      failing("second words"),
      (error: Error) =>
        error.message.includes("second words") && !error.message.includes("first words"),
    );
  });

  it("fails within its bound when it is never ready, and leaves nothing running", async () => {
    const unready = { ...inputs({ NEVER_READY: "1" }), readinessTimeoutMs: 1_000 };
    const began = performance.now();
    await assert.rejects(create(unready), /was not ready within 1000 ms.*it was stopped/);
    assert.ok(performance.now() - began < 10_000);
    const log = readFileSync(inputs().logFile, "utf8");
    const port = /127\.0\.0\.1:(\d+)/.exec(log)?.[1];
    await assert.rejects(fetch(`http://127.0.0.1:${port}/healthz`));
  });

  it("ends what it started when the update is canceled", async () => {
    const canceling = new AbortController();
    const creating = create(inputs({ NEVER_READY: "1" }), canceling.signal);
    const log = inputs().logFile;
    await waitUntil("it listens", 10_000, () => readFileSync(log, "utf8").includes("listens on"));
    canceling.abort();
    await assert.rejects(creating, /was canceled; it was stopped/);
    assert.ok(!existsSync(join(directory.path, "run", "blue-0.json")));
  });

  it("refuses a port in use, naming the port and the key, and starts nothing", async () => {
    const server = createServer().listen(0, "127.0.0.1");
    await once(server, "listening");
    const { port } = server.address() as AddressInfo;
    try {
      const wanted = { ...inputs(), port, portKey: "upramp:platform.envoy.adminPort" };
      await assert.rejects(
        create(wanted),
        new RegExp(`port ${port} for blue-0 is in use \\(upramp:platform.envoy.adminPort\\)`),
      );
      assert.ok(!existsSync(inputs().logFile));
    } finally {
      server.close();
    }
  });

  it("says what to do when the command or the working directory is not there", async () => {
    const missing = { ...inputs(), command: "no-such-tool", installHint: "run `npm run setup`" };
    await assert.rejects(create(missing), /"no-such-tool" was not found on PATH.*npm run setup/);
    const path = { ...inputs(), command: "./bin/none" };
    await assert.rejects(create(path), /"\.\/bin\/none" was not found in .*typing error/);
    const cwd = { ...inputs(), cwd: join(directory.path, "nowhere") };
    await assert.rejects(create(cwd), /working directory .*nowhere does not exist/);
  });

  it("runs the file that the variable names in the place of the command", async () => {
    process.env["UPRAMP_TEST_TOOL"] = process.execPath;
    try {
      const named = { ...inputs(), command: "no-such-tool", commandVariable: "UPRAMP_TEST_TOOL" };
      assert.equal(await versionAt(await create(named)), "1");
    } finally {
      delete process.env["UPRAMP_TEST_TOOL"];
    }
  });

  it("takes over what a killed update started with equal inputs", async () => {
    const first = await create(inputs());
    // the state of the stack never heard of it: the engine asks for the same again
    const second = await create(inputs());
    assert.equal(second.id, first.id);
    assert.deepEqual(second.state, first.state);
  });

  it("stops what a killed update started with other inputs", async () => {
    const first = await create(inputs());
    const second = await create(inputs({ VERSION: "2" }));
    assert.ok(!alive(first));
    assert.equal(await versionAt(second), "2");
  });

  it("finds what was started before its identity was noted", async () => {
    const first = await create(inputs());
    const file = join(directory.path, "run", "blue-0.json");
    const run = JSON.parse(readFileSync(file, "utf8")) as object;
    writeFileSync(file, JSON.stringify({ ...run, identity: null }));
    assert.equal((await create(inputs())).id, first.id);
  });

  it("is not restarted by an update from a checkout in another place", () => {
    assert.ok(!processResource.replaceOn.includes("cwd"));
  });

  it("is killed with its children when it does not end in its grace", async () => {
    const script = `
      process.on("SIGTERM", () => {});
      const child = require("node:child_process").spawn(process.execPath, ["-e", "setInterval(() => {}, 1000)"]);
      require("node:http").createServer((q, r) => r.end(String(child.pid))).listen(process.env.PORT, "127.0.0.1");`;
    const stubborn = { ...inputs(), args: ["-e", script], stopGraceMs: 300 };
    const created = await create(stubborn);
    const child = Number(await (await fetch(String(created.state["url"]))).text());
    assert.ok(liveStartTime(child) !== null);
    await processResource.delete(created.id, created.state);
    assert.ok(!alive(created));
    await waitUntil("its child is dead", 5_000, () => liveStartTime(child) === null);
  });

  it("answers its open requests before it ends", async () => {
    const created = await create(inputs({ LATENCY_MS: "400" }));
    const answer = fetch(String(created.state["url"]));
    await waitUntil("the request is open", 5_000, async () => {
      const metrics = await (await fetch(`${String(created.state["url"])}/metrics`)).text();
      return metrics.includes('status="200"');
    });
    await processResource.delete(created.id, created.state);
    assert.equal((await answer).status, 200);
  });
});
