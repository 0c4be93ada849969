import assert from "node:assert/strict";
import type { ResourceValidationPolicy } from "@pulumi/policy";
import { forbidLatestImage } from "../../policies/forbid-latest-image.ts";
import { requireProbes } from "../../policies/require-probes.ts";
import { requireRequestsAndLimits } from "../../policies/require-requests-and-limits.ts";
import { resourceViolations, unknownText } from "./rule-args.ts";

const right = {
  name: "web",
  image: "registry.example/web:1.4.2",
  resources: { requests: { cpu: "100m", memory: "64Mi" }, limits: { memory: "64Mi" } },
  readinessProbe: { httpGet: { path: "/", port: 80 } },
};

const apps = ["Deployment", "StatefulSet", "DaemonSet", "ReplicaSet"].map(
  (kind) => `apps/v1:${kind}`,
);
const types = [...apps, "core/v1:Pod", "batch/v1:Job", "batch/v1:CronJob"];

/** A workload with one container, and what else its pods have. */
function workload(type: string, container: object, pod: object = {}): Record<string, unknown> {
  const metadata = { namespace: "shop", name: "web" };
  const spec = { containers: [container], ...pod };
  if (type === "core/v1:Pod") return { metadata, spec };
  const template = { spec };
  return type === "batch/v1:CronJob"
    ? { metadata, spec: { jobTemplate: { spec: { template } } } }
    : { metadata, spec: { template } };
}

function violations(
  rule: ResourceValidationPolicy,
  type: string,
  props: Record<string, unknown>,
  config: object = {},
): readonly string[] {
  return resourceViolations(rule, `kubernetes:${type}`, props, config);
}

describe("the rules of workloads", () => {
  for (const rule of [forbidLatestImage, requireProbes, requireRequestsAndLimits]) {
    for (const type of types) {
      it(`let a ${type} pass that is right (${rule.name})`, () => {
        assert.deepEqual(violations(rule, type, workload(type, right)), []);
      });
    }

    it(`look at workloads only (${rule.name})`, () => {
      const props = workload(apps[0] ?? "", { name: "web", image: "web" });
      assert.deepEqual(resourceViolations(rule, "somebody:else:Deployment", props), []);
    });

    it(`leave out namespaces and names (${rule.name})`, () => {
      const [type = ""] = apps;
      const wrong = workload(type, { name: "web", image: "web" });
      assert.notDeepEqual(violations(rule, type, wrong), []);
      for (const config of [{ exemptNamespaces: ["sh*"] }, { exemptNames: ["web"] }]) {
        assert.deepEqual(violations(rule, type, wrong, config), []);
      }
      assert.notDeepEqual(violations(rule, type, wrong, { exemptNames: ["we"] }), []);
      const system = { ...wrong, metadata: { namespace: "kube-system", name: "web" } };
      assert.deepEqual(violations(rule, type, system), []);
    });

    it(`wait for what a preview does not know (${rule.name})`, () => {
      const [type = ""] = apps;
      const unknown = {
        ...right,
        image: unknownText,
        resources: unknownText,
        readinessProbe: unknownText,
      };
      assert.deepEqual(violations(rule, type, workload(type, unknown)), []);
      assert.deepEqual(violations(rule, type, { metadata: {}, spec: unknownText }), []);
    });
  }
});

describe("forbid-latest-image", () => {
  const judged = (image: string, config: object = {}): readonly string[] =>
    violations(
      forbidLatestImage,
      "apps/v1:Deployment",
      workload("apps/v1:Deployment", { ...right, image }, {}),
      config,
    );

  for (const image of [
    "web:1.4.2",
    "registry.example:5000/team/web:v2",
    `web@sha256:${"0".repeat(64)}`,
    `web:latest@sha256:${"0".repeat(64)}`,
    "web:latest-1.4",
  ]) {
    it(`lets ${image.slice(0, 40)} pass`, () => {
      assert.deepEqual(judged(image), []);
    });
  }

  for (const [image, why] of [
    ["web", "has no tag, which means latest"],
    ["registry.example:5000/web", "has no tag, which means latest"],
    ["web:latest", "is whatever was pushed last"],
    ["registry.example:5000/web:latest", "is whatever was pushed last"],
  ] as const) {
    it(`stops ${image}`, () => {
      assert.deepEqual(judged(image), [
        `containers[0] ("web").image = "${image}" ${why}: give a version or a digest`,
      ]);
    });
  }

  for (const type of types) {
    it(`looks at every container of a ${type}, and at what prepares for them`, () => {
      const initContainers = [{ name: "init", image: "init" }];
      const found = violations(
        forbidLatestImage,
        type,
        workload(type, { ...right, image: "web" }, { initContainers }),
      );
      assert.deepEqual(
        found.map((message) => message.split(".image")[0]),
        [`containers[0] ("web")`, `initContainers[0] ("init")`],
      );
    });
  }

  it("lets images pass that its configuration allows", () => {
    assert.deepEqual(judged("dev.local/web", { allowedImages: ["dev.local/*"] }), []);
    assert.equal(judged("web", { allowedImages: ["dev.local/*", "we", "w.b"] }).length, 1);
  });
});

describe("require-probes", () => {
  const { readinessProbe: _left, ...unready } = right;

  for (const type of apps) {
    it(`stops a ${type} whose container never says that it is ready`, () => {
      assert.deepEqual(violations(requireProbes, type, workload(type, unready)), [
        `containers[0] ("web") has no readinessProbe: say how it is asked`,
      ]);
    });
  }

  for (const type of types.filter((type) => !apps.includes(type))) {
    it(`leaves out a ${type}, unless its configuration says otherwise`, () => {
      assert.deepEqual(violations(requireProbes, type, workload(type, unready)), []);
      const config = { exemptKinds: [] };
      assert.equal(violations(requireProbes, type, workload(type, unready), config).length, 1);
    });
  }

  it("leaves out what prepares for the containers", () => {
    const [type = ""] = apps;
    const props = workload(type, right, { initContainers: [unready] });
    assert.deepEqual(violations(requireProbes, type, props), []);
  });

  it("asks for the probes that its configuration names", () => {
    const [type = ""] = apps;
    const config = { probes: ["readinessProbe", "livenessProbe"] };
    assert.deepEqual(violations(requireProbes, type, workload(type, right), config), [
      `containers[0] ("web") has no livenessProbe: say how it is asked`,
    ]);
  });
});

describe("require-requests-and-limits", () => {
  const judged = (
    resources: object | undefined,
    pod: object = {},
    config: object = {},
  ): readonly string[] =>
    violations(
      requireRequestsAndLimits,
      "apps/v1:Deployment",
      workload("apps/v1:Deployment", { ...right, resources }, pod),
      config,
    );

  for (const [what, resources] of [
    ["all amounts", { requests: { cpu: 1, memory: "1Gi" }, limits: { cpu: 2, memory: "1Gi" } }],
    [
      "no limit of processor time",
      { requests: { cpu: 1, memory: "1Gi" }, limits: { memory: "1Gi" } },
    ],
    [
      "limits alone, which Kubernetes takes for requests too",
      { limits: { cpu: 1, memory: "1Gi" } },
    ],
  ] as const) {
    it(`lets ${what} pass`, () => {
      assert.deepEqual(judged(resources), []);
    });
  }

  for (const [what, resources, missing] of [
    [
      "nothing",
      undefined,
      "resources.requests.cpu, resources.requests.memory, resources.limits.memory",
    ],
    ["no memory", { requests: { cpu: 1 } }, "resources.requests.memory, resources.limits.memory"],
    ["no limit of memory", { requests: { cpu: 1, memory: "1Gi" } }, "resources.limits.memory"],
  ] as const) {
    it(`stops ${what}`, () => {
      assert.deepEqual(judged(resources), [`containers[0] ("web") lacks ${missing}: state them`]);
    });
  }

  it("takes the amounts of a pod as a whole", () => {
    const resources = { requests: { cpu: 1, memory: "1Gi" }, limits: { memory: "1Gi" } };
    assert.deepEqual(judged(undefined, { resources }), []);
  });

  it("asks for what its configuration names", () => {
    assert.deepEqual(judged({}, {}, { required: [] }), []);
    assert.deepEqual(judged(right.resources, {}, { required: ["limits.cpu"] }), [
      `containers[0] ("web") lacks resources.limits.cpu: state them`,
    ]);
  });

  it("judges Jobs too, and nothing that prepares for containers", () => {
    const bare = { name: "web", image: "web:1" };
    const type = "batch/v1:Job";
    assert.equal(violations(requireRequestsAndLimits, type, workload(type, bare)).length, 1);
    const props = workload(type, right, { initContainers: [bare] });
    assert.deepEqual(violations(requireRequestsAndLimits, type, props), []);
  });
});
