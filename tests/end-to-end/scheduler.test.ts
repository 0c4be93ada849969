import assert from "node:assert/strict";
import { exitCode } from "../../rollout/cli/exit-codes.ts";
import { outputLineSchema } from "../../rollout/cli/json-output.ts";
import { podinfo } from "../../rollout/cli/demo/project.ts";
import { failedOtherwise, LocalService } from "./local-service.ts";
import type { Finished } from "./commands.ts";

/** More calls than the longest of these rollouts takes. */
const callsMax = 25;

describe("rollouts driven piece by piece, with the real engine, Envoy and Prometheus", function () {
  this.timeout(180_000);
  let local: LocalService;

  before(async () => {
    local = await LocalService.deploy();
  });
  after(async () => {
    await local?.destroy();
  });

  /** Calls as a scheduler does until one says that it is over; every line is one of the published format. */
  async function untilOver(...args: readonly string[]): Promise<readonly Finished[]> {
    const calls: Finished[] = [];
    while (calls.length < callsMax) {
      const call = await local.upramp("--json", "run", ...args).done;
      calls.push(call);
      for (const line of call.stdout.trimEnd().split("\n")) {
        const taken = outputLineSchema.safeParse(JSON.parse(line));
        assert.ok(taken.success, `${line}\n${taken.error?.message}`);
      }
      if (call.code !== exitCode.underWay) return calls;
    }
    throw new Error(`not over after ${callsMax} calls: ${calls.at(-1)?.stderr}`);
  }

  function revision(version: string, env: Readonly<Record<string, string>> = {}): string {
    return JSON.stringify(podinfo(version, env));
  }

  it("promotes a good version by `run --once` alone, without a failed request", async () => {
    await local.startTraffic();
    const calls = await untilOver("--once", "--revision", revision("v2"));
    const answers = await local.stopTraffic();
    assert.equal(calls.at(-1)?.code, exitCode.ok, calls.at(-1)?.stderr);
    assert.ok(calls.length >= 3, `${calls.length} calls`);
    assert.deepEqual(failedOtherwise(answers), []);
    assert.equal(answers.at(-1)?.version, "v2");
    const { assignment } = await local.outputs();
    assert.equal(assignment.slots[assignment.primary]?.name, "v2");
  });

  it("rolls a bad version back by `run --once` alone", async () => {
    await local.startTraffic();
    const bad = revision("v3", { ERROR_RATE: "30", LATENCY_MS: "300" });
    const calls = await untilOver("--once", "--revision", bad);
    const answers = await local.stopTraffic();
    assert.equal(calls.at(-1)?.code, exitCode.rolledBack, calls.at(-1)?.stderr);
    assert.deepEqual(failedOtherwise(answers, "v3"), []);
    assert.equal(answers.at(-1)?.version, "v2");
  });

  it("is canceled by SIGTERM as a pipeline does it, and goes on within limits of time", async () => {
    await local.startTraffic();
    const first = local.upramp("--json", "run", "--revision", revision("v4"));
    await first.said('"action":"shiftTraffic"');
    first.kill("SIGTERM");
    assert.equal((await first.done).code, exitCode.interrupted);
    const calls = await untilOver("--for", "6s");
    const answers = await local.stopTraffic();
    assert.equal(calls.at(-1)?.code, exitCode.ok, calls.at(-1)?.stderr);
    assert.ok(calls.length >= 2, `${calls.length} calls`);
    assert.deepEqual(failedOtherwise(answers), []);
    assert.equal(answers.at(-1)?.version, "v4");
  });
});
