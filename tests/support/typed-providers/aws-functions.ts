import { accountId, dnsSuffixOf, partitionOf, regionOf, zonesOf } from "./aws-account.ts";

type Fields = Readonly<Record<string, unknown>>;

/** What a function answers; what its type has beside that is made up by the type. */
type Answer = (args: Fields, region: string) => Fields;

const answers: Readonly<Record<string, Answer>> = {
  "aws:index/getCallerIdentity:getCallerIdentity": (_, region) => ({
    accountId,
    arn: `arn:${partitionOf(region)}:iam::${accountId}:user/example`,
    id: accountId,
    userId: "AIDAEXAMPLE",
  }),
  "aws:index/getRegion:getRegion": (_, region) => ({ id: region, name: region, region }),
  "aws:index/getPartition:getPartition": (_, region) => ({
    partition: partitionOf(region),
    dnsSuffix: dnsSuffixOf(region),
    id: partitionOf(region),
  }),
  "aws:index/getAvailabilityZones:getAvailabilityZones": (_, region) => ({
    id: region,
    names: zonesOf(region),
    zoneIds: zonesOf(region).map((zone) => `${zone.slice(-1)}-az1`),
    groupNames: [region],
  }),
  "aws:ec2/getVpc:getVpc": ({ id }, region) => ({
    id: id ?? "vpc-0123456789abcdef0",
    arn: `arn:${partitionOf(region)}:ec2:${region}:${accountId}:vpc/${String(id)}`,
    cidrBlock: "10.0.0.0/16",
    state: "available",
    enableDnsHostnames: true,
    enableDnsSupport: true,
  }),
  "aws:ec2/getSubnet:getSubnet": ({ id }, region) => ({
    id,
    availabilityZone: zonesOf(region)[String(id).length % 3],
    cidrBlock: "10.0.0.0/20",
    state: "available",
    vpcId: "vpc-0123456789abcdef0",
  }),
  "aws:ec2/getSubnets:getSubnets": (_, region) => ({
    id: region,
    ids: ["subnet-0123456789abcdef0", "subnet-0123456789abcdef1"],
  }),
  "aws:iam/getOpenIdConnectProvider:getOpenIdConnectProvider": ({ url, arn }, region) => {
    const issuer = String(url).replace("https://", "");
    return {
      id: arn ?? `arn:${partitionOf(region)}:iam::${accountId}:oidc-provider/${issuer}`,
      arn: arn ?? `arn:${partitionOf(region)}:iam::${accountId}:oidc-provider/${issuer}`,
      url: issuer,
      clientIdLists: ["sts.amazonaws.com"],
    };
  },
  "aws:eks/getCluster:getCluster": ({ name }, region) => ({
    id: name,
    arn: `arn:${partitionOf(region)}:eks:${region}:${accountId}:cluster/${String(name)}`,
    endpoint: `https://0123456789ABCDEF.gr7.${region}.eks.${dnsSuffixOf(region)}`,
    certificateAuthorities: [{ data: "" }],
    identities: [
      {
        oidcs: [
          { issuer: `https://oidc.eks.${region}.${dnsSuffixOf(region)}/id/0123456789ABCDEF` },
        ],
      },
    ],
    status: "ACTIVE",
    vpcConfig: {
      clusterSecurityGroupId: "sg-0123456789abcdef0",
      endpointPrivateAccess: true,
      endpointPublicAccess: false,
      publicAccessCidrs: [],
      securityGroupIds: [],
      subnetIds: ["subnet-0123456789abcdef0", "subnet-0123456789abcdef1"],
      vpcId: "vpc-0123456789abcdef0",
    },
  }),
};

/**
 * What AWS would say to a function's arguments.
 *
 * @throws Error for a function that the stand-in does not know
 */
export function awsAnswer(token: string, args: Fields, config: Fields): Fields {
  const answer = answers[token];
  if (answer === undefined) {
    throw new Error(
      `${token} is not served by this stand-in; known are ${Object.keys(answers).join(", ")}`,
    );
  }
  const { region } = args;
  return answer(args, typeof region === "string" ? region : regionOf(config));
}
