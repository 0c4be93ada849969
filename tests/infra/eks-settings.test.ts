import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { ContractError, parse } from "../../infra/contract.ts";
import { architectureOf, eksPlatformWritten } from "../../infra/eks-contract.ts";

const base = {
  target: "eks",
  region: "eu-central-1",
  namespace: { name: "shop" },
  router: { kind: "gateway-api", profile: "envoy-gateway", gateway: { name: "in" }, install: {} },
  prometheus: { deploy: {} },
};

/** The message for settings that differ from {@link base}; empty when they are right. */
function fault(changes: object): string {
  try {
    parse(eksPlatformWritten, { ...base, ...changes }, "upramp:platform");
    return "";
  } catch (error) {
    assert.ok(error instanceof ContractError, String(error));
    return error.message;
  }
}
const network = (written: object): string => fault({ network: written });
const cluster = (written: object): string => fault({ cluster: written });

describe("the settings of a platform on EKS", () => {
  it("are refused in the words that docs/eks.md shows", () => {
    const guide = readFileSync(join(import.meta.dirname, "../../docs/eks.md"), "utf8");
    const message = fault({ region: "eu-central-9", network: { cidr: "10.0.0.0/24" } });
    assert.equal(message.split("\n").length, 2);
    assert.ok(guide.includes(message), message);
  });

  it("of a cluster have a row each in docs/eks.md", () => {
    const guide = readFileSync(join(import.meta.dirname, "../../docs/eks.md"), "utf8");
    const { place } = parse(eksPlatformWritten, base, "upramp:platform");
    const keys = Object.keys(place.cluster);
    assert.ok(keys.length > 5);
    for (const key of keys) assert.ok(guide.includes(`| \`cluster.${key}`), key);
  });

  it("need a region and a namespace alone beside router and Prometheus", () => {
    assert.equal(fault({}), "");
    const settings = parse(eksPlatformWritten, base, "upramp:platform");
    const { place, platform, protect } = settings;
    assert.ok(place.kind === "own" && place.network.kind === "own");
    assert.equal(place.network.cidr, "10.0.0.0/16");
    assert.deepEqual(place.cluster.publicAccessCidrs, []);
    assert.equal(place.cluster.support, "standard");
    assert.deepEqual(
      [protect, platform.metricsServer, platform.target],
      [true, true, "kubernetes"],
    );
  });

  it("name a region that there is", () => {
    assert.match(
      fault({ region: "eu-central-9" }),
      /platform\.region = "eu-central-9": is not a region/,
    );
    assert.match(fault({ region: undefined }), /platform\.region: is not set/);
  });

  it("give the network addresses that can be cut up, and Services others", () => {
    assert.match(
      network({ cidr: "10.0.0.0/24" }),
      /network\.cidr = "10\.0\.0\.0\/24": is too small for 3 zones.*take \/22/,
    );
    assert.match(
      network({ cidr: "10.0.0.0/12" }),
      /cidr = "10\.0\.0\.0\/12": is larger than AWS allows/,
    );
    assert.match(network({ cidr: "10.0.0.1/16" }), /cidr = "10\.0\.0\.1\/16": is no block/);
    assert.match(
      network({ serviceCidr: "10.0.128.0/20" }),
      /serviceCidr = .*: overlaps network\.cidr 10\.0\.0\.0\/16/,
    );
    assert.match(
      network({ serviceCidr: "8.8.8.0/24" }),
      /serviceCidr = .*: has to be from \/12 to \/24/,
    );
    assert.equal(network({ serviceCidr: "172.20.0.0/16", cidr: "10.0.0.0/22" }), "");
  });

  it("name zones once, and few enough", () => {
    assert.match(network({ zones: 5 }), /zones = 5: is not from 2 to 4/);
    assert.match(
      network({ zones: ["eu-central-1a", "eu-central-1a"] }),
      /zones: names one zone twice/,
    );
  });

  it("are of a network that is made or of one that is there", () => {
    const vpcId = "vpc-0123456789abcdef0";
    const privateSubnetIds = ["subnet-0123456789abcdef0", "subnet-0123456789abcdef1"];
    assert.equal(network({ vpcId, privateSubnetIds }), "");
    assert.match(network({ vpcId }), /privateSubnetIds: is not set/);
    assert.match(network({ privateSubnetIds }), /privateSubnetIds: is of a VPC that is there/);
    assert.match(
      network({ vpcId, privateSubnetIds, cidr: "10.0.0.0/16", nat: "single" }),
      /cidr = .*remove it.*\n.*nat = /,
    );
    assert.match(
      network({ vpcId, privateSubnetIds, publicSubnetIds: privateSubnetIds }),
      /publicSubnetIds: names subnet-/,
    );
    assert.match(network({ vpcId: "vpc-xyz" }), /vpcId = "vpc-xyz": is not the ID/);
  });

  it("take a version that EKS has, as text", () => {
    assert.match(
      cluster({ version: "1.29" }),
      /cluster\.version = "1\.29": is not a version .*1\.32, .*1\.36/,
    );
    assert.match(cluster({ version: 1.35 }), /cluster\.version = 1\.35: .*in quotes/);
    assert.match(cluster({ version: "1.32" }), /version = "1\.32": is past AWS's standard support/);
    assert.equal(cluster({ version: "1.32", support: "extended" }), "");
  });

  it("open the API server to the internet only when told so", () => {
    assert.match(
      cluster({ publicAccessCidrs: ["0.0.0.0/0"] }),
      /publicAccessCidrs\[0\] = "0\.0\.0\.0\/0": lets the whole internet/,
    );
    assert.equal(
      cluster({ publicAccessCidrs: ["0.0.0.0/0"], allowPublicAccessFromAnywhere: true }),
      "",
    );
    assert.match(
      cluster({ publicAccessCidrs: ["203.0.113.7"] }),
      /publicAccessCidrs\[0\] = "203\.0\.113\.7": is no block/,
    );
  });

  it("describe one group of nodes, or leave them to Auto Mode", () => {
    const nodes = (written: object): string => cluster({ nodes: written });
    assert.match(cluster({ autoMode: true, nodes: {} }), /cluster\.nodes: are chosen by Auto Mode/);
    assert.match(nodes({ min: 4, max: 3 }), /nodes\.max = 3: is below min 4/);
    assert.match(nodes({ desired: 9 }), /nodes\.desired = 9: is not from 2 to 6/);
    assert.match(
      nodes({ instanceTypes: ["m7i.large", "m7g.large"] }),
      /instanceTypes: mix Arm and x86/,
    );
    assert.match(
      nodes({ instanceTypes: ["large"] }),
      /instanceTypes\[0\] = "large": is not an instance type/,
    );
    assert.deepEqual(
      ["m7g.large", "t4g.small", "g5g.xlarge", "m7i.large", "g4dn.xlarge", "u-6tb1.112xlarge"].map(
        architectureOf,
      ),
      ["arm64", "arm64", "arm64", "x86_64", "x86_64", "x86_64"],
    );
  });

  it("use a key in the cluster's own region", () => {
    const encryptionKeyArn = "arn:aws:kms:us-east-1:123456789012:key/abc-1";
    assert.match(
      cluster({ encryptionKeyArn }),
      /encryptionKeyArn = .*: is in another region than eu-central-1/,
    );
  });

  it("give people rights by name", () => {
    const principalArn = "arn:aws:iam::123456789012:role/developers";
    const access = (written: object): string => cluster({ access: { people: written } });
    assert.equal(access({ principalArn, role: "edit", namespaces: ["shop"] }), "");
    assert.match(
      access({ principalArn: "developers", role: "view" }),
      /access\.people\.principalArn = "developers": is not the ARN/,
    );
    assert.match(access({ principalArn, role: "root" }), /access\.people\.role = "root"/);
  });

  it("say of a cluster that is there nothing that it has already", () => {
    assert.equal(cluster({ existing: "shop" }), "");
    assert.match(
      cluster({ existing: "shop", version: "1.35" }),
      /cluster: Unrecognized key: "version"/,
    );
    assert.match(
      fault({ cluster: { existing: "shop" }, network: {} }),
      /platform\.network: is that of cluster\.existing/,
    );
    const settings = parse(eksPlatformWritten, { ...base, cluster: { existing: "shop" } }, "x");
    assert.equal(settings.platform.metricsServer, false);
  });

  it("are refused with everything that is wrong, each with its key", () => {
    const message = fault({
      region: "mars-1",
      network: { cidr: "10.0.0.0/26", serviceCidr: "10.0.0.0/20" },
      cluster: { version: "1.20", publicAccessCidrs: ["0.0.0.0/40"], nodes: { min: "two" } },
      protect: "no",
      tags: { "aws:x": "y" },
      router: { ...base.router, install: { vpcId: "vpc-0123456789abcdef0" } },
      prometheus: { amp: {} },
      surprise: 1,
    });
    for (const key of [
      "region",
      "network.cidr",
      "network.serviceCidr",
      "cluster.version",
      "cluster.publicAccessCidrs[0]",
      "cluster.nodes.min",
      "protect",
      "tags.aws:x",
      "router.install.vpcId",
      "prometheus.amp.workspaceId",
    ]) {
      assert.ok(message.includes(`upramp:platform.${key}`), `${key} is not in:\n${message}`);
    }
    assert.match(message, /surprise/);
  });
});
