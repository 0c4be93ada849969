import { DefaultSecurityGroup } from "@pulumi/aws/ec2/defaultSecurityGroup.js";
import { Eip } from "@pulumi/aws/ec2/eip.js";
import { InternetGateway } from "@pulumi/aws/ec2/internetGateway.js";
import { NatGateway } from "@pulumi/aws/ec2/natGateway.js";
import { Route } from "@pulumi/aws/ec2/route.js";
import { RouteTable } from "@pulumi/aws/ec2/routeTable.js";
import { RouteTableAssociation } from "@pulumi/aws/ec2/routeTableAssociation.js";
import { Subnet } from "@pulumi/aws/ec2/subnet.js";
import { Vpc } from "@pulumi/aws/ec2/vpc.js";
import { VpcEndpoint } from "@pulumi/aws/ec2/vpcEndpoint.js";
import * as pulumi from "@pulumi/pulumi";
import { parseCidr, planAddresses } from "./address-plan.ts";
import type { Region } from "./regions.ts";

/** What the network of a cluster is declared from. */
export interface EksNetworkArgs {
  readonly region: Region;
  /** Addresses of the VPC, which {@link vpcFault} has nothing against. */
  readonly cidr: string;
  /** Names of the zones, such as `eu-central-1a`. */
  readonly zones: readonly string[];
  /** NAT gateways: one for all zones, or one in each. */
  readonly nat: "single" | "perZone";
  /** Refuse to delete the VPC. */
  readonly protect: boolean;
}

/** What load balancers find their subnets by: those that the internet reaches, and those inside. */
const loadBalancerTags = {
  public: { "kubernetes.io/role/elb": "1" },
  private: { "kubernetes.io/role/internal-elb": "1" },
} as const;

const everywhere = "0.0.0.0/0";

/**
 * A VPC for one cluster: in each zone a public subnet for load balancers and NAT, and a private one for nodes. Nodes
 * reach the internet by NAT and S3, where images are, without it; nothing reaches them.
 */
export class EksNetwork extends pulumi.ComponentResource {
  readonly vpcId: pulumi.Output<string>;
  readonly publicSubnetIds: readonly pulumi.Output<string>[];
  readonly privateSubnetIds: readonly pulumi.Output<string>[];
  /** Without these a node gets no image. */
  readonly routes: readonly pulumi.Resource[];

  constructor(name: string, args: EksNetworkArgs, options?: pulumi.ComponentResourceOptions) {
    super("upramp:platform:EksNetwork", name, {}, options);
    const block = parseCidr(args.cidr);
    if (block === undefined) throw new RangeError(`${args.cidr} is no block of addresses`);
    const inside = { parent: this };
    const vpc = new Vpc(
      `${name}-vpc`,
      {
        cidrBlock: args.cidr,
        enableDnsHostnames: true,
        enableDnsSupport: true,
        tags: { Name: name },
      },
      { ...inside, protect: args.protect },
    );
    // without rules: nothing may come to rest on the group that everything gets by default
    new DefaultSecurityGroup(`${name}-default`, { vpcId: vpc.id, tags: { Name: name } }, inside);
    const plan = planAddresses(block, args.zones.length);
    const subnetsOf = (kind: "public" | "private"): Subnet[] => {
      const cidrs = kind === "public" ? plan.publicCidrs : plan.privateCidrs;
      return args.zones.map((zone, index) => {
        const suffix = `${kind}-${zone}`;
        const cidrBlock = cidrs[index];
        // the plan has one block a zone
        if (cidrBlock === undefined) throw new RangeError(`no addresses for ${suffix}`);
        return new Subnet(
          `${name}-${suffix}`,
          {
            vpcId: vpc.id,
            availabilityZone: zone,
            cidrBlock,
            tags: { Name: `${name}-${suffix}`, ...loadBalancerTags[kind] },
          },
          inside,
        );
      });
    };
    const publicSubnets = subnetsOf("public");
    const privateSubnets = subnetsOf("private");
    this.routes = declareRoutes(name, { ...args, vpc, publicSubnets, privateSubnets }, inside);
    this.vpcId = vpc.id;
    this.publicSubnetIds = publicSubnets.map(({ id }) => id);
    this.privateSubnetIds = privateSubnets.map(({ id }) => id);
    this.registerOutputs({});
  }
}

interface RouteArgs extends EksNetworkArgs {
  readonly vpc: Vpc;
  readonly publicSubnets: readonly Subnet[];
  readonly privateSubnets: readonly Subnet[];
}

interface Inside {
  readonly parent: pulumi.Resource;
}

/** The ways out of each subnet. */
function declareRoutes(name: string, args: RouteArgs, inside: Inside): pulumi.Resource[] {
  const { vpc, zones, publicSubnets, privateSubnets, region } = args;
  const vpcId = vpc.id;
  const gateway = new InternetGateway(`${name}-internet`, { vpcId, tags: { Name: name } }, inside);
  const outside = declareTable(`${name}-public`, { vpcId, gatewayId: gateway.id }, inside);
  const publicZones = publicSubnets.map((subnet, index) =>
    associate(`${name}-public-${zones[index]}`, subnet, outside.table, inside),
  );
  const nats = declareNats(name, args, { ...inside, dependsOn: [outside.route] });
  const inner = nats.map(({ suffix, nat }) =>
    declareTable(`${name}-private${suffix}`, { vpcId, natGatewayId: nat.id }, inside),
  );
  const privateZones = privateSubnets.map((subnet, index) => {
    // one table for all zones, or one for each
    const own = inner[index] ?? inner[0];
    if (own === undefined) throw new RangeError("a VPC has at least one NAT gateway");
    return associate(`${name}-private-${zones[index]}`, subnet, own.table, inside);
  });
  const endpoint = new VpcEndpoint(
    `${name}-s3`,
    {
      vpcId,
      serviceName: `com.amazonaws.${region}.s3`,
      vpcEndpointType: "Gateway",
      routeTableIds: inner.map(({ table }) => table.id),
      tags: { Name: `${name}-s3` },
    },
    inside,
  );
  return [
    outside.route,
    ...inner.map(({ route }) => route),
    ...publicZones,
    ...privateZones,
    endpoint,
  ];
}

function declareNats(
  name: string,
  { publicSubnets, zones, nat: kind }: RouteArgs,
  options: Inside & { readonly dependsOn: pulumi.Resource[] },
): { readonly suffix: string; readonly nat: NatGateway }[] {
  const subnets = kind === "single" ? publicSubnets.slice(0, 1) : publicSubnets;
  return subnets.map((subnet, index) => {
    const suffix = kind === "single" ? "" : `-${zones[index]}`;
    const tags = { Name: `${name}-nat${suffix}` };
    const address = new Eip(`${name}-nat${suffix}`, { domain: "vpc", tags }, options);
    const nat = new NatGateway(
      `${name}-nat${suffix}`,
      { subnetId: subnet.id, allocationId: address.id, tags },
      options,
    );
    return { suffix, nat };
  });
}

/** A table whose only way out is a gateway. */
function declareTable(
  name: string,
  {
    vpcId,
    ...via
  }: { readonly vpcId: pulumi.Input<string> } & (
    { readonly gatewayId: pulumi.Input<string> } | { readonly natGatewayId: pulumi.Input<string> }
  ),
  inside: Inside,
): { readonly table: RouteTable; readonly route: Route } {
  const table = new RouteTable(name, { vpcId, tags: { Name: name } }, inside);
  const route = new Route(
    name,
    { routeTableId: table.id, destinationCidrBlock: everywhere, ...via },
    inside,
  );
  return { table, route };
}

function associate(
  name: string,
  subnet: Subnet,
  table: RouteTable,
  inside: Inside,
): RouteTableAssociation {
  return new RouteTableAssociation(name, { subnetId: subnet.id, routeTableId: table.id }, inside);
}
