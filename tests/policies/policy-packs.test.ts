import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { findPolicyPacks, refuseWrongConfigs } from "../../rollout/cli/policy-packs.ts";
import { packageDirectory, type Project } from "../../rollout/cli/project.ts";

const pack = join(packageDirectory, "policies");

describe("the policy packs of a command", () => {
  let directory: string;
  let file: string;
  let project: Project;

  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), "upramp-packs-"));
    file = join(directory, "levels.json");
    await writeFile(file, "{}");
    project = { directory, name: "p", own: true, policyPacks: [pack] };
  });
  afterEach(async () => {
    await rm(directory, { recursive: true });
  });

  it("are the project's own when none is named, with its policy-config.json where there is one", async () => {
    assert.deepEqual(findPolicyPacks({}, project), { folders: [pack], configs: [] });
    const beside = join(directory, "policy-config.json");
    await writeFile(beside, "{}");
    assert.deepEqual(findPolicyPacks({}, project), { folders: [pack], configs: [beside] });
    assert.deepEqual(findPolicyPacks({ policyPackConfig: [file] }, project).configs, [file]);
  });

  it("are those that are named, each once", async () => {
    await writeFile(join(directory, "policy-config.json"), "{}");
    const found = findPolicyPacks({ policyPack: [directory, directory] }, project);
    assert.deepEqual(found, { folders: [directory], configs: [] });
  });

  it("are none, and need no configuration, where the project has none", async () => {
    await writeFile(join(directory, "policy-config.json"), "{}");
    const found = findPolicyPacks({}, { ...project, policyPacks: [] });
    assert.deepEqual(found, { folders: [], configs: [] });
  });

  it("and their configurations have to be there, and as many", () => {
    const nowhere = join(directory, "nowhere");
    for (const [options, message] of [
      [{ policyPack: [nowhere] }, /no policy pack at .*nowhere: correct --policy-pack$/],
      [
        { policyPackConfig: [nowhere] },
        /no configuration .*nowhere: correct --policy-pack-config$/,
      ],
      [{ policyPackConfig: [file, file] }, /given 2 times for 1 policy packs: give one for each/],
    ] as const) {
      assert.throws(() => findPolicyPacks(options, project), message);
    }
  });

  it("take a right configuration", async () => {
    const config = {
      all: "advisory",
      "require-probes": "mandatory",
      "forbid-latest-image": { enforcementLevel: "disabled" },
      "require-limited-cluster-endpoint": { allowedCidrs: ["10.0.0.0/8", "2001:db8::/48"] },
    };
    await writeFile(file, JSON.stringify(config));
    await refuseWrongConfigs({ folders: [pack], configs: [file] });
  });

  for (const [content, message] of [
    ["{", /levels\.json is not JSON/],
    ["[]", /levels\.json: Invalid input: expected record/],
    [
      { "require-probe": "advisory" },
      /levels\.json: no rule is called "require-probe"; known are .*require-probes/,
    ],
    [{ "require-probes": "strict" }, /levels\.json: require-probes = "strict": .*"advisory"/],
    [
      { "require-probes": { enforcementLevel: "strict" } },
      /levels\.json: require-probes\.enforcementLevel = "strict": .*"advisory"/,
    ],
    [
      { "require-probes": { probes: ["ready"] } },
      /levels\.json: require-probes\.probes\[0\] = "ready": .*readinessProbe/,
    ],
    [
      { "require-probes": { prbes: [] } },
      /levels\.json: require-probes: Unrecognized key: "prbes"/,
    ],
    [
      { "require-limited-cluster-endpoint": { shortestIpv4Prefix: 40 } },
      /levels\.json: require-limited-cluster-endpoint\.shortestIpv4Prefix = 40: .*32/,
    ],
    [
      { "require-limited-cluster-endpoint": { allowedCidrs: ["office"] } },
      /levels\.json: require-limited-cluster-endpoint\.allowedCidrs\[0\] = "office"/,
    ],
    [
      { "require-known-step": { otherWeights: 5 } },
      /require-known-step\.otherWeights = 5: .*array/,
    ],
    [{ "require-known-step": 5 }, /require-known-step = 5: .*object/],
  ] as const) {
    const text = typeof content === "string" ? content : JSON.stringify(content);
    it(`refuse ${text}`, async () => {
      await writeFile(file, text);
      await assert.rejects(refuseWrongConfigs({ folders: [pack], configs: [file] }), message);
    });
  }

  it("are not asked what they take when they do not say", async () => {
    await writeFile(file, JSON.stringify({ whatever: { key: 1 } }));
    await refuseWrongConfigs({ folders: [directory], configs: [file] });
  });
});
