import assert from "node:assert/strict";
import { once } from "node:events";
import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import * as pulumi from "@pulumi/pulumi";
import { parseRevision } from "../../infra/contract.ts";
import type { Assignment, Drive } from "../../infra/contract.ts";
import { isAlive, liveStartTime, parseIdentity } from "../../infra/local/process-identity.ts";
import { processResource } from "../../infra/local/process-resource.ts";
import { LocalProvider, Route } from "../../infra/local/resources.ts";
import { waitUntil } from "../cluster/wait-until.ts";
import { processInputs } from "./local/process-inputs.ts";
import {
  packDirectory,
  packExecutable,
  revisionOf,
  startProvider,
  TemporaryProject,
} from "./temporary-project.ts";

const settings = { revision: revisionOf("1") };
const primary = parseRevision(revisionOf("1"), "test");

function driveTo(green: number, canary: object | null): Drive {
  const assignment: Assignment = {
    primary: "blue",
    slots: { blue: primary, green: canary === null ? null : parseRevision(canary, "test") },
    weights: { blue: 100 - green, green },
  };
  return { assignment, failed: null };
}

/** Versions that answered, with how often; a failed request counts under its status. */
async function ask(endpoint: string, times: number): Promise<Record<string, number>> {
  const counts: Record<string, number> = {};
  for (let time = 0; time < times; time += 1) {
    const response = await fetch(endpoint);
    const { version } = (await response.json()) as { version: string };
    const key = response.ok ? version : `${version}: ${response.status}`;
    counts[key] = (counts[key] ?? 0) + 1;
  }
  return counts;
}

interface ConfigDump {
  readonly configs: {
    readonly dynamic_route_configs?: {
      readonly route_config: {
        readonly name: string;
        readonly virtual_hosts: {
          readonly routes: {
            readonly route: {
              readonly weighted_clusters: {
                readonly clusters: { name: string; weight?: number }[];
              };
            };
          }[];
        }[];
      };
    }[];
  }[];
}

/** Weights by cluster, as Envoy itself has them. */
async function routedWeights(admin: string): Promise<Record<string, number>> {
  const dump = (await (await fetch(`${admin}/config_dump`)).json()) as ConfigDump;
  const routes = dump.configs
    .flatMap(({ dynamic_route_configs: found = [] }) => found)
    .flatMap(({ route_config: { virtual_hosts: hosts } }) => hosts.flatMap((host) => host.routes));
  return Object.fromEntries(
    routes
      .flatMap(({ route }) => route.weighted_clusters.clusters)
      .map(({ name, weight = 0 }) => [name, weight]),
  );
}

describe("the stacks on this machine, with the real engine, Envoy and Prometheus", function () {
  this.timeout(180_000);
  let project: TemporaryProject;

  before(async () => {
    project = await TemporaryProject.make();
    project.configureService(settings);
    await project.succeed("stack", "init", "dev");
    await project.succeed("stack", "init", "dev-podinfo");
  });
  after(async () => {
    await project?.remove();
  });

  /** The whole state after a drive, for the tests that begin in the middle of a rollout. */
  async function drive(green: number, canary: object | null): Promise<void> {
    await project.drive(driveTo(green, canary), settings);
  }

  it("says how to make the platform when the service comes first", async () => {
    const { code, output } = await project.tryUp("dev-podinfo");
    assert.notEqual(code, 0);
    assert.match(output, /platform stack "dev" .*pulumi up --stack dev/);
  });

  it("routes requests to the first revision after two plain updates", async () => {
    await project.up("dev");
    await project.up("dev-podinfo");
    const { endpoint, assignment } = await project.service();
    assert.deepEqual(await ask(endpoint, 20), { "1": 20 });
    assert.deepEqual(assignment.weights, { blue: 100, green: 0 });
    for (const log of (await project.service()).logs) assert.ok(existsSync(log), log);
  });

  it("changes nothing when it is asked again", async () => {
    for (const stack of ["dev", "dev-podinfo"]) {
      const output = await project.up(stack);
      assert.match(output, /\d+ unchanged/);
      assert.doesNotMatch(output, /\d+ (created|updated|replaced|deleted)/);
    }
  });

  it("splits requests as the driver says, and touches nothing but the route for it", async () => {
    await drive(0, revisionOf("2"));
    const before = await project.processes("dev-podinfo");
    assert.deepEqual(Object.keys(before).toSorted(), ["podinfo-blue-0", "podinfo-green-0"]);
    await drive(20, revisionOf("2"));
    assert.deepEqual(await project.processes("dev-podinfo"), before);
    const { endpoint, traffic } = await project.service();
    assert.ok(traffic.router === "envoy");
    await waitUntil("Envoy has the weights", 5_000, async () => {
      const weights = await routedWeights(traffic.admin);
      return weights["podinfo-blue"] === 80 && weights["podinfo-green"] === 20;
    });
    const counts = await ask(endpoint, 500);
    // 100 are expected; fewer than 50 or more than 150 would be 5.6 standard deviations away
    const canary = counts["2"] ?? 0;
    assert.ok(canary > 50 && canary < 150, JSON.stringify(counts));
    assert.equal(canary + (counts["1"] ?? 0), 500);
  });

  it("keeps split, roles and processes in a plain update with another checkout", async () => {
    const before = await project.processes("dev-podinfo");
    project.configureService({ revision: revisionOf("3") });
    try {
      await project.up("dev-podinfo");
    } finally {
      project.configureService(settings);
    }
    const { assignment, configured, traffic } = await project.service();
    assert.deepEqual(assignment.weights, { blue: 80, green: 20 });
    assert.equal(assignment.slots.green?.name, "2");
    assert.equal(configured.name, "3");
    assert.deepEqual(await project.processes("dev-podinfo"), before);
    assert.ok(traffic.router === "envoy");
    assert.equal((await routedWeights(traffic.admin))["podinfo-green"], 20);
  });

  it("keeps the wanted revision in an update by the driver", async () => {
    await drive(40, revisionOf("2"));
    assert.equal((await project.service()).configured.name, "3");
  });

  it("moves no weight in a plain update after a driver that was killed before it noted its step", async () => {
    const state = await project.export("dev-podinfo");
    const stack = state.deployment.resources.find(({ type }) => type === "pulumi:pulumi:Stack");
    const outputs = stack?.outputs?.["upramp"] as { assignment: { weights: unknown } };
    outputs.assignment.weights = { blue: 80, green: 20 };
    const file = join(project.directory, "state.json");
    writeFileSync(file, JSON.stringify(state));
    await project.succeed("stack", "import", "--stack", "dev-podinfo", "--file", file);
    await project.up("dev-podinfo");
    const { assignment, traffic } = await project.service();
    assert.ok(traffic.router === "envoy");
    assert.equal((await routedWeights(traffic.admin))["podinfo-green"], 40);
    assert.deepEqual(assignment.weights, { blue: 60, green: 40 }, "the outputs say it again");
  });

  it("refuses a drive from a checkout", async () => {
    project.configureService(settings, { "upramp:drive": driveTo(100, revisionOf("2")) });
    try {
      const { code, output } = await project.tryUp("dev-podinfo");
      assert.notEqual(code, 0);
      assert.match(output, /upramp:drive is set, but only upramp may set it/);
    } finally {
      project.configureService(settings);
    }
    const { traffic } = await project.service();
    assert.ok(traffic.router === "envoy");
    assert.equal((await routedWeights(traffic.admin))["podinfo-green"], 40);
  });

  it("leaves everything as it was when a canary never becomes ready, and says why", async () => {
    await drive(0, null);
    const before = await project.service();
    const broken = revisionOf("4", { NEVER_READY: "1" });
    const short = { ...settings, readiness: { timeout: "1s" } };
    await assert.rejects(
      project.drive(driveTo(0, broken), short),
      /green-0 was not ready within 1000 ms[\s\S]*\| podinfo 4 listens/,
    );
    assert.deepEqual((await project.service()).assignment, before.assignment);
    assert.deepEqual(Object.keys(await project.processes("dev-podinfo")), ["podinfo-blue-0"]);
    assert.deepEqual(await ask(before.endpoint, 20), { "1": 20 });
  });

  it("gives metrics per slot: 100 without errors, 0 when all fail, nothing without requests", async () => {
    await drive(0, revisionOf("5", { ERROR_RATE: "100" }));
    const { metrics, endpoint } = await project.service();
    const query = async (name: string, slot: "blue" | "green"): Promise<number | null> => {
      const template = metrics.queries[name] ?? "";
      const cluster = metrics.variables[slot]["cluster"] ?? "";
      const text = template.replaceAll("{{ cluster }}", cluster).replaceAll("{{ window }}", "5s");
      const url = `${metrics.address}/api/v1/query?query=${encodeURIComponent(text)}`;
      const answer = (await (await fetch(url)).json()) as {
        data: { result: { value: [number, string] }[] };
      };
      const [sample] = answer.data.result;
      return sample === undefined ? null : Number(sample.value[1]);
    };
    assert.equal(await query("request-success-rate", "green"), null);
    assert.equal(await query("request-duration", "green"), null);
    await drive(50, revisionOf("5", { ERROR_RATE: "100" }));
    await waitUntil("the canary's success rate is 0", 20_000, async () => {
      await ask(endpoint, 40);
      return (await query("request-success-rate", "green")) === 0;
    });
    assert.equal(await query("request-success-rate", "blue"), 100);
    for (const name of ["request-duration", "request-duration-average"]) {
      const value = await query(name, "blue");
      // Envoy counts whole milliseconds, so that on a quiet machine the average may be 0
      assert.ok(value !== null && value >= 0 && value < 5_000, `${name}: ${value}`);
    }
    await drive(0, null);
  });

  it("loses no request while a slot is drained", async () => {
    await drive(50, revisionOf("6", { LATENCY_MS: "50" }));
    const { endpoint } = await project.service();
    let draining = true;
    const asking = [1, 2, 3, 4].map(async () => {
      const seen: Record<string, number>[] = [];
      while (draining) seen.push(await ask(endpoint, 5));
      return seen;
    });
    await drive(0, revisionOf("6", { LATENCY_MS: "50" }));
    await drive(0, null);
    draining = false;
    const answers = (await Promise.all(asking)).flat();
    const failed = answers.filter((counts) => Object.keys(counts).some((key) => key.includes(":")));
    assert.deepEqual(failed, []);
    assert.ok(answers.length > 4);
  });

  it("starts a dead Envoy again, with all its routes, after a refresh", async () => {
    const { endpoint, traffic } = await project.service();
    const { envoy } = await project.processes("dev");
    const identity = parseIdentity(envoy ?? "");
    process.kill(identity.pid, "SIGKILL");
    await waitUntil("Envoy is dead", 5_000, () => !isAlive(identity));
    const refreshed = await project.succeed("refresh", "--yes", "--stack", "dev");
    assert.match(refreshed, /1 deleted/);
    await project.up("dev");
    assert.ok(traffic.router === "envoy");
    assert.equal((await project.platform()).envoy.admin, traffic.admin);
    await waitUntil("requests are answered", 10_000, async () => (await fetch(endpoint)).ok);
  });

  it("starts a dead process of a slot again after a refresh", async () => {
    const { endpoint } = await project.service();
    const identity = parseIdentity(
      (await project.processes("dev-podinfo"))["podinfo-blue-0"] ?? "",
    );
    process.kill(identity.pid, "SIGKILL");
    await waitUntil("the process is dead", 5_000, () => !isAlive(identity));
    await project.succeed("refresh", "--yes", "--stack", "dev-podinfo");
    await project.up("dev-podinfo");
    await waitUntil("requests are answered", 10_000, async () => (await fetch(endpoint)).ok);
  });

  it("ends what a killed update left running when it is not wanted", async () => {
    const directory = join(project.directory, "state", "services", "podinfo");
    const inputs = { ...processInputs(directory), name: "green-0" };
    const leftover = await processResource.create(inputs, new AbortController().signal);
    await project.up("dev-podinfo");
    assert.ok(!isAlive(parseIdentity(leftover.id)));
  });

  it("runs more processes per slot when asked, and fewer without losing a request", async () => {
    project.configureService({ ...settings, replicas: 3 });
    await project.up("dev-podinfo");
    assert.equal(Object.keys(await project.processes("dev-podinfo")).length, 3);
    project.configureService(settings);
    const { endpoint } = await project.service();
    let shrinking = true;
    const asking = (async () => {
      const seen: Record<string, number>[] = [];
      while (shrinking) seen.push(await ask(endpoint, 10));
      return seen;
    })();
    await project.up("dev-podinfo");
    shrinking = false;
    for (const counts of await asking) assert.deepEqual(counts, { "1": 10 });
    assert.equal(Object.keys(await project.processes("dev-podinfo")).length, 1);
  });

  it("is stopped by the policy pack before anything moves, in both forms of the pack", async () => {
    let weights = { blue: 70, green: 20 };
    const path = join(project.directory, "bad-route.json");
    const stack = await project.inline("dev-bad", () => {
      const provider = new LocalProvider("local");
      new Route("bad", { path, template: `"{{ blue }}"`, weights }, { provider });
      return Promise.resolve({ stack: pulumi.getStack() });
    });
    for (const pack of [packDirectory, packExecutable]) {
      await assert.rejects(
        stack.preview({ policyPacks: [pack] }),
        /require-whole-weights[\s\S]*weights = 70, 20: they add up to 90, not 100/,
      );
    }
    weights = { blue: 70, green: 30 };
    await assert.rejects(
      stack.preview({ policyPacks: [packExecutable] }),
      /forbid-weight-on-empty-slot[\s\S]*green has weight, but no process/,
    );
    assert.ok(!existsSync(path));
    await stack.workspace.removeStack("dev-bad");
  });

  it("does not let the platform go before its services", async () => {
    const { code, output } = await project.pulumi("destroy", "--yes", "--stack", "dev");
    assert.notEqual(code, 0);
    assert.match(output, /podinfo still runs .*pulumi destroy --stack dev-podinfo/);
    const { endpoint } = await project.service();
    assert.ok((await fetch(endpoint)).ok);
  });

  it("leaves nothing running and no file when all is destroyed", async () => {
    const identities = [
      ...Object.values(await project.processes("dev")),
      ...Object.values(await project.processes("dev-podinfo")),
    ].map(parseIdentity);
    assert.equal(identities.filter(isAlive).length, 3);
    await project.succeed("destroy", "--yes", "--stack", "dev-podinfo");
    await project.succeed("destroy", "--yes", "--stack", "dev");
    assert.deepEqual(identities.filter(isAlive), []);
    assert.ok(!existsSync(join(project.directory, "state")));
  });
});

describe("the provider kept by a driver", () => {
  it("ends by itself when its standard input ends, as it does when the driver is killed", async () => {
    const { provider, port } = await startProvider(process.env);
    assert.ok(port > 0);
    assert.ok(provider.pid !== undefined && liveStartTime(provider.pid) !== null);
    const exited = once(provider, "exit");
    provider.stdin?.end();
    assert.deepEqual((await exited)[0], 0);
  });
});
