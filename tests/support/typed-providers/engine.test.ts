import assert from "node:assert/strict";
import * as aws from "@pulumi/aws";
import * as eks from "@pulumi/eks";
import * as kubernetes from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
import { TestStack } from "../kubernetes-provider/test-stack.ts";
import { startTypedEngine, type TypedProviders } from "./start.ts";

describe("an engine with the typed stand-ins", function () {
  this.timeout(120_000);
  let providers: TypedProviders;
  let stack: TestStack;

  before(async () => {
    providers = await startTypedEngine(["aws", "eks", "kubernetes", "pulumiservice"]);
    stack = await TestStack.create(providers.env);
  });
  after(async () => {
    await stack?.remove();
    await providers?.stop();
  });

  async function program(): Promise<pulumi.Output<unknown>> {
    const provider = new aws.Provider("aws", {
      region: "eu-west-1",
      defaultTags: { tags: { project: "test" } },
    });
    const zones = await aws.getAvailabilityZones({ state: "available" }, { provider });
    const vpc = new aws.ec2.Vpc("vpc", { cidrBlock: "10.0.0.0/16" }, { provider });
    const subnets = zones.names.map(
      (availabilityZone, index) =>
        new aws.ec2.Subnet(
          `subnet-${index}`,
          { vpcId: vpc.id, availabilityZone, cidrBlock: `10.0.${index}.0/24` },
          { provider },
        ),
    );
    const cluster = new eks.Cluster(
      "cluster",
      {
        vpcId: vpc.id,
        subnetIds: subnets.map(({ id }) => id),
        skipDefaultNodeGroup: true,
        authenticationMode: eks.AuthenticationMode.Api,
        createOidcProvider: true,
        accessEntries: {
          admin: {
            principalArn: "arn:aws:iam::123456789012:role/admin",
            accessPolicies: {
              all: {
                accessScope: { type: "cluster" },
                policyArn: "arn:aws:eks::aws:cluster-access-policy/AmazonEKSAdminPolicy",
              },
            },
          },
        },
      },
      { providers: { aws: provider } },
    );
    const inCluster = new kubernetes.Provider("cluster", { kubeconfig: cluster.kubeconfigJson });
    const options = { provider: inCluster };
    const namespace = new kubernetes.core.v1.Namespace("shop", {}, options);
    new kubernetes.helm.v3.Release(
      "gateway",
      { chart: "gateway-helm", version: "1.9.1", namespace: namespace.metadata.name },
      options,
    );
    return pulumi.output({
      arn: vpc.arn,
      issuer: cluster.oidcIssuer,
      endpoint: cluster.eksCluster.endpoint,
      cluster: cluster.eksCluster.name,
      oidc: cluster.oidcProviderArn,
      namespace: namespace.metadata.name,
    });
  }

  it("previews, makes, keeps and destroys what is right", async () => {
    const preview = await stack.preview(async () => ({ all: await program() }));
    assert.equal(preview.errors, "");
    const { result, errors } = await stack.up(async () => ({ all: await program() }));
    assert.equal(errors, "");
    const outputs = result?.outputs["all"]?.value as Readonly<Record<string, string>>;
    assert.match(
      outputs["arn"] ?? "",
      /^arn:aws:ec2:eu-west-1:123456789012:vpc\/vpc-[0-9a-f]{17}$/,
    );
    assert.match(
      outputs["issuer"] ?? "",
      /^oidc\.eks\.eu-west-1\.amazonaws\.com\/id\/[0-9A-F]{32}$/,
    );
    assert.equal(outputs["oidc"], `arn:aws:iam::123456789012:oidc-provider/${outputs["issuer"]}`);
    assert.match(outputs["endpoint"] ?? "", /^https:\/\/[0-9A-F]{32}\.gr7\.eu-west-1\.eks/);
    assert.match(outputs["namespace"] ?? "", /^shop-[0-9a-f]{8}$/);
    const again = await stack.up(async () => ({ all: await program() }));
    assert.deepEqual(again.result?.summary.resourceChanges, { same: 15 });
    const refreshed = await stack.refresh();
    assert.equal(refreshed.errors, "");
    const destroyed = await stack.destroy();
    assert.equal(destroyed.errors, "");
    assert.deepEqual(await stack.resources(), []);
  });

  /** What an engine says of a program that it does not take. */
  async function refusal(declare: (provider: aws.Provider) => void): Promise<string> {
    const { errors } = await stack.up(async () => {
      declare(new aws.Provider("aws", { region: "eu-west-1" }));
    });
    const made = (await stack.resources()).filter(({ type }) => /^(aws|eks):/.test(type));
    assert.deepEqual(made, []);
    return errors;
  }

  it("names the properties of a resource that are wrong, and makes nothing", async () => {
    const errors = await refusal((provider) => {
      // as from configuration that nobody checked
      const args = {
        ingress: [{ protocl: "tcp", fromPort: "80", toPort: 80 }],
      } as unknown as aws.ec2.SecurityGroupArgs;
      new aws.ec2.SecurityGroup("group", args, { provider });
    });
    assert.match(
      errors,
      /ingress\[0\]\.protocl .*no property of SecurityGroupIngress; did you mean protocol\?/,
    );
    assert.match(errors, /ingress\[0\]\.fromPort .*: must be a number, not the string "80"/);
    assert.match(errors, /ingress\[0\]\.protocol .*: is required/);
  });

  it("names the properties of a component that are wrong, and makes nothing", async () => {
    const errors = await refusal((provider) => {
      const args = { authenticationMode: "IAM", fargate: 3 } as unknown as eks.ClusterArgs;
      new eks.Cluster("cluster", args, { providers: { aws: provider } });
    });
    assert.match(
      errors,
      /authenticationMode must be "CONFIG_MAP" or .*not the string "IAM"; fargate must be/,
    );
  });

  it("needs a region", async () => {
    const { errors } = await stack.preview(async () => {
      new aws.sqs.Queue("queue", {});
    });
    assert.match(errors, /region .*: is required: set aws:region/);
  });
});
