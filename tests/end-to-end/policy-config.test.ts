import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { packageDirectory } from "../../rollout/cli/project.ts";
import { podinfo } from "../../rollout/cli/demo/project.ts";
import { LocalService, shortRollout } from "./local-service.ts";

const pack = join(packageDirectory, "policies");

describe("upramp run with a policy pack", function () {
  this.timeout(120_000);
  let local: LocalService;
  let config: string;

  before(async () => {
    local = await LocalService.deploy({ ...shortRollout, steps: [{ weight: 20, hold: true }] });
    config = join(local.directory, "levels.json");
    await local.startTraffic();
  });
  after(async () => {
    await local?.destroy();
  });

  /** Writes the pack's configuration and gives the options that name it. */
  async function configured(content: unknown): Promise<readonly string[]> {
    await writeFile(config, typeof content === "string" ? content : JSON.stringify(content));
    return ["--policy-pack", pack, "--policy-pack-config", config];
  }

  const run = (env: Readonly<Record<string, string>> = {}): readonly string[] => [
    "run",
    "--revision",
    JSON.stringify(podinfo("v2", env)),
  ];

  it("refuses a wrong configuration before anything moves, and names file, rule and key", async () => {
    const options = await configured({ "require-probes": { prbes: [] } });
    const end = await local.upramp(...options, ...run()).done;
    assert.equal(end.code, 2, end.stdout + end.stderr);
    assert.match(end.stderr, /levels\.json: require-probes: Unrecognized key: "prbes"/);
    const { assignment } = await local.outputs();
    assert.equal(assignment.slots.green, null);
  });

  it("is taken by a plain `pulumi up` too, which names a setting that a rule does not have", async () => {
    const [, , ...config] = await configured({ "require-known-step": { weights: [37] } });
    const gate = ["--policy-pack", join(pack, "bin", "pack"), ...config];
    const end = await local.pulumi("preview", "--non-interactive", ...gate).done;
    assert.notEqual(end.code, 0);
    assert.match(end.stdout, /\[mandatory\].*require-known-step/);
    assert.match(end.stdout, /"weights" for this rule; known are .*otherWeights/);
  });

  it("stops before anything moves when a rule is violated, in the rule's words", async () => {
    const env = { API_TOKEN: "not-so-secret" };
    const end = await local.upramp(...(await configured({})), ...run(env)).done;
    assert.equal(end.code, 3, end.stdout + end.stderr);
    assert.match(end.stdout, /forbid-plain-secrets: .*env\.API_TOKEN seems to be a credential/);
    const { assignment } = await local.outputs();
    assert.equal(assignment.slots.green, null);
  });

  it("goes forward where the configuration allows it, and back although every rule is against it", async () => {
    const env = { API_TOKEN: "not-so-secret" };
    const allowed = { "forbid-plain-secrets": { allowedNames: ["API_TOKEN"] } };
    const held = local.upramp(...(await configured(allowed)), ...run(env), "--retry");
    await held.said("the router shows blue 80 %, green 20 %");
    held.kill("SIGINT");
    assert.equal((await held.done).code, 130);
    assert.deepEqual((await local.outputs()).assignment.weights, { blue: 80, green: 20 });
    const back = await local.upramp(...(await configured("{")), "rollback").done;
    assert.equal(back.code, 3, back.stdout + back.stderr);
    const { assignment } = await local.outputs();
    assert.deepEqual(assignment.weights, { blue: 100, green: 0 });
    assert.equal(assignment.slots.green, null);
  });
});
