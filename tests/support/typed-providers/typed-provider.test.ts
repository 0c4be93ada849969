import assert from "node:assert/strict";
import { unknownValue } from "../kubernetes-provider/property-values.ts";
import { checkConfig, parseConfig, TypedProvider } from "./typed-provider.ts";

const aws = new TypedProvider("aws", { region: "eu-west-1" });
const tagging = new TypedProvider("aws", {
  region: "eu-west-1",
  defaultTags: { tags: { a: "default", project: "upramp" } },
});
const kubernetes = new TypedProvider("kubernetes", {});

function target(type: string, name = "shop") {
  return { urn: `urn:pulumi:dev::test::${type}::${name}`, type, name };
}

/** The outputs of a new resource of AWS. */
function made(type: string, inputs: Readonly<Record<string, unknown>>) {
  return aws.make(target(type), inputs, false);
}

describe("what a stand-in makes", () => {
  it("has ids and ARNs in AWS's forms, and what was put in", () => {
    const vpc = made("aws:ec2/vpc:Vpc", { cidrBlock: "10.0.0.0/16", tags: { a: "b" } });
    assert.match(vpc.id, /^vpc-[0-9a-f]{17}$/);
    assert.equal(vpc.outputs["arn"], `arn:aws:ec2:eu-west-1:123456789012:vpc/${vpc.id}`);
    assert.equal(vpc.outputs["cidrBlock"], "10.0.0.0/16");
    assert.deepEqual(vpc.outputs["tagsAll"], { a: "b" });
    const tagged = tagging.make(target("aws:ec2/vpc:Vpc"), { tags: { a: "own" } }, false);
    assert.deepEqual(tagged.outputs["tagsAll"], { a: "own", project: "upramp" });
    const role = made("aws:iam/role:Role", { assumeRolePolicy: "{}", path: "/upramp/", name: "x" });
    assert.equal(role.id, "x");
    assert.equal(role.outputs["arn"], "arn:aws:iam::123456789012:role/upramp/x");
    const url = "https://oidc.example.com/id/1";
    const oidc = made("aws:iam/openIdConnectProvider:OpenIdConnectProvider", { url });
    assert.equal(oidc.id, "arn:aws:iam::123456789012:oidc-provider/oidc.example.com/id/1");
    const china = new TypedProvider("aws", { region: "cn-north-1" });
    const queue = china.make(target("aws:sqs/queue:Queue"), { name: "q" }, false);
    assert.equal(queue.outputs["arn"], "arn:aws-cn:sqs:cn-north-1:123456789012:queue/q");
  });

  it("fills what a cluster has beside its inputs", () => {
    const vpcConfig = { subnetIds: ["subnet-1"], endpointPublicAccess: false };
    const { id, outputs } = made("aws:eks/cluster:Cluster", { name: "c", roleArn: "r", vpcConfig });
    assert.equal(id, "c");
    const { vpcConfig: filled, identities, certificateAuthority } = outputs;
    assert.equal(Reflect.get(Object(filled), "endpointPublicAccess"), false);
    assert.match(String(Reflect.get(Object(filled), "clusterSecurityGroupId")), /^sg-/);
    assert.match(
      JSON.stringify(identities),
      /https:\/\/oidc\.eks\.eu-west-1\.amazonaws\.com\/id\//,
    );
    assert.match(String(Reflect.get(Object(certificateAuthority), "data")), /^[A-Za-z0-9+/=]+$/);
  });

  it("is unknown in a preview, but for the inputs", () => {
    const { id, outputs } = aws.make(target("aws:ec2/vpc:Vpc"), { cidrBlock: "10.0.0.0/16" }, true);
    assert.equal(id, "");
    assert.equal(outputs["arn"], unknownValue);
    assert.equal(outputs["cidrBlock"], "10.0.0.0/16");
  });

  it("stays the same when it is updated", () => {
    const type = "aws:ec2/vpc:Vpc";
    const first = made(type, { cidrBlock: "10.0.0.0/16" });
    const inputs = { cidrBlock: "10.0.0.0/16", tags: { a: "b" } };
    const second = aws.make(target(type), inputs, true, first);
    assert.equal(second.id, first.id);
    assert.equal(second.outputs["arn"], first.outputs["arn"]);
    assert.deepEqual(second.outputs["tags"], { a: "b" });
  });

  it("is an object with a name, and an address where it is reached", () => {
    const type = "kubernetes:core/v1:Service";
    const metadata = { name: "ingress", namespace: "shop" };
    const inputs = { metadata, spec: { type: "LoadBalancer", ports: [{ port: 80 }] } };
    const { id, outputs } = kubernetes.make(target(type), inputs, false);
    assert.equal(id, "shop/ingress");
    assert.deepEqual(outputs["status"], {
      loadBalancer: { ingress: [{ hostname: "ingress.shop.elb.example.com" }] },
    });
    const checked = kubernetes.check(target(type), undefined, {}, undefined, Buffer.from("seed"));
    assert.match(JSON.stringify(checked.inputs), /"name":"shop-[0-9a-f]{8}"/);
  });
});

describe("what a stand-in updates", () => {
  it("is what differs, and what is not known yet", () => {
    const type = target("aws:ec2/vpc:Vpc");
    assert.deepEqual(aws.diff(type, { a: 1, b: { c: [1] } }, { a: 1, b: { c: [1] } }).changed, []);
    assert.deepEqual(aws.diff(type, { a: 1 }, { a: 2, b: 1 }).changed, ["a", "b"]);
    assert.deepEqual(aws.diff(type, { a: 1 }, { a: unknownValue }).changed, ["a"]);
  });

  it("is another object when its name or its namespace is another", () => {
    const type = target("kubernetes:core/v1:Service");
    const [before, after] = ["a", "b"].map((name) => ({ metadata: { name } }));
    assert.deepEqual(kubernetes.diff(type, before ?? {}, after ?? {}).replaces, ["metadata"]);
    assert.deepEqual(kubernetes.diff(type, before ?? {}, { ...before, spec: 1 }).replaces, []);
  });
});

describe("a stand-in's configuration", () => {
  it("needs a region for AWS, and takes lists and objects in JSON", () => {
    const defaultTags = JSON.stringify({ tags: { a: "b" } });
    assert.deepEqual(
      checkConfig("aws", { region: "eu-west-1", defaultTags, version: "7.48.0" }),
      [],
    );
    assert.deepEqual(parseConfig("aws", { defaultTags }), { defaultTags: { tags: { a: "b" } } });
    assert.deepEqual(
      checkConfig("aws", { regoin: "x" }).map(({ property }) => property),
      ["regoin", "region"],
    );
  });

  it("has a kubeconfig that can be read", () => {
    assert.deepEqual(checkConfig("kubernetes", { kubeconfig: unknownValue }), []);
    const [failure] = checkConfig("kubernetes", { kubeconfig: '{"apiVersion": "v1"}' });
    assert.equal(failure?.property, "kubeconfig");
  });
});

describe("functions of AWS", () => {
  it("answer for the provider's region, or for the one that is asked for", () => {
    const zones = "aws:index/getAvailabilityZones:getAvailabilityZones";
    assert.deepEqual(aws.call(zones, {})["names"], ["eu-west-1a", "eu-west-1b", "eu-west-1c"]);
    assert.deepEqual(
      (aws.call(zones, { region: "us-east-2" })["names"] as string[])[0],
      "us-east-2a",
    );
    const caller = aws.call("aws:index/getCallerIdentity:getCallerIdentity", {});
    assert.equal(caller["accountId"], "123456789012");
  });

  it("are refused when they are not known, or asked wrongly", () => {
    assert.throws(() => aws.call("aws:ec2/getAmi:getAmi", {}), /getAmi is not served/);
    assert.throws(
      () => aws.call("aws:index/getRegion:getRegion", { nam: "x" }),
      /nam is no property of GetRegionArgs; did you mean name/,
    );
  });
});
