import assert from "node:assert/strict";
import { chmod, mkdir, readFile, writeFile } from "node:fs/promises";
import { delimiter, join } from "node:path";
import { podinfo, serviceStack } from "../../rollout/cli/demo/project.ts";
import { packageDirectory } from "../../rollout/cli/project.ts";
import { outputLineSchema } from "../../rollout/cli/json-output.ts";
import { startMoto, type Moto } from "../support/moto.ts";
import type { Finished } from "./commands.ts";
import { failedOtherwise, LocalService } from "./local-service.ts";

const bucket = "upramp-state";

/** A pipeline's script, on stacks whose state is in S3: a server of S3's protocol stands in. */
describe("a pipeline's script on an S3 backend", function () {
  this.timeout(180_000);
  let moto: Moto | undefined;
  let local: LocalService;

  before(async function () {
    const started = await startMoto();
    if (started.kind === "none") {
      console.warn(`      no server of S3's protocol: ${started.reason}`);
      this.skip();
    }
    moto = started;
    const made = await fetch(`${moto.url}/${bucket}`, { method: "PUT" });
    assert.equal(made.status, 200);
    const query = new URLSearchParams({
      region: "us-east-1",
      endpoint: moto.url,
      s3ForcePathStyle: "true",
    });
    local = await LocalService.deploy(undefined, {
      PULUMI_BACKEND_URL: `s3://${bucket}?${query.toString()}`,
      AWS_ACCESS_KEY_ID: "test",
      AWS_SECRET_ACCESS_KEY: "test",
    });
  });
  after(async () => {
    await local?.destroy();
    await moto?.stop();
  });

  /** Runs the script of examples/pipelines as a pipeline does: `pulumi` and `npx upramp` are those of this checkout. */
  async function runScript(...flags: readonly string[]): Promise<Finished> {
    const bin = join(local.directory, "bin");
    await mkdir(bin, { recursive: true });
    const commands = { pulumi: "tools/pulumi.ts", npx: "rollout/cli/main.ts" };
    for (const [name, file] of Object.entries(commands)) {
      // `npx upramp …`: what follows the name is upramp's
      const shift = name === "npx" ? "shift\n" : "";
      const call = `exec "${process.execPath}" "${join(packageDirectory, file)}" "$@"`;
      // what they look for on PATH is not found in this folder again
      const path = `PATH="${process.env["PATH"] ?? ""}"`;
      await writeFile(join(bin, name), `#!/bin/sh\n${shift}${path}\n${call}\n`);
      await chmod(join(bin, name), 0o755);
    }
    const script = join(packageDirectory, "examples", "pipelines", "rollout.sh");
    const path = `${bin}${delimiter}${process.env["PATH"] ?? ""}`;
    return local.command("sh", [script, serviceStack, ...flags], { PATH: path }).done;
  }

  async function lines(): Promise<readonly string[]> {
    const text = await readFile(join(local.directory, "rollout.jsonl"), "utf8");
    return text.trimEnd().split("\n");
  }

  it("promotes what a checkout asks for, and keeps the stacks in the bucket", async () => {
    await local.configureRevision(podinfo("v2"));
    await local.startTraffic();
    const end = await runScript("--until-done", "--for", "50m");
    const answers = await local.stopTraffic();
    assert.equal(end.code, 0, end.stdout + end.stderr);
    assert.match(end.stdout, /promoted, or nothing to do/);
    assert.deepEqual(failedOtherwise(answers), []);
    assert.equal(answers.at(-1)?.version, "v2");
    for (const line of await lines()) {
      assert.ok(outputLineSchema.safeParse(JSON.parse(line)).success, line);
    }
    const listed = await fetch(`${moto?.url}/${bucket}?list-type=2`);
    const keys = await listed.text();
    assert.match(keys, new RegExp(`<Key>\\.pulumi/stacks/[^<]*/${serviceStack}\\.json</Key>`));
    assert.doesNotMatch(keys, /<Key>\.pulumi\/locks\/[^<]*\.json<\/Key>/);
  });

  it("succeeds where the rollout goes on later, and fails where it was rolled back", async () => {
    await local.configureRevision(podinfo("v3", { ERROR_RATE: "30", LATENCY_MS: "300" }));
    await local.startTraffic();
    const first = await runScript("--once");
    assert.equal(first.code, 0, first.stdout + first.stderr);
    assert.match(first.stdout, /not finished/);
    const second = await runScript("--until-done");
    const answers = await local.stopTraffic();
    assert.equal(second.code, 3, second.stdout + second.stderr);
    assert.match(second.stdout, /"outcome":"rolledBack"/);
    assert.equal(answers.at(-1)?.version, "v2");
  });
});
