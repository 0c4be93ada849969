import assert from "node:assert/strict";
import * as aws from "@pulumi/aws";
import * as eks from "@pulumi/eks";
import * as kubernetes from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
import { pulumiEnvironment } from "../../../tools/environment.ts";
import { progressTo } from "../../../tools/progress.ts";
import { TestStack } from "../kubernetes-provider/test-stack.ts";
import { startTypedProviders, type TypedProviders } from "./start.ts";

describe("an engine with the typed stand-ins", function () {
  this.timeout(120_000);
  let providers: TypedProviders;
  let stack: TestStack;

  before(async () => {
    providers = await startTypedProviders(["aws", "eks", "kubernetes", "pulumiservice"]);
    const progress = progressTo(process.stderr);
    const env = await pulumiEnvironment({ program: "inline", progress });
    stack = await TestStack.create({ ...env, ...providers.env });
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
    assert.deepEqual(again.result?.summary.resourceChanges, { same: 13 });
    const refreshed = await stack.refresh();
    assert.equal(refreshed.errors, "");
    const destroyed = await stack.destroy();
    assert.equal(destroyed.errors, "");
    assert.deepEqual(await stack.resources(), []);
  });
});
