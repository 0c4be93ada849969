import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as pulumi from "@pulumi/pulumi";
import { parse as parseYaml } from "yaml";
import { z } from "zod";
import { readConfig, type StackConfig } from "../../infra/config.ts";
import { ContractError, parse } from "../../infra/contract.ts";
import { pipelineWritten, type PipelineSettings } from "../../infra/pipeline-contract.ts";
import { declarePipeline } from "../../infra/pipeline/declare-pipeline.ts";
import { runCommands } from "../../infra/pipeline/run-commands.ts";
import { exitCode } from "../../rollout/cli/exit-codes.ts";
import { textOf } from "../docs/markdown.ts";

type Written = z.input<typeof pipelineWritten>;

const written: Written = {
  organization: "acme",
  source: { repository: "acme/shop" },
  services: { "dev-podinfo": {} },
};
const oidc = { roleArn: "arn:aws:iam::111122223333:role/rollouts" };

function settingsOf(more: Partial<Written> = {}): PipelineSettings {
  return parse(pipelineWritten, { ...written, ...more }, "upramp:pipeline");
}

interface Registered {
  readonly type: string;
  readonly name: string;
  readonly inputs: unknown;
}

/** What the stack declares, secrets as the engine gets them. */
async function declared(
  settings: PipelineSettings,
  secrets: Readonly<Record<string, string>> = {},
): Promise<readonly Registered[]> {
  const registered: Registered[] = [];
  await pulumi.runtime.setMocks(
    {
      newResource: ({ type, name, inputs }) => {
        registered.push({ type, name, inputs });
        return { id: `${name}-id`, state: inputs as Record<string, unknown> };
      },
      call: ({ token }) => {
        throw new Error(`${token} was called`);
      },
    },
    "shop",
    "pipeline",
    false,
    "acme",
  );
  declarePipeline({ settings, secrets });
  // the requests to the mocks are under way
  await pulumi.runtime.disconnect();
  return registered;
}

function read(config: Readonly<Record<string, unknown>>, isSecret = false): StackConfig {
  const values = Object.entries(config).map(([key, value]): [string, string] => [
    `upramp:${key}`,
    typeof value === "string" ? value : JSON.stringify(value),
  ]);
  return readConfig({
    values: Object.fromEntries(values),
    isSecret: (key) => isSecret && key === "upramp:secrets",
    environment: {},
    directory: ".",
  });
}

describe("a stack of kind pipeline", () => {
  it("declares the example's settings and its schedule", async () => {
    const file = z
      .object({ config: z.object({ "upramp:pipeline": z.unknown() }) })
      .parse(parseYaml(textOf("examples/pulumi-deployments/Pulumi.pipeline.yaml")));
    const settings = parse(pipelineWritten, file.config["upramp:pipeline"], "upramp:pipeline");
    const place = { organization: "acme", project: "shop", stack: "dev-podinfo" };
    assert.deepEqual(await declared(settings), [
      {
        type: "pulumiservice:index:DeploymentSettings",
        name: "dev-podinfo",
        inputs: {
          ...place,
          cacheOptions: { enable: true },
          sourceContext: { git: { branch: "refs/heads/main", repoDir: "deploy" } },
          vcs: {
            provider: "github",
            repository: "acme/shop",
            deployCommits: true,
            previewPullRequests: false,
            pullRequestTemplate: false,
            paths: ["deploy/Pulumi.dev-podinfo.yaml"],
          },
          operationContext: {
            environmentVariables: { AWS_REGION: "eu-central-1" },
            oidc: {
              aws: {
                roleARN: "arn:aws:iam::111122223333:role/upramp-rollouts",
                sessionName: "upramp-${deployment.id}",
                duration: "2h0m0s",
              },
            },
            preRunCommands: runCommands("dev-podinfo", settings),
            options: { skipIntermediateDeployments: true },
          },
        },
      },
      {
        type: "pulumiservice:index:DeploymentSchedule",
        name: "dev-podinfo",
        inputs: { ...place, scheduleCron: "*/15 * * * *", pulumiOperation: "update" },
      },
    ]);
  });

  it("has one of each for every service", async () => {
    const services = { "dev-podinfo": {}, "dev-cart": { environment: { SIZE: "2" } } };
    const all = await declared(settingsOf({ services }));
    assert.deepEqual(all.map(({ name }) => name).toSorted(), [
      "dev-cart",
      "dev-cart",
      "dev-podinfo",
      "dev-podinfo",
    ]);
  });

  it("hands secret variables on as secrets", async () => {
    const [settings] = await declared(settingsOf(), { PULUMI_CONFIG_PASSPHRASE: "hunter2" });
    const told = JSON.stringify(settings?.inputs);
    // the marker of a secret value on the wire
    assert.ok(told.includes("1b47061264138c4ac30d75fd1eb44270"), told);
  });

  it("takes secrets only as secrets", () => {
    const config = { kind: "pipeline", pipeline: written, secrets: { TOKEN: "hunter2" } };
    const taken = read(config, true);
    assert.ok(taken.kind === "pipeline");
    assert.deepEqual(taken.secrets, { TOKEN: "hunter2" });
    assert.throws(
      () => read(config),
      (error) =>
        error instanceof ContractError &&
        error.message.includes("pulumi config set --secret --path upramp:secrets.TOKEN") &&
        !error.message.includes("hunter2"),
    );
  });

  for (const [what, more, expected] of [
    ["no service", { services: {} }, /services: names no stack/],
    ["no name of a stack", { services: { "a/b": {} } }, /services/],
    ["a repository that is a URL's end", { source: { repository: "shop" } }, /"owner\/name"/],
    [
      "a directory outside",
      { source: { repository: "acme/shop", directory: "/x" } },
      /directory = "\/x": begins with/,
    ],
    ["no role", { oidc: { roleArn: "rollouts" } }, /oidc\.roleArn = "rollouts": is no ARN/],
    ["credentials for a day", { oidc: { ...oidc, duration: "24h" } }, /between 15m and 12h/],
    ["a run longer than its credentials", { oidc, timeLimit: "58m" }, /5m shorter/],
    ["a run of seconds", { timeLimit: "10s" }, /under a minute/],
    ["a schedule of four fields", { resume: "* * * *" }, /five fields/],
    ["a secret in plain text", { environment: { API_TOKEN: "x" } }, /--path upramp:secrets\.API_/],
    ["no name of a variable", { environment: { "A-B": "x" } }, /is not a variable name/],
  ] as const) {
    it(`refuses ${what}`, () => {
      assert.throws(
        () => read({ kind: "pipeline", pipeline: { ...written, ...more } }),
        (error) => error instanceof ContractError && expected.test(error.message),
      );
    });
  }

  it("names every fault at once", () => {
    assert.throws(
      () => read({ kind: "pipeline", pipeline: { ...written, resume: "x", timeLimit: "1s" } }),
      (error) =>
        error instanceof ContractError &&
        /resume[\s\S]*timeLimit|timeLimit[\s\S]*resume/.test(error.message),
    );
  });
});

describe("the commands of a run", () => {
  /** Runs them as a deployment does, with stubs that write down how they were called. */
  function runWith(
    operation: string,
    upramp: number,
  ): { readonly calls: readonly string[]; readonly codes: readonly (number | null)[] } {
    const directory = mkdtempSync(join(tmpdir(), "upramp-run-"));
    try {
      const log = join(directory, "calls");
      writeFileSync(log, "");
      for (const [name, code] of [
        ["npm", 0],
        ["pulumi", 0],
        ["npx", upramp],
      ] as const) {
        const file = join(directory, name);
        writeFileSync(file, `#!/bin/sh\necho "${name} $*" >> "${log}"\nexit ${code}\n`);
        chmodSync(file, 0o755);
      }
      const env = { PATH: `${directory}:/usr/bin:/bin`, PULUMI_CI_OPERATION: operation };
      const codes = runCommands("dev-podinfo", settingsOf({ organization: "acme's" })).map(
        (command) => spawnSync("/bin/sh", ["-c", command], { env }).status,
      );
      return { calls: readFileSync(log, "utf8").trimEnd().split("\n"), codes };
    } finally {
      rmSync(directory, { recursive: true, force: true });
    }
  }

  it("set the wanted revision, then drive for the time of the run", () => {
    assert.deepEqual(runWith("update", 0), {
      calls: [
        "npm ci",
        "pulumi org set-default acme's",
        "pulumi up --yes --skip-preview --non-interactive --stack dev-podinfo",
        "npx upramp --json --stack dev-podinfo run --until-done --for 2700s",
      ],
      codes: [0, 0, 0, 0],
    });
  });

  it("succeed where the rollout is still under way, and fail where it was rolled back", () => {
    assert.equal(runWith("update", exitCode.underWay).codes.at(-1), 0);
    assert.equal(runWith("update", exitCode.rolledBack).codes.at(-1), exitCode.rolledBack);
  });

  for (const operation of ["preview", "refresh", "destroy", "detect-drift", "remediate-drift"]) {
    it(`move nothing in a run that is a ${operation}`, () => {
      const { calls, codes } = runWith(operation, 1);
      assert.deepEqual(calls, ["npm ci", "pulumi org set-default acme's"]);
      assert.deepEqual(codes, [0, 0, 0, 0]);
    });
  }
});
