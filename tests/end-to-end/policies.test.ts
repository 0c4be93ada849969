import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { join } from "node:path";
import * as aws from "@pulumi/aws";
import * as kubernetes from "@pulumi/kubernetes";
import { LocalProvider, Route } from "../../infra/local/resources.ts";
import {
  driverVariable,
  outputName,
  type Assignment,
  type Revision,
} from "../../infra/contract.ts";
import { CanaryService } from "../../infra/service/canary-service.ts";
import { revisionWithImage } from "../../infra/service/image-revision.ts";
import { rules } from "../../policies/rules.ts";
import { contour, readyCluster } from "../infra/canary-service-graph.ts";
import { kubeconfig } from "../support/unasked-cluster.ts";
import { PolicyStack, type Judged } from "./policy-stack.ts";

const labels = { app: "web" };
const container = {
  name: "web",
  image: "registry.example/web:1.4.2",
  resources: { requests: { cpu: "100m", memory: "64Mi" }, limits: { memory: "64Mi" } },
  readinessProbe: { httpGet: { path: "/", port: 80 } },
};

function inCluster(): { readonly provider: kubernetes.Provider } {
  return { provider: new kubernetes.Provider("cluster", { kubeconfig }) };
}

function onAws(): { readonly provider: aws.Provider } {
  return { provider: new aws.Provider("aws", { region: "eu-west-1" }) };
}

/** A workload whose only container is right but for what is given. */
function deployment(
  change: object,
  replicas = 1,
  options = inCluster(),
): kubernetes.apps.v1.Deployment {
  const metadata = { namespace: "shop", name: "web" };
  const template = { metadata: { labels }, spec: { containers: [{ ...container, ...change }] } };
  const spec = { replicas, selector: { matchLabels: labels }, template };
  return new kubernetes.apps.v1.Deployment("web", { metadata, spec }, options);
}

/** An HTTPRoute to a Service whose pods are those of an idle Deployment. */
function routeToNobody(): void {
  const options = inCluster();
  const metadata = { namespace: "shop", name: "web" };
  const workload = deployment({}, 0, options);
  const spec = { selector: labels, ports: [{ port: 80 }] };
  new kubernetes.core.v1.Service("web", { metadata, spec }, { ...options, dependsOn: workload });
  new kubernetes.apiextensions.CustomResource(
    "route",
    {
      apiVersion: "gateway.networking.k8s.io/v1",
      kind: "HTTPRoute",
      metadata,
      spec: { rules: [{ backendRefs: [{ name: "web", port: 80, weight: 100 }] }] },
    },
    options,
  );
}

function localRoute(path: string): void {
  const weights = { blue: 70, green: 20 };
  new Route(
    "route",
    { path, template: `"{{ blue }}"`, weights },
    { provider: new LocalProvider("local") },
  );
}

function cluster(change: { vpc?: object; encryptionConfig?: undefined }): void {
  const key = "arn:aws:kms:eu-west-1:123456789012:key/1";
  new aws.eks.Cluster(
    "cluster",
    {
      roleArn: "arn:aws:iam::123456789012:role/cluster",
      vpcConfig: {
        subnetIds: ["subnet-0123456789abcdef0"],
        endpointPublicAccess: true,
        publicAccessCidrs: ["203.0.113.0/24"],
        ...change.vpc,
      },
      ...("encryptionConfig" in change
        ? {}
        : { encryptionConfig: { provider: { keyArn: key }, resources: ["secrets"] } }),
    },
    onAws(),
  );
}

function rolePolicy(): void {
  const statement = { Effect: "Allow", Action: "s3:*", Resource: "*" };
  const policy = JSON.stringify({ Version: "2012-10-17", Statement: [statement] });
  new aws.iam.RolePolicy("rights", { role: "node", policy }, onAws());
}

function meshObject(): void {
  new kubernetes.apiextensions.CustomResource(
    "mesh",
    { apiVersion: "appmesh.k8s.aws/v1beta2", kind: "Mesh", metadata: { name: "shop" }, spec: {} },
    inCluster(),
  );
}

/** A rule about one resource, a program that violates it and nothing else, and what the engine says. */
interface Violation {
  readonly rule: string;
  readonly program: (stack: PolicyStack) => void;
  readonly message: RegExp;
  /** Type of the resource that must not be there afterwards. */
  readonly type: string;
}

const deploymentType = "kubernetes:apps/v1:Deployment";
const clusterType = "aws:eks/cluster:Cluster";
const violations: readonly Violation[] = [
  {
    rule: "require-whole-weights",
    program: ({ folder }) => localRoute(join(folder, "route.json")),
    message: /weights = 70, 20: they add up to 90, not 100/,
    type: "upramp:local:Route",
  },
  {
    rule: "forbid-discontinued-app-mesh",
    program: meshObject,
    message: /v1beta2:Mesh is an object of App Mesh: use Gateway API/,
    type: "kubernetes:appmesh.k8s.aws/v1beta2:Mesh",
  },
  {
    rule: "require-limited-cluster-endpoint",
    program: () => cluster({ vpc: { publicAccessCidrs: ["0.0.0.0/0"] } }),
    message: /publicAccessCidrs: "0\.0\.0\.0\/0" is wider than \/16/,
    type: clusterType,
  },
  {
    rule: "require-encryption",
    program: () => cluster({ encryptionConfig: undefined }),
    message: /encryptionConfig does not cover secrets/,
    type: clusterType,
  },
  {
    rule: "forbid-wildcard-rights",
    program: rolePolicy,
    message: /policy\.Statement\[0\] allows s3:\*: name the actions/,
    type: "aws:iam/rolePolicy:RolePolicy",
  },
  {
    rule: "forbid-latest-image",
    program: () => void deployment({ image: "registry.example/web" }),
    message: /containers\[0\] \("web"\)\.image = "registry\.example\/web" has no tag/,
    type: deploymentType,
  },
  {
    rule: "require-requests-and-limits",
    program: () => void deployment({ resources: {} }),
    message:
      /lacks resources\.requests\.cpu, resources\.requests\.memory, resources\.limits\.memory/,
    type: deploymentType,
  },
  {
    rule: "require-probes",
    program: () => void deployment({ readinessProbe: undefined }),
    message: /containers\[0\] \("web"\) has no readinessProbe/,
    type: deploymentType,
  },
  {
    rule: "forbid-plain-secrets",
    program: () => void deployment({ env: [{ name: "DB_PASSWORD", value: "hunter22" }] }),
    message: /env DB_PASSWORD seems to be a credential, as its name says: read it from a Secret/,
    type: deploymentType,
  },
];

/** Rules about a whole stack, which the engine judges when all is there. */
const ofStacks = [
  "forbid-weight-on-empty-slot",
  "require-known-step",
  "forbid-revision-in-both-slots",
  "forbid-revision-change-under-weight",
];

function assertRefused(
  { isRefused, violations: found }: Judged,
  rule: string,
  message: RegExp,
): void {
  assert.ok(isRefused, "the engine let it pass");
  assert.deepEqual([...new Set(found.map((text) => text.split(":")[0]))], [rule], found.join("\n"));
  assert.match(found.join("\n"), message);
}

describe("the policy pack in the engine", function () {
  this.timeout(60_000);
  let stack: PolicyStack;

  before(async () => {
    stack = await PolicyStack.create();
  });
  after(async () => {
    await stack?.remove();
  });

  it("has a violation for every rule below", () => {
    const tried = [...violations.map(({ rule }) => rule), ...ofStacks];
    assert.deepEqual(tried.toSorted(), rules.map(({ name }) => name).toSorted());
  });

  it("lets pass what is right", async () => {
    const judged = await stack.up(async () => {
      deployment({});
      cluster({});
    });
    assert.deepEqual(judged, { isRefused: false, violations: [], errors: "" });
    await stack.up(async () => undefined);
  });

  for (const { rule, program, message, type } of violations) {
    it(`stops an update that violates ${rule}, and makes nothing of it`, async () => {
      assertRefused(await stack.up(async () => program(stack)), rule, message);
      assert.deepEqual(await stack.resources(type), {});
    });
  }

  it("never wrote the file of the refused route", () => {
    assert.ok(!existsSync(join(stack.folder, "route.json")));
  });

  it("stops a route to a Deployment without replicas in a preview, and fails an update", async () => {
    const message =
      /Service "web" has weight, but Deployment "web" has 0 replicas: deploy it first/;
    for (const judged of [
      await stack.preview(async () => routeToNobody()),
      await stack.up(async () => routeToNobody()),
    ]) {
      assertRefused(judged, "forbid-weight-on-empty-slot", message);
    }
    await stack.up(async () => undefined);
  });

  it("takes levels and settings from the pack's configuration", async () => {
    const untagged = async (): Promise<void> => void deployment({ image: "registry.example/web" });
    for (const config of [
      { "forbid-latest-image": "advisory" },
      { all: "disabled" },
      { "forbid-latest-image": { allowedImages: ["registry.example/*"] } },
      { "forbid-latest-image": { exemptNamespaces: ["shop"] } },
    ]) {
      const judged = await stack.preview(untagged, config);
      assert.deepEqual(
        judged,
        { isRefused: false, violations: [], errors: "" },
        JSON.stringify(config),
      );
    }
    const strict = { "require-probes": { probes: ["readinessProbe", "livenessProbe"] } };
    assertRefused(
      await stack.preview(async () => void deployment({}), strict),
      "require-probes",
      /has no livenessProbe/,
    );
  });

  it("refuses a configuration that is wrong, and names the key", async () => {
    for (const [config, message] of [
      [{ "require-probes": { probes: "livenessProbe" } }, /require-probes: probes: Invalid type/],
      [{ "require-probes": { prbes: [] } }, /"prbes" for this rule; known are .*probes/],
      [
        { "require-known-step": { weights: [] } },
        /"weights" for this rule; known are .*otherWeights/,
      ],
      [
        { "require-probes": "strict" },
        /"require-probes": "strict" is not a valid enforcement level/,
      ],
    ] as const) {
      const { isRefused, errors } = await stack.preview(async () => undefined, config);
      assert.ok(isRefused, JSON.stringify(config));
      assert.match(errors, message);
    }
  });

  it("encrypts the disks of a launch template at level remediate, and only then", async () => {
    const disks = [{ deviceName: "/dev/xvda", ebs: { volumeSize: 20 } }];
    const template = async (): Promise<void> => {
      new aws.ec2.LaunchTemplate("nodes", { blockDeviceMappings: disks }, onAws());
    };
    assertRefused(
      await stack.preview(template),
      "require-encryption",
      /blockDeviceMappings\[0\]\.ebs\.encrypted is not true/,
    );
    const judged = await stack.up(template, { "require-encryption": "remediate" });
    assert.deepEqual(judged, { isRefused: false, violations: [], errors: "" });
    const { nodes } = await stack.resources("aws:ec2/launchTemplate:LaunchTemplate");
    const [mapping] = Reflect.get(Object(nodes), "blockDeviceMappings") as unknown[];
    assert.deepEqual(mapping, {
      deviceName: "/dev/xvda",
      ebs: { volumeSize: 20, encrypted: "true" },
    });
    await stack.up(async () => undefined);
  });
});

type Change = Pick<Assignment, "slots" | "weights">;

/** Updates of a driver that decided wrongly, after one with version 1 in blue alone. */
const wrongDecisions: readonly {
  readonly rule: string;
  readonly change: (one: Revision, two: Revision) => Change;
  readonly message: RegExp;
}[] = [
  {
    rule: "forbid-revision-in-both-slots",
    change: (one) => ({ slots: { blue: one, green: one }, weights: { blue: 100, green: 0 } }),
    message: /blue and green both run 1\.4\.2: leave one empty/,
  },
  {
    rule: "forbid-revision-change-under-weight",
    change: (one, two) => ({ slots: { blue: one, green: two }, weights: { blue: 80, green: 20 } }),
    message: /green changes from nothing to 2\.0\.0 while its weight goes from 0 to 20/,
  },
];

describe("the rules of rollouts on a service", function () {
  this.timeout(60_000);
  let stack: PolicyStack;
  let versionOne: Revision;
  let versionTwo: Revision;

  async function program(): Promise<Record<string, unknown>> {
    const service = new CanaryService(
      "podinfo",
      {
        namespace: "shop",
        router: contour,
        prometheus: { address: "http://prometheus.example.com" },
        revision: {
          template: { spec: { containers: [{ ...container, ports: [{ containerPort: 80 }] }] } },
        },
        rollout: { steps: [20, 60] },
        reader: readyCluster(),
      },
      inCluster(),
    );
    return { [outputName]: service.outputs };
  }

  /** The settings of an update by the driver. */
  function drive(change: Change): object {
    const assignment: Assignment = { primary: "blue", ...change };
    return { "upramp:drive": JSON.stringify({ assignment, failed: null }) };
  }

  const alone = (): Change => ({
    slots: { blue: versionOne, green: null },
    weights: { blue: 100, green: 0 },
  });

  before(async () => {
    process.env[driverVariable] = "1";
    stack = await PolicyStack.create();
  });
  after(async () => {
    delete process.env[driverVariable];
    await stack?.remove();
  });

  it("let its first update pass", async () => {
    const judged = await stack.up(program);
    assert.deepEqual(judged, { isRefused: false, violations: [], errors: "" });
    const { configured } = await stack.service();
    versionOne = configured;
    versionTwo = revisionWithImage(configured, "registry.example/web:2.0.0", "version 2");
  });

  for (const { rule, change, message } of wrongDecisions) {
    it(`stop ${rule} in a preview, and fail an update`, async () => {
      const wrong = drive(change(versionOne, versionTwo));
      assertRefused(await stack.preview(program, {}, wrong), rule, message);
      assert.deepEqual((await stack.service()).assignment.slots.green, null);
      assertRefused(await stack.up(program, {}, wrong), rule, message);
      await stack.up(program, { all: "disabled" }, drive(alone()));
    });
  }

  it("let the steps of a rollout pass, and no weight between them", async () => {
    const slots = { blue: versionOne, green: versionTwo };
    for (const green of [0, 20, 60]) {
      const weights = { blue: 100 - green, green };
      const judged = await stack.up(program, {}, drive({ slots, weights }));
      assert.deepEqual(judged, { isRefused: false, violations: [], errors: "" });
    }
    const wrong = drive({ slots, weights: { blue: 63, green: 37 } });
    const message = /the canary in green gets weight 37, and the steps are 20, 60/;
    assertRefused(await stack.preview(program, {}, wrong), "require-known-step", message);
    assertRefused(await stack.up(program, {}, wrong), "require-known-step", message);
    const more = { "require-known-step": { otherWeights: [37] } };
    assert.ok(!(await stack.preview(program, more, wrong)).isRefused);
  });

  it("let a plain update keep a weight that is no step of its checkout", async () => {
    const judged = await stack.up(program);
    assert.deepEqual(judged, { isRefused: false, violations: [], errors: "" });
    assert.deepEqual((await stack.service()).assignment.weights, { blue: 63, green: 37 });
  });
});
