import assert from "node:assert/strict";
import { Marked, Secret, unknownValue } from "../kubernetes-provider/property-values.ts";
import { checkValue } from "./check-value.ts";
import { functionTypes, resourceTypes, type PackageName } from "./token-types.ts";

/** What is wrong with inputs of a resource, a line each. */
function faults(token: string, inputs: unknown): readonly string[] {
  // the first part of a token is its package
  const { args } = resourceTypes(token.split(":")[0] as PackageName, token);
  return checkValue(args, inputs).map(({ property, reason }) => `${property} ${reason}`);
}

const deployment = {
  apiVersion: "apps/v1",
  kind: "Deployment",
  metadata: { name: "podinfo", labels: { app: "podinfo" } },
  spec: {
    selector: { matchLabels: { app: "podinfo" } },
    template: {
      metadata: { labels: { app: "podinfo" } },
      spec: {
        containers: [
          {
            name: "podinfo",
            image: "podinfo:1.0.0",
            readinessProbe: { httpGet: { path: "/readyz", port: "http" } },
            ports: [{ name: "http", containerPort: 9898 }],
          },
        ],
      },
    },
  },
};

/** The deployment with one thing in its container changed. */
function withContainer(changes: object): unknown {
  const { spec } = deployment;
  const containers = [{ ...spec.template.spec.containers[0], ...changes }];
  const template = { ...spec.template, spec: { containers } };
  return { ...deployment, spec: { ...spec, template } };
}

const cluster = {
  roleArn: "arn:aws:iam::123456789012:role/cluster",
  version: "1.35",
  vpcConfig: { subnetIds: ["subnet-1"], endpointPrivateAccess: true, publicAccessCidrs: [] },
  enabledClusterLogTypes: ["api", "audit"],
  encryptionConfig: { provider: { keyArn: "arn" }, resources: ["secrets"] },
};

const settings = {
  organization: "acme",
  project: "shop",
  stack: "dev",
  sourceContext: { git: { repoUrl: "https://example.com/shop.git", branch: "main" } },
  operationContext: { oidc: { aws: { roleARN: "arn", sessionName: "deploy" } } },
};

const good: readonly (readonly [string, unknown])[] = [
  ["aws:ec2/vpc:Vpc", { cidrBlock: "10.0.0.0/16", enableDnsHostnames: true, tags: { a: "b" } }],
  ["aws:eks/cluster:Cluster", cluster],
  // a document is taken as text and as an object
  ["aws:iam/role:Role", { assumeRolePolicy: "{}" }],
  [
    "aws:iam/role:Role",
    {
      assumeRolePolicy: {
        Version: "2012-10-17",
        Statement: [{ Effect: "Allow", Principal: { Service: "x" }, Action: ["sts:AssumeRole"] }],
      },
    },
  ],
  ["eks:index:Cluster", { authenticationMode: "API", fargate: true, version: "1.35" }],
  // a resource of another package
  ["eks:index:Cluster", { serviceRole: new Marked("resource", { urn: "urn", id: "role" }) }],
  ["kubernetes:apps/v1:Deployment", deployment],
  [
    "kubernetes:core/v1:Service",
    { spec: { type: "LoadBalancer", ports: [{ port: 80, targetPort: "http" }] } },
  ],
  ["kubernetes:helm.sh/v3:Release", { chart: "x", values: { any: [{ thing: 1 }] } }],
  [
    "kubernetes:gateway.networking.k8s.io/v1:HTTPRoute",
    { apiVersion: "gateway.networking.k8s.io/v1", kind: "HTTPRoute", spec: { anything: 1 } },
  ],
  ["pulumiservice:index:DeploymentSettings", settings],
];

const bad: readonly (readonly [string, unknown, readonly string[]])[] = [
  [
    "aws:ec2/vpc:Vpc",
    { cidrBlok: "10.0.0.0/16", enableDnsHostnames: "yes", tags: { a: 1 } },
    [
      "cidrBlok is no property of VpcArgs; did you mean cidrBlock?",
      'enableDnsHostnames must be a boolean, not the string "yes"',
      "tags.a must be a string, not the number 1",
    ],
  ],
  [
    "aws:eks/cluster:Cluster",
    {
      ...cluster,
      roleArn: undefined,
      vpcConfig: { subnetIds: ["subnet-1", 2], endpointPublicAcces: true },
      encryptionConfig: { provider: {} },
    },
    [
      "vpcConfig.subnetIds[1] must be a string, not the number 2",
      "vpcConfig.endpointPublicAcces is no property of ClusterVpcConfig; did you mean endpointPublicAccess?",
      "encryptionConfig.provider.keyArn is required",
      "encryptionConfig.resources is required",
      "roleArn is required",
    ],
  ],
  [
    "aws:iam/role:Role",
    { assumeRolePolicy: { Version: "2012-10-17", Statement: [{ Effect: "Alow" }] } },
    ['assumeRolePolicy.Statement[0].Effect must be "Allow" or "Deny", not the string "Alow"'],
  ],
  [
    "eks:index:Cluster",
    {
      authenticationMode: "IAM",
      accessEntries: { admin: { principle: "arn" } },
      upgradePolicy: { supportTypes: "STANDARD" },
      clusterSecurityGroup: 7,
    },
    [
      'authenticationMode must be "CONFIG_MAP" or "API" or "API_AND_CONFIG_MAP", not the string "IAM"',
      "accessEntries.admin.principle is no property of AccessEntryArgs; did you mean principalArn?",
      "accessEntries.admin.principalArn is required",
      "upgradePolicy.supportTypes is no property of ClusterUpgradePolicy; did you mean supportType?",
      "clusterSecurityGroup must be a SecurityGroup or its id, not the number 7",
    ],
  ],
  [
    "kubernetes:apps/v1:Deployment",
    withContainer({ image: 3, prots: [], resources: { limits: ["cpu"] } }),
    [
      "spec.template.spec.containers[0].image must be a string, not the number 3",
      "spec.template.spec.containers[0].prots is no property of Container; did you mean ports?",
      "spec.template.spec.containers[0].resources.limits must be an object, not a list",
    ],
  ],
  [
    "kubernetes:apps/v1:Deployment",
    { ...deployment, kind: "DaemonSet", spec: { template: deployment.spec.template } },
    ['kind must be "Deployment", not the string "DaemonSet"', "spec.selector is required"],
  ],
  [
    "kubernetes:core/v1:Service",
    { spec: { ports: [{ targetPort: true }] } },
    [
      "spec.ports[0].targetPort must be a number or a string, not the boolean true",
      "spec.ports[0].port is required",
    ],
  ],
  [
    "kubernetes:helm.sh/v3:Release",
    { values: [], repositoryOpts: { url: "https://example.com" } },
    [
      "values must be an object, not a list",
      "repositoryOpts.url is no property of RepositoryOpts",
      "chart is required",
    ],
  ],
  [
    "kubernetes:appmesh.k8s.aws/v1beta2:Mesh",
    { kind: "Mesh", metadata: { label: {} } },
    ["metadata.label is no property of ObjectMeta; did you mean labels?", "apiVersion is required"],
  ],
  [
    "pulumiservice:index:DeploymentSettings",
    { ...settings, stack: undefined, operationContext: { oidc: { aws: { roleArn: "arn" } } } },
    [
      "operationContext.oidc.aws.roleArn is no property of AWSOIDCConfigurationArgs; did you mean roleARN?",
      "operationContext.oidc.aws.roleARN is required",
      "operationContext.oidc.aws.sessionName is required",
      "stack is required",
    ],
  ],
];

describe("inputs checked against a package's declarations", () => {
  for (const [token, inputs] of good) {
    it(`are taken when right: ${token}`, () => {
      assert.deepEqual(faults(token, inputs), []);
    });
  }

  for (const [token, inputs, expected] of bad) {
    it(`are refused property by property when wrong: ${token}`, () => {
      assert.deepEqual(faults(token, inputs), expected);
    });
  }

  it("may be unknown or secret, and a secret is checked too", () => {
    const token = "aws:ec2/vpc:Vpc";
    assert.deepEqual(faults(token, { cidrBlock: unknownValue, tags: { a: unknownValue } }), []);
    assert.deepEqual(faults(token, { cidrBlock: new Secret("10.0.0.0/16") }), []);
    assert.deepEqual(faults(token, { cidrBlock: new Secret(10) }), [
      "cidrBlock must be a string, not the number 10",
    ]);
  });

  it("are refused for types that a package does not have", () => {
    assert.throws(() => faults("aws:ec2/vpx:Vpx", {}), /declares no aws:ec2\/vpx:Vpx/);
    assert.throws(() => faults("aws:nothing/vpc:Vpc", {}), /declares no aws:nothing/);
    assert.throws(() => faults("kubernetes:apps/v1:Deploymnt", {}), /declares no kubernetes/);
    assert.throws(() => faults("eks:index:Clusters", {}), /declares no eks/);
  });

  it("of functions are read the same way", () => {
    const { args } = functionTypes("aws", "aws:index/getAvailabilityZones:getAvailabilityZones");
    assert.deepEqual(checkValue(args, { state: "available" }), []);
    assert.deepEqual(checkValue(args, { stat: "available" }), [
      {
        property: "stat",
        reason: "is no property of GetAvailabilityZonesArgs; did you mean state?",
      },
    ]);
  });
});
