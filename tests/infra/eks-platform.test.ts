import assert from "node:assert/strict";
import { z } from "zod";
import { ContractError } from "../../infra/contract.ts";
import { declareEks, oidcProviderArn, type Graph, type GraphResource } from "./eks-graph.ts";

const cluster = "eks:index:Cluster platform-cluster";
const nodes = "aws:eks/nodeGroup:NodeGroup platform-cluster-nodes";
const vpc = "aws:ec2/vpc:Vpc platform-network-vpc";
const provider = "pulumi:providers:kubernetes platform-kubernetes";

const existingVpc = {
  vpcId: "vpc-0123456789abcdef0",
  privateSubnetIds: ["subnet-0123456789abcdef0", "subnet-0123456789abcdef1"],
  publicSubnetIds: ["subnet-0123456789abcdef2"],
};

function at({ resources }: Graph, key: string): GraphResource {
  const found = resources.get(key);
  assert.ok(found, `no ${key} among\n${[...resources.keys()].join("\n")}`);
  return found;
}

/** Names of the resources of a type, by the end of its name. */
function namesOf({ resources }: Graph, type: string): string[] {
  return [...resources.values()]
    .filter((one) => new RegExp(`[:/]${type}$`).test(one.type))
    .map(({ name }) => name)
    .toSorted();
}

/** Checks some of a resource's inputs. */
function assertInputs(
  graph: Graph,
  key: string,
  expected: Readonly<Record<string, unknown>>,
): void {
  const { inputs } = at(graph, key);
  const seen = Object.fromEntries(Object.keys(expected).map((name) => [name, inputs[name]]));
  assert.deepEqual(seen, expected);
}

function textAt(graph: Graph, key: string, input: string): string {
  return z.string().parse(at(graph, key).inputs[input]);
}

const trustSchema = z.object({
  Statement: z.tuple([
    z.object({
      Action: z.string(),
      Principal: z.record(z.string(), z.string()),
      Condition: z.unknown().optional(),
    }),
  ]),
});

function trustOf(graph: Graph, name: string): z.output<typeof trustSchema>["Statement"][0] {
  const text = textAt(graph, `aws:iam/role:Role ${name}`, "assumeRolePolicy");
  return trustSchema.parse(JSON.parse(text)).Statement[0];
}

describe("the platform of target eks", () => {
  describe("with a network and a cluster of its own", () => {
    let graph: Graph;
    before(async () => {
      graph = await declareEks({ tags: { team: "shop" } });
    });

    it("says what services need, as a platform of target kubernetes does", () => {
      const { target, cluster: access, eks, namespace } = graph.outputs;
      assert.deepEqual([target, namespace], ["kubernetes", "shop"]);
      assert.deepEqual(eks, { clusterName: "upramp-dev", region: "eu-central-1" });
      const { users, clusters } = z
        .object({
          users: z.tuple([z.object({ user: z.object({ exec: z.looseObject({}) }) })]),
          clusters: z.tuple([z.object({ cluster: z.looseObject({}) })]),
        })
        .parse(JSON.parse(access.kubeconfig ?? ""));
      assert.equal(clusters[0].cluster["server"], "https://made.example.com");
      assert.deepEqual(Object.keys(users[0].user), ["exec"], "a kubeconfig without a secret");
      assert.deepEqual(users[0].user.exec["args"], [
        "eks",
        "get-token",
        "--cluster-name",
        "upramp-dev",
        "--region",
        "eu-central-1",
      ]);
    });

    it("has a public and a private subnet in the first zones, with tags for load balancers", () => {
      const zones = ["a", "b", "c"].map((letter) => `eu-central-1${letter}`);
      const subnets = zones.flatMap((zone) => [
        `platform-network-private-${zone}`,
        `platform-network-public-${zone}`,
      ]);
      assert.deepEqual(namesOf(graph, "Subnet"), subnets.toSorted());
      const subnet = "aws:ec2/subnet:Subnet platform-network";
      assertInputs(graph, `${subnet}-private-eu-central-1b`, {
        availabilityZone: "eu-central-1b",
        cidrBlock: "10.0.64.0/18",
        tags: {
          Name: "platform-network-private-eu-central-1b",
          "kubernetes.io/role/internal-elb": "1",
        },
      });
      assertInputs(graph, `${subnet}-public-eu-central-1c`, {
        cidrBlock: "10.0.224.0/20",
        tags: { Name: "platform-network-public-eu-central-1c", "kubernetes.io/role/elb": "1" },
      });
      assertInputs(
        graph,
        "aws:ec2/defaultSecurityGroup:DefaultSecurityGroup platform-network-default",
        {
          ingress: undefined,
          egress: undefined,
        },
      );
    });

    it("leads private subnets out by one NAT gateway, and public ones by the internet gateway", () => {
      assert.deepEqual(namesOf(graph, "NatGateway"), ["platform-network-nat"]);
      assertInputs(graph, "aws:ec2/route:Route platform-network-private", {
        destinationCidrBlock: "0.0.0.0/0",
        natGatewayId: "platform-network-nat-id",
        gatewayId: undefined,
      });
      assertInputs(graph, "aws:ec2/route:Route platform-network-public", {
        gatewayId: "platform-network-internet-id",
        natGatewayId: undefined,
      });
      for (const zone of ["a", "b", "c"]) {
        const name = `platform-network-private-eu-central-1${zone}`;
        const key = `aws:ec2/routeTableAssociation:RouteTableAssociation ${name}`;
        assertInputs(graph, key, { routeTableId: "platform-network-private-id" });
      }
    });

    it("encrypts, limits and logs the control plane", () => {
      assertInputs(graph, cluster, {
        version: "1.35",
        authenticationMode: "API",
        endpointPrivateAccess: true,
        endpointPublicAccess: false,
        publicAccessCidrs: undefined,
        encryptionConfigKeyArn: "arn:aws:test:::platform-cluster-secrets",
        enabledClusterLogTypes: ["api", "audit", "authenticator", "controllerManager", "scheduler"],
        createOidcProvider: true,
        skipDefaultNodeGroup: true,
        skipDefaultSecurityGroups: true,
        bootstrapSelfManagedAddons: false,
        upgradePolicy: { supportType: "STANDARD" },
        tags: { team: "shop", "upramp:stack": "organization/upramp/dev" },
      });
      assertInputs(graph, "aws:kms/key:Key platform-cluster-secrets", { enableKeyRotation: true });
      const logs = "aws:cloudwatch/logGroup:LogGroup platform-cluster-logs";
      assertInputs(graph, logs, { name: "/aws/eks/upramp-dev/cluster", retentionInDays: 90 });
      assert.ok(at(graph, cluster).dependsOn.includes(logs), "else EKS makes a group of its own");
    });

    it("has nodes with encrypted disks, whose rights no pod can take", () => {
      const template = "aws:ec2/launchTemplate:LaunchTemplate platform-cluster-nodes";
      assertInputs(graph, template, {
        metadataOptions: {
          httpEndpoint: "enabled",
          httpTokens: "required",
          httpPutResponseHopLimit: 1,
        },
      });
      const disks = z
        .array(z.object({ ebs: z.looseObject({ encrypted: z.string() }) }))
        .parse(at(graph, template).inputs["blockDeviceMappings"]);
      assert.deepEqual(
        disks.map(({ ebs }) => ebs.encrypted),
        ["true"],
      );
      assertInputs(graph, nodes, {
        amiType: "AL2023_x86_64_STANDARD",
        capacityType: "ON_DEMAND",
        scalingConfig: { minSize: 2, maxSize: 6, desiredSize: 2 },
        subnetIds: ["a", "b", "c"].map((zone) => `platform-network-private-eu-central-1${zone}-id`),
      });
      assert.deepEqual(at(graph, nodes).ignoreChanges, ["scalingConfig.desiredSize"]);
      assert.deepEqual(
        namesOf(graph, "RolePolicyAttachment").filter((name) => name.includes("-nodes-")),
        [
          "platform-cluster-nodes-AmazonEC2ContainerRegistryPullOnly",
          "platform-cluster-nodes-AmazonEKSWorkerNodePolicy",
        ],
      );
      assert.deepEqual(trustOf(graph, "platform-cluster-nodes").Principal, {
        Service: "ec2.amazonaws.com",
      });
    });

    it("gives the network add-on a role of its own", () => {
      assert.deepEqual(namesOf(graph, "Addon"), [
        "platform-cluster-coredns",
        "platform-cluster-kube-proxy",
        "platform-cluster-vpc-cni",
      ]);
      const { Action, Principal, Condition } = trustOf(graph, "platform-cluster-vpc-cni-role");
      assert.equal(Action, "sts:AssumeRoleWithWebIdentity");
      assert.deepEqual(Principal, { Federated: oidcProviderArn });
      const [, issuer = ""] = oidcProviderArn.split("oidc-provider/");
      assert.deepEqual(Condition, {
        StringEquals: {
          [`${issuer}:aud`]: "sts.amazonaws.com",
          [`${issuer}:sub`]: "system:serviceaccount:kube-system:aws-node",
        },
      });
    });

    it("waits: networks before nodes, nodes before Deployments, all before what is on the cluster", () => {
      const addon = (name: string): string => `aws:eks/addon:Addon platform-cluster-${name}`;
      const { dependsOn } = at(graph, nodes);
      for (const key of [cluster, addon("vpc-cni"), addon("kube-proxy")]) {
        assert.ok(dependsOn.includes(key), key);
      }
      assert.ok(dependsOn.includes("aws:ec2/route:Route platform-network-private"));
      assert.ok(at(graph, addon("coredns")).dependsOn.includes(nodes));
      for (const key of [nodes, addon("coredns")]) {
        assert.ok(at(graph, provider).dependsOn.includes(key), key);
      }
    });

    it("is a tree of components", () => {
      const parents = {
        "upramp:platform:EksNetwork platform-network": "upramp:platform:EksPlatform platform",
        "upramp:platform:EksCluster platform-cluster": "upramp:platform:EksPlatform platform",
        "upramp:platform:KubernetesPlatform platform": "upramp:platform:EksPlatform platform",
        [vpc]: "upramp:platform:EksNetwork platform-network",
        [cluster]: "upramp:platform:EksCluster platform-cluster",
        "kubernetes:core/v1:Namespace platform-namespace":
          "upramp:platform:KubernetesPlatform platform",
      };
      for (const [key, parent] of Object.entries(parents)) {
        assert.equal(at(graph, key).parent, parent, key);
      }
    });

    it("protects what is hard to have back, unless told otherwise", async () => {
      const protectedOf = ({ resources }: Graph): string[] =>
        [...resources].filter(([, one]) => one.isProtected).map(([key]) => key);
      const key = "aws:kms/key:Key platform-cluster-secrets";
      assert.deepEqual(protectedOf(graph).toSorted(), [vpc, key, cluster].toSorted());
      assert.ok(at(graph, "aws:cloudwatch/logGroup:LogGroup platform-cluster-logs").isRetained);
      const open = await declareEks({ protect: false });
      assert.deepEqual(protectedOf(open), []);
      assert.ok(!at(open, "aws:cloudwatch/logGroup:LogGroup platform-cluster-logs").isRetained);
    });

    it("has the region and its tags on everything of AWS", () => {
      const { inputs } = at(graph, "pulumi:providers:aws aws");
      assert.equal(inputs["region"], "eu-central-1");
      // the inputs of providers are text
      assert.deepEqual(JSON.parse(z.string().parse(inputs["defaultTags"])), {
        tags: { team: "shop", "upramp:stack": "organization/upramp/dev" },
      });
    });
  });

  it("has a NAT gateway and a table in each zone where it is told to", async () => {
    const zones = ["eu-central-1c", "eu-central-1a"];
    const graph = await declareEks({ network: { nat: "perZone", zones } });
    const names = zones.map((zone) => `platform-network-nat-${zone}`).toSorted();
    assert.deepEqual(namesOf(graph, "NatGateway"), names);
    assert.deepEqual(namesOf(graph, "Eip"), names);
    for (const zone of zones) {
      const name = `platform-network-private-${zone}`;
      assertInputs(graph, `aws:ec2/routeTableAssociation:RouteTableAssociation ${name}`, {
        routeTableId: `${name}-id`,
      });
      assertInputs(graph, `aws:ec2/route:Route ${name}`, {
        natGatewayId: `platform-network-nat-${zone}-id`,
      });
      assertInputs(graph, `aws:ec2/natGateway:NatGateway platform-network-nat-${zone}`, {
        subnetId: `platform-network-public-${zone}-id`,
      });
    }
  });

  it("puts the cluster into a VPC that is there, and makes nothing in it", async () => {
    const graph = await declareEks({ network: { ...existingVpc, serviceCidr: "172.20.0.0/16" } });
    for (const type of ["Vpc", "Subnet", "NatGateway", "RouteTable"]) {
      assert.deepEqual(namesOf(graph, type), [], type);
    }
    assertInputs(graph, cluster, {
      ...existingVpc,
      kubernetesServiceIpAddressRange: "172.20.0.0/16",
    });
    assertInputs(graph, nodes, { subnetIds: existingVpc.privateSubnetIds });
  });

  it("leaves nodes and their add-ons to Auto Mode", async () => {
    const graph = await declareEks({
      cluster: { autoMode: true },
      prometheus: { deploy: { volume: { size: "20Gi" } } },
    });
    for (const type of ["NodeGroup", "LaunchTemplate", "Addon", "role:Role"]) {
      assert.deepEqual(namesOf(graph, type), [], type);
    }
    assertInputs(graph, cluster, {
      // the role of the nodes is EKS's own default
      autoMode: { enabled: true, createNodeRole: true },
      bootstrapSelfManagedAddons: undefined,
    });
    assert.deepEqual(at(graph, provider).dependsOn, [cluster]);
    assertInputs(graph, "kubernetes:storage.k8s.io/v1:StorageClass platform-storage-class", {
      provisioner: "ebs.csi.eks.amazonaws.com",
    });
  });

  it("has its namespace protected where that is asked for", async () => {
    for (const protect of [false, true]) {
      const graph = await declareEks({ namespace: { name: "shop", protect } });
      const namespace = at(graph, "kubernetes:core/v1:Namespace platform-namespace");
      assert.equal(namespace.isProtected, protect);
    }
  });

  it("brings disks only for a Prometheus that keeps data", async () => {
    const without = await declareEks({ prometheus: { deploy: {} } });
    assert.ok(!namesOf(without, "Addon").includes("platform-cluster-aws-ebs-csi-driver"));
    assert.deepEqual(namesOf(without, "StorageClass"), []);
    const graph = await declareEks({ prometheus: { deploy: { volume: { size: "20Gi" } } } });
    const addon = "aws:eks/addon:Addon platform-cluster-aws-ebs-csi-driver";
    assertInputs(graph, addon, {
      serviceAccountRoleArn: "arn:aws:test:::platform-cluster-aws-ebs-csi-driver-role",
    });
    assert.ok(at(graph, addon).dependsOn.includes(nodes));
    assertInputs(graph, "kubernetes:storage.k8s.io/v1:StorageClass platform-storage-class", {
      provisioner: "ebs.csi.aws.com",
      parameters: { type: "gp3", encrypted: "true" },
    });
  });

  it("opens the API server to the blocks that are named, and to whom is named", async () => {
    const principalArn = "arn:aws:iam::123456789012:role/developers";
    const graph = await declareEks({
      cluster: {
        name: "shop",
        publicAccessCidrs: ["203.0.113.0/24"],
        access: {
          developers: { principalArn, role: "edit", namespaces: ["shop"] },
          admins: { principalArn, role: "clusterAdmin" },
        },
        encryptionKeyArn: "arn:aws:kms:eu-central-1:123456789012:key/own",
        nodes: { instanceTypes: ["m7g.large"], capacity: "spot", desired: 3 },
      },
    });
    const policy = "arn:aws:eks::aws:cluster-access-policy";
    assertInputs(graph, cluster, {
      name: "shop",
      endpointPublicAccess: true,
      publicAccessCidrs: ["203.0.113.0/24"],
      encryptionConfigKeyArn: "arn:aws:kms:eu-central-1:123456789012:key/own",
      accessEntries: {
        developers: {
          principalArn,
          accessPolicies: {
            edit: {
              policyArn: `${policy}/AmazonEKSEditPolicy`,
              accessScope: { type: "namespace", namespaces: ["shop"] },
            },
          },
        },
        admins: {
          principalArn,
          accessPolicies: {
            clusterAdmin: {
              policyArn: `${policy}/AmazonEKSClusterAdminPolicy`,
              accessScope: { type: "cluster" },
            },
          },
        },
      },
    });
    assert.deepEqual(namesOf(graph, "Key"), []);
    assertInputs(graph, nodes, {
      amiType: "AL2023_ARM_64_STANDARD",
      capacityType: "SPOT",
      scalingConfig: { minSize: 2, maxSize: 6, desiredSize: 3 },
    });
  });

  it("uses the names of AWS's other partition in China", async () => {
    const zones = ["cn-north-1a", "cn-north-1b"];
    const graph = await declareEks(
      { region: "cn-north-1", network: { zones } },
      { "aws:index/getAvailabilityZones:getAvailabilityZones": () => ({ names: zones }) },
    );
    const attachment =
      "aws:iam/rolePolicyAttachment:RolePolicyAttachment platform-cluster-nodes-AmazonEKSWorkerNodePolicy";
    assertInputs(graph, attachment, {
      policyArn: "arn:aws-cn:iam::aws:policy/AmazonEKSWorkerNodePolicy",
    });
    assert.deepEqual(trustOf(graph, "platform-cluster-nodes").Principal, {
      Service: "ec2.amazonaws.com.cn",
    });
  });

  describe("on a cluster that is there", () => {
    it("makes nothing of AWS, and says how the cluster is reached", async () => {
      const graph = await declareEks({ cluster: { existing: "shop" } });
      const made = [...graph.resources.values()].filter(({ type }) => /^(aws|eks):/.test(type));
      assert.deepEqual(made, []);
      assert.deepEqual(graph.outputs.eks, { clusterName: "shop", region: "eu-central-1" });
      assert.match(graph.outputs.cluster.kubeconfig ?? "", /https:\/\/127\.0\.0\.1:9/);
      assert.deepEqual(namesOf(graph, "Release"), [], "it may have a metrics server");
    });

    it("makes what IAM knows it by where it is told to", async () => {
      const graph = await declareEks({ cluster: { existing: "shop", createOidcProvider: true } });
      assertInputs(graph, "aws:iam/openIdConnectProvider:OpenIdConnectProvider platform-oidc", {
        clientIdLists: ["sts.amazonaws.com"],
      });
    });

    it("says what to do when AWS knows no such cluster, or IAM not its issuer", async () => {
      const missing = (): never => {
        throw new Error("ResourceNotFoundException");
      };
      const refused = (token: string, message: RegExp): Promise<void> =>
        assert.rejects(
          declareEks({ cluster: { existing: "shop" } }, { [token]: missing }),
          (error: unknown) => error instanceof ContractError && message.test(error.message),
        );
      await refused(
        "aws:eks/getCluster:getCluster",
        /cluster\.existing = "shop": AWS tells nothing of such a cluster in eu-central-1/,
      );
      await refused(
        "aws:iam/getOpenIdConnectProvider:getOpenIdConnectProvider",
        /cluster\.existing = "shop": IAM has no OIDC provider .*createOidcProvider: true/,
      );
    });
  });

  it("refuses zones that the account does not have", async () => {
    await assert.rejects(
      declareEks({ network: { zones: 4 } }),
      /network\.zones = 4: eu-central-1 has 3 for this account \(eu-central-1a, .*\): take fewer/,
    );
    await assert.rejects(
      declareEks({ network: { zones: ["eu-central-1a", "eu-west-1a"] } }),
      /network\.zones: this account has no eu-west-1a in eu-central-1/,
    );
  });

  describe("hands the cluster to the parts on it", () => {
    const routers = {
      "envoy-gateway": { releases: ["gateway-helm"], roles: [] },
      istio: { releases: ["base", "cni", "istiod", "ztunnel"], roles: [] },
      "vpc-lattice": {
        releases: ["aws-gateway-controller-chart"],
        roles: ["platform-aws-gateway-controller-chart-role"],
      },
    };
    const metrics = {
      deployed: { written: { deploy: {} }, roles: [], workspaces: [] },
      amp: {
        written: { amp: { create: true } },
        roles: ["platform-prometheus-role"],
        workspaces: ["platform-workspace"],
      },
    };
    for (const [profile, router] of Object.entries(routers)) {
      for (const [kind, asked] of Object.entries(metrics)) {
        it(`${profile}, metrics ${kind}`, async () => {
          const graph = await declareEks({
            router: { kind: "gateway-api", profile, gateway: { name: "in" }, install: {} },
            prometheus: asked.written,
          });
          const charts = [...graph.resources.values()]
            .filter(({ type }) => type.endsWith(":Release"))
            .map(({ inputs }) => String(inputs["chart"]).split("/").at(-1) ?? "")
            .filter((chart) => chart !== "metrics-server");
          assert.deepEqual(charts.toSorted(), router.releases);
          assert.deepEqual(namesOf(graph, "Workspace"), asked.workspaces);
          const roles = namesOf(graph, "role:Role").filter(
            (name) => !name.startsWith("platform-cluster"),
          );
          assert.deepEqual(roles, [...router.roles, ...asked.roles].toSorted());
          for (const name of roles) {
            assert.deepEqual(trustOf(graph, name).Principal, { Federated: oidcProviderArn }, name);
          }
        });
      }
    }
  });
});
