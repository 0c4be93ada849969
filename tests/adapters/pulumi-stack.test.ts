import assert from "node:assert/strict";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  LocalWorkspace,
  StackNotFoundError,
  type Stack,
  type UpOptions,
} from "@pulumi/pulumi/automation/index.js";
import sinon from "sinon";
import { parse as parseYaml } from "yaml";
import { z } from "zod";
import { driveSchema } from "../../infra/contract.ts";
import { PulumiStack } from "../../rollout/adapters/pulumi-stack.ts";
import type { Action } from "../../rollout/core/state.ts";
import { UserError } from "../../rollout/errors.ts";

const revision = { id: "a1", name: "v1", content: {} };
const assignment = {
  primary: "blue",
  slots: { blue: revision, green: revision },
  weights: { blue: 80, green: 20 },
} as const;
const settingsSchema = z.object({ config: z.record(z.string(), z.string()) });
const { signal } = new AbortController();

/** The Automation API is stubbed at its edge; the real one is in tests/end-to-end. */
describe("PulumiStack", () => {
  let directory: string;
  let up: sinon.SinonStub<[UpOptions?], Promise<unknown>>;
  let seen: { options: UpOptions; config: Record<string, string> }[];

  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), "upramp-test-"));
    await writeFile(join(directory, "Pulumi.s.yaml"), "config:\n  upramp:kind: service\n");
    // `stack export` of a stack without pending operations
    const cli = join(directory, "pulumi");
    await writeFile(cli, "#!/bin/sh\necho '{\"deployment\": {}}'\n", { mode: 0o755 });
    seen = [];
    up = sinon.stub<[UpOptions?], Promise<unknown>>().callsFake(async (options = {}) => {
      const text = await readFile(options.configFile ?? "", "utf8");
      seen.push({ options, config: settingsSchema.parse(parseYaml(text)).config });
    });
    // only what PulumiStack uses of a stack
    const stack = { up, workspace: { pulumiCommand: { command: cli } } } as unknown as Stack;
    sinon.stub(LocalWorkspace, "selectStack").resolves(stack);
  });
  afterEach(async () => {
    sinon.restore();
    await rm(directory, { recursive: true });
  });

  function open(): Promise<PulumiStack> {
    return PulumiStack.open({
      stackName: "s",
      projectDirectory: directory,
      projectName: "p",
      program: () => Promise.resolve(),
      environment: {},
      policyPacks: ["policies"],
      policyPackConfigs: ["levels.json"],
    });
  }

  const forward: Action = { kind: "shiftTraffic", assignment, forward: true };

  it("hands the whole assignment over in a configuration file of its own", async () => {
    const stack = await open();
    assert.deepEqual(await stack.apply(forward, null, signal), { kind: "applied" });
    const config = seen[0]?.config ?? {};
    assert.equal(config["upramp:kind"], "service");
    const drive = driveSchema.parse(JSON.parse(config["upramp:drive"] ?? ""));
    assert.deepEqual(drive, { assignment, failed: null });
    const own = await readFile(join(directory, "Pulumi.s.yaml"), "utf8");
    assert.doesNotMatch(own, /drive/);
  });

  it("asks the policies on the way forward and never on the way back", async () => {
    const stack = await open();
    await stack.apply(forward, null, signal);
    await stack.apply({ ...forward, forward: false }, null, signal);
    assert.deepEqual(
      seen.map(({ options }) => [options.policyPacks, options.policyPackConfigs]),
      [
        [["policies"], ["levels.json"]],
        [[], []],
      ],
    );
  });

  it("goes back with the settings of the last good update when the checkout is broken", async () => {
    const stack = await open();
    await stack.apply(forward, null, signal);
    await writeFile(join(directory, "Pulumi.s.yaml"), "config: [broken");
    const on = await stack.apply(forward, null, signal);
    assert.equal(on.kind, "failed");
    const back = await stack.apply({ ...forward, forward: false }, null, signal);
    assert.deepEqual(back, { kind: "applied" });
    assert.equal(seen.at(-1)?.config["upramp:kind"], "service");
  });

  it("looks at the world first when it corrects a drift", async () => {
    const stack = await open();
    await stack.apply({ kind: "correctDrift", assignment, forward: false }, null, signal);
    assert.equal(seen[0]?.options.refresh, true);
  });

  it("says that an update failed, and why, instead of throwing", async () => {
    const stack = await open();
    up.rejects(new Error("no code for this"));
    const result = await stack.apply(forward, null, signal);
    assert.deepEqual(result, {
      kind: "failed",
      failure: { kind: "other", message: "no code for this" },
    });
  });

  it("refuses a stack that is not there with what to do", async () => {
    sinon.restore();
    const missing = Object.create(StackNotFoundError.prototype) as StackNotFoundError; // its constructor is internal
    sinon.stub(LocalWorkspace, "selectStack").rejects(missing);
    await assert.rejects(open(), (error: unknown) => {
      assert.ok(error instanceof UserError);
      assert.match(error.message, /stack init s/);
      return true;
    });
  });
});
