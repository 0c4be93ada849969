import assert from "node:assert/strict";
import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { parse as parseYaml, stringify } from "yaml";
import { z } from "zod";
import { EnvoyTraffic } from "../../rollout/adapters/envoy-traffic.ts";
import { podinfo, serviceStack } from "../../rollout/cli/demo/project.ts";
import { packageDirectory } from "../../rollout/cli/project.ts";
import { LocalService, shortRollout } from "./local-service.ts";

const settingsSchema = z.looseObject({ config: z.record(z.string(), z.unknown()) });

describe("bad input is refused before anything moves", function () {
  this.timeout(120_000);
  let local: LocalService;
  let settingsFile: string;
  let goodSettings: string;

  before(async () => {
    local = await LocalService.deploy({ ...shortRollout, limits: { ready: "10s", attempts: 2 } });
    settingsFile = join(local.directory, `Pulumi.${serviceStack}.yaml`);
    goodSettings = await readFile(settingsFile, "utf8");
  });
  afterEach(async () => {
    await writeFile(settingsFile, goodSettings);
    const { traffic } = await local.outputs();
    assert.equal(traffic.router, "envoy");
    const { weights } = await new EnvoyTraffic(traffic).read(new AbortController().signal);
    assert.deepEqual(weights, { blue: 100, green: 0 });
  });
  after(async () => {
    await local?.destroy();
  });

  /** Lays keys over the stack's configuration, as an editor would. */
  async function configure(keys: Readonly<Record<string, unknown>>): Promise<void> {
    const settings = settingsSchema.parse(parseYaml(goodSettings));
    const config = { ...settings.config, ...keys };
    await writeFile(settingsFile, stringify({ ...settings, config }));
  }

  const configurations = [
    ["a weight of 101", { "upramp:rollout": { steps: [10, 101] } }, /rollout\.steps\[1\] = 101/],
    [
      "steps that do not rise",
      { "upramp:rollout": { steps: [20, 10] } },
      /10 does not rise above 20/,
    ],
    [
      "a metric without a range",
      { "upramp:rollout": { metrics: [{ name: "request-duration" }] } },
      /metrics\[0\]\.range/,
    ],
    ["an unknown key", { "upramp:weight": 50 }, /upramp:weight is not known .*Allowed/],
    [
      "PromQL that Prometheus rejects",
      {
        "upramp:rollout": { metrics: [{ name: "x", query: "sum(rate(a[5s])", range: { max: 1 } }] },
      },
      /metric "x": Prometheus at .* rejects a query.*unclosed/s,
    ],
    [
      "a template with an unknown variable",
      { "upramp:rollout": { metrics: [{ name: "x", query: "f{{ nope }}", range: { max: 1 } }] } },
      /nope/,
    ],
    [
      "a metric that no router knows",
      { "upramp:rollout": { metrics: [{ name: "x", range: { max: 1 } }] } },
      /"x"/,
    ],
  ] as const;
  for (const [what, keys, message] of configurations) {
    it(`refuses ${what}`, async () => {
      await configure(keys);
      const end = await local.run("v2").done;
      assert.equal(end.code, 2, end.stdout + end.stderr);
      assert.match(end.stderr, message);
    });
  }

  it("refuses a stack that is not there, a revision that is none, and a command without a rollout", async () => {
    const cases = [
      [["-s", "nowhere", "run"], /no stack "nowhere"/],
      [["run", "--revision", "{bad"], /--revision/],
      [["rollback"], /no rollout/],
      [["frobnicate"], /unknown command/],
    ] as const;
    for (const [args, message] of cases) {
      const end = await local.upramp(...args).done;
      assert.equal(end.code, 2, end.stdout + end.stderr);
      assert.match(end.stderr, message);
    }
  });

  it("refuses a wrong passphrase and says which variable to set", async () => {
    const end = await local.withEnvironment({ PULUMI_CONFIG_PASSPHRASE: "wrong" }).run("v2").done;
    assert.equal(end.code, 2, end.stdout + end.stderr);
    assert.match(end.stderr, /PULUMI_CONFIG_PASSPHRASE/);
  });

  it("stops when another update holds the stack, and goes on when it is free", async () => {
    const locks = join(local.directory, "backend/.pulumi/locks/organization/upramp", serviceStack);
    await mkdir(locks, { recursive: true });
    const lock = join(locks, "11111111-2222-3333-4444-555555555555.json");
    const timestamp = new Date().toISOString();
    await writeFile(
      lock,
      JSON.stringify({ pid: 1, username: "ann", hostname: "elsewhere", timestamp }),
    );
    const stopped = await local.run("v2").done;
    assert.equal(stopped.code, 4, stopped.stdout + stopped.stderr);
    assert.match(stopped.stdout + stopped.stderr, /ann@elsewhere/);
    await rm(lock);
    const back = await local.upramp("rollback").done;
    assert.equal(back.code, 3, back.stdout + back.stderr);
  });

  it("goes through a policy pack on the way forward", async () => {
    const packs = join(packageDirectory, "policies");
    const nowhere = join(local.directory, "nowhere");
    const run = ["run", "--revision", JSON.stringify(podinfo("v4"))];
    const end = await local.upramp("--policy-pack", nowhere, ...run).done;
    assert.equal(end.code, 2, end.stdout + end.stderr);
    assert.match(end.stdout + end.stderr, /nowhere/);
    const held = local.upramp("--policy-pack", packs, ...run);
    await held.said("the canary is ready");
    held.kill("SIGINT");
    assert.equal((await held.done).code, 130);
    const back = await local.upramp("rollback").done;
    assert.equal(back.code, 3, back.stdout + back.stderr);
  });

  it("refuses to begin when Prometheus cannot be reached", async () => {
    const { metrics } = await local.outputs();
    await local.killPrometheus();
    const end = await local.run("v3").done;
    assert.equal(end.code, 2, end.stdout + end.stderr);
    assert.ok(end.stderr.includes(metrics.address), end.stderr);
  });
});
