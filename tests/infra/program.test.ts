import assert from "node:assert/strict";
import { isAbsolute } from "node:path";
import * as pulumi from "@pulumi/pulumi";
import { platformOutputsSchema, serviceOutputsSchema } from "../../infra/contract.ts";
import type { Drive } from "../../infra/contract.ts";
import { program } from "../../infra/program.ts";
import { platformOutputs, serviceOutputs } from "./service-outputs.ts";

interface Registered {
  readonly type: string;
  readonly name: string;
  readonly inputs: Readonly<Record<string, unknown>>;
}

interface Run {
  readonly outputs: unknown;
  readonly resources: readonly Registered[];
}

/** What a process or an entry adds to its inputs. */
const added = { pid: 1, boundPort: 4000, url: "http://127.0.0.1:4000" };

/** Runs the program without an engine; `stacks` are the `upramp` outputs by full stack name. */
async function run(
  stack: string,
  config: Readonly<Record<string, unknown>>,
  stacks: Readonly<Record<string, unknown>> = {},
): Promise<Run> {
  const resources: Registered[] = [];
  await pulumi.runtime.setMocks(
    {
      newResource: ({ type, name, inputs }) => {
        resources.push({ type, name, inputs: inputs as Registered["inputs"] });
        return { id: `${name}-id`, state: { ...added, ...(inputs as object) } };
      },
      call: ({ token, inputs }) => {
        assert.equal(token, "pulumi:pulumi:readStackOutputs");
        const { name } = inputs as { name: string };
        if (!(name in stacks)) throw new Error(`unknown stack "${name}"`);
        const upramp = stacks[name];
        return { name, outputs: upramp === undefined ? {} : { upramp } };
      },
    },
    "upramp",
    stack,
    false,
    "organization",
  );
  pulumi.runtime.setAllConfig(
    Object.fromEntries(
      Object.entries(config).map(([key, value]) => [
        `upramp:${key}`,
        typeof value === "string" ? value : JSON.stringify(value),
      ]),
    ),
  );
  const outputs = await resolved((await program())["upramp"]);
  return { outputs, resources };
}

function resolved(value: unknown): Promise<unknown> {
  return new Promise((resolve) => {
    // whatever the program gave, output() makes it one Output of plain data
    (pulumi.output(value) as pulumi.Output<unknown>).apply(resolve);
  });
}

function inputsOf(result: Run, name: string): Readonly<Record<string, unknown>> {
  const found = result.resources.find((resource) => resource.name === name);
  assert.ok(found, `no resource ${name} among ${result.resources.map((r) => r.name).join(", ")}`);
  return found.inputs;
}

const own = "organization/upramp/dev-podinfo";
const platform = "organization/upramp/dev";
const config = {
  kind: "service",
  platform: "dev",
  service: { name: "podinfo", replicas: 2, revision: "VERSION=9 node server.ts" },
};
const environment = process.env["UPRAMP_DRIVER"];

describe("the program", () => {
  afterEach(() => {
    if (environment === undefined) delete process.env["UPRAMP_DRIVER"];
    else process.env["UPRAMP_DRIVER"] = environment;
  });

  it("declares Envoy and Prometheus of a platform and says where they are", async () => {
    const platformConfig = { kind: "platform", platform: { stateDir: "/state" } };
    const result = await run("dev", platformConfig, { [platform]: undefined });
    const outputs = platformOutputsSchema.parse(result.outputs);
    assert.equal(outputs.envoy.admin, added.url);
    assert.deepEqual(outputs.logs, ["/state/logs/envoy.log", "/state/logs/prometheus.log"]);
    assert.deepEqual(inputsOf(result, "envoy")["commandVariable"], "UPRAMP_ENVOY");
    const scraped = inputsOf(result, "prometheus-config")["content"];
    assert.ok(String(scraped).includes(`127.0.0.1:${added.boundPort}`), String(scraped));
  });

  it("keeps a platform's files where they are, whichever checkout asks", async () => {
    const stacks = { [platform]: platformOutputs };
    const result = await run("dev", { kind: "platform" }, stacks);
    assert.equal(platformOutputsSchema.parse(result.outputs).stateDir, "/state");
    await assert.rejects(
      run("dev", { kind: "platform", platform: { stateDir: "elsewhere" } }, stacks),
      /upramp:platform\.stateDir = .*elsewhere: this platform keeps its files in \/state/,
    );
  });

  it("finds a binary given by a path from the project's folder, and leaves a name to PATH", async () => {
    const binaries = { envoy: { binary: "bin/envoy" }, prometheus: { binary: "prometheus3" } };
    const stacks = { [platform]: undefined };
    const result = await run("dev", { kind: "platform", platform: binaries }, stacks);
    const envoy = String(inputsOf(result, "envoy")["command"]);
    assert.ok(isAbsolute(envoy) && envoy.endsWith("/bin/envoy"), envoy);
    assert.equal(inputsOf(result, "prometheus")["command"], "prometheus3");
  });

  it("refuses to move a service to another platform", async () => {
    const other = { ...platformOutputs, stack: "prod", stateDir: "/other" };
    const stacks = { "organization/upramp/prod": other, [own]: serviceOutputs() };
    await assert.rejects(
      run("dev-podinfo", { ...config, platform: "prod" }, stacks),
      /upramp:platform = "prod": this service runs on the platform in \/state/,
    );
  });

  it("puts the configured revision into blue at the first update", async () => {
    const stacks = { [platform]: platformOutputs, [own]: undefined };
    const result = await run("dev-podinfo", config, stacks);
    const outputs = serviceOutputsSchema.parse(result.outputs);
    assert.equal(outputs.assignment.slots.blue?.name, "9");
    assert.equal(outputs.assignment.slots.green, null);
    assert.deepEqual(outputs.assignment.weights, { blue: 100, green: 0 });
    const processes = result.resources.filter(({ type }) => type === "upramp:local:Process");
    assert.deepEqual(
      processes.map(({ name }) => name),
      ["podinfo-blue-0", "podinfo-blue-1"],
    );
  });

  it("keeps revisions, roles and weights in a plain update, and notes the wanted revision", async () => {
    const previous = serviceOutputs();
    const stacks = { [platform]: platformOutputs, [own]: previous };
    const result = await run("dev-podinfo", config, stacks);
    const outputs = serviceOutputsSchema.parse(result.outputs);
    assert.deepEqual(outputs.assignment, previous.assignment);
    assert.equal(outputs.configured.name, "9");
    assert.deepEqual(inputsOf(result, "podinfo-route")["weights"], { blue: 80, green: 20 });
    assert.deepEqual(inputsOf(result, "podinfo-green-1")["env"], { VERSION: "2" });
  });

  it("shows what the driver says in an update by the driver, without asking the platform", async () => {
    process.env["UPRAMP_DRIVER"] = "1";
    const previous = serviceOutputs();
    const drive: Drive = {
      assignment: { ...previous.assignment, weights: { blue: 40, green: 60 } },
      failed: null,
    };
    const result = await run("dev-podinfo", { ...config, drive }, { [own]: previous });
    const outputs = serviceOutputsSchema.parse(result.outputs);
    assert.deepEqual(outputs.assignment.weights, { blue: 40, green: 60 });
    assert.deepEqual(outputs.configured, previous.configured);
    assert.deepEqual(outputs.platform, platformOutputs);
  });

  it("says how to make the platform when it is not there", async () => {
    await assert.rejects(run("dev-podinfo", config, { [own]: undefined }), (error: Error) =>
      /platform stack "dev" cannot be read .*pulumi up --stack dev/.test(error.message),
    );
  });

  it("refuses another service in the same stack", async () => {
    const stacks = { [platform]: platformOutputs, [own]: serviceOutputs({ service: "shop" }) };
    await assert.rejects(run("dev-podinfo", config, stacks), /this stack runs "shop"/);
  });

  it("routes to what Envoy knows: route, endpoints and clusters name the same", async () => {
    const stacks = { [platform]: platformOutputs, [own]: serviceOutputs() };
    const result = await run("dev-podinfo", config, stacks);
    const entry = inputsOf(result, "podinfo-envoy");
    const clusters = JSON.parse(String(entry["clusters"])) as { name: string }[];
    assert.deepEqual(
      clusters.map(({ name }) => name),
      ["podinfo-blue", "podinfo-green"],
    );
    const template = String(inputsOf(result, "podinfo-route")["template"]);
    for (const { name } of clusters) assert.ok(template.includes(name), template);
    const endpoints = String(inputsOf(result, "podinfo-green-endpoints")["content"]);
    assert.equal(endpoints.match(/"port_value":4000/g)?.length, 2);
  });
});
