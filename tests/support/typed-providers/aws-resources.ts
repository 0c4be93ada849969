import { accountId, dnsSuffixOf, partitionOf, regionOf } from "./aws-account.ts";
import { at, isFields } from "../kubernetes-provider/kubernetes-object.ts";
import { digits } from "./made-outputs.ts";
import type { Identity, NewResource } from "./new-resource.ts";
import { handedCluster } from "./reachable-cluster.ts";

/** Types whose id is a prefix and digits. */
const idPrefixes: Readonly<Record<string, string>> = {
  "aws:amp/workspace:Workspace": "ws",
  "aws:ec2/egressOnlyInternetGateway:EgressOnlyInternetGateway": "eigw",
  "aws:ec2/eip:Eip": "eipalloc",
  "aws:ec2/flowLog:FlowLog": "fl",
  "aws:ec2/internetGateway:InternetGateway": "igw",
  "aws:ec2/launchTemplate:LaunchTemplate": "lt",
  "aws:ec2/natGateway:NatGateway": "nat",
  "aws:ec2/routeTable:RouteTable": "rtb",
  "aws:ec2/routeTableAssociation:RouteTableAssociation": "rtbassoc",
  "aws:ec2/route:Route": "r",
  "aws:ec2/securityGroup:SecurityGroup": "sg",
  "aws:ec2/subnet:Subnet": "subnet",
  "aws:ec2/vpc:Vpc": "vpc",
  "aws:ec2/vpcEndpoint:VpcEndpoint": "vpce",
  "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule": "sgr",
  "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule": "sgr",
};

/** Types whose id is their ARN. */
const idIsArn = new Set([
  "aws:iam/openIdConnectProvider:OpenIdConnectProvider",
  "aws:iam/policy:Policy",
  "aws:vpclattice/serviceNetwork:ServiceNetwork",
]);

/** Services whose ARNs say another name than their package's module. */
const arnServices: Readonly<Record<string, string>> = {
  amp: "aps",
  cloudwatch: "logs",
  vpclattice: "vpc-lattice",
  vpc: "ec2",
};

/** Values of outputs, by the token's module and the output's path. */
const ownOutputs: Readonly<Record<string, (made: Made) => unknown>> = {
  "ec2/eip allocationId": ({ id }) => id,
  "ec2/eip publicIp": ({ hex }) => `203.0.113.${Number.parseInt(hex.slice(0, 2), 16)}`,
  "ec2/natGateway publicIp": ({ hex }) => `203.0.113.${Number.parseInt(hex.slice(0, 2), 16)}`,
  "amp/workspace prometheusEndpoint": ({ id, region }) =>
    `https://aps-workspaces.${region}.${dnsSuffixOf(region)}/workspaces/${id}/`,
  "eks/cluster endpoint": ({ hex, region }) =>
    reachable?.endpoint ?? `https://${hex.toUpperCase()}.gr7.${region}.eks.${dnsSuffixOf(region)}`,
  "eks/cluster certificateAuthority.data": () => certificate,
  "eks/cluster certificateAuthorities": () => [{ data: certificate }],
  "eks/cluster identities": ({ hex, region }) => [{ oidcs: [{ issuer: issuerOf(hex, region) }] }],
  "eks/cluster status": () => "ACTIVE",
  "eks/cluster platformVersion": () => "eks.1",
  "eks/cluster vpcConfig.clusterSecurityGroupId": ({ hex }) => `sg-${hex.slice(0, 17)}`,
  "eks/cluster vpcConfig.vpcId": ({ hex }) => `vpc-${hex.slice(0, 17)}`,
  "eks/nodeGroup status": () => "ACTIVE",
  "eks/addon addonVersion": () => "v1.0.0-eksbuild.1",
};

/** The base64 text of a certificate's PEM frame with nothing in it: no client can mistake it for a real one. */
const emptyCertificate = Buffer.from(
  "-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n",
).toString("base64");

const reachable = handedCluster();
const certificate = reachable?.certificateAuthority ?? emptyCertificate;

interface Made {
  readonly id: string;
  /** Thirty-two digits of this resource's own. */
  readonly hex: string;
  readonly region: string;
}

/** What AWS would make up for a new resource. */
export function awsIdentity(resource: NewResource): Identity {
  const { token, urn } = resource;
  const region =
    typeof resource.inputs["region"] === "string"
      ? resource.inputs["region"]
      : regionOf(resource.config);
  const hex = digits(urn, 32);
  const named = nameOf(resource, hex);
  const arn = arnOf(resource, named, hex, region);
  const id = idOf(resource, { named, arn, hex });
  const made = { id, hex, region };
  const [, module = ""] = token.split(":");
  const plain: Readonly<Record<string, unknown>> = {
    arn,
    name: named,
    id,
    region,
    ownerId: accountId,
    accountId,
    tagsAll: {
      ...fieldsAt(resource.config, "defaultTags", "tags"),
      ...fieldsAt(resource.inputs, "tags"),
    },
  };
  return {
    id,
    make: (path) => {
      const own = ownOutputs[`${module} ${path.join(".")}`];
      if (own !== undefined) return own(made);
      const key = path.at(-1) ?? "";
      if (path.length === 1 && plain[key] !== undefined) return plain[key];
      return key.endsWith("Arn") ? `${arn}/${key}` : undefined;
    },
  };
}

function fieldsAt(object: unknown, ...path: readonly string[]): object {
  const value = at(object, ...path);
  return isFields(value) ? value : {};
}

/** The issuer of the tokens of a cluster's service accounts. */
export function issuerOf(hex: string, region: string): string {
  return `https://oidc.eks.${region}.${dnsSuffixOf(region)}/id/${hex.toUpperCase()}`;
}

function nameOf({ inputs, name }: NewResource, hex: string): string {
  const { name: given, namePrefix } = inputs;
  if (typeof given === "string") return given;
  return `${typeof namePrefix === "string" ? namePrefix : `${name}-`}${hex.slice(0, 7)}`;
}

function idOf(
  { token, inputs }: NewResource,
  { named, arn, hex }: { readonly named: string; readonly arn: string; readonly hex: string },
): string {
  const prefix = idPrefixes[token];
  if (prefix !== undefined) return `${prefix}-${hex.slice(0, 17)}`;
  if (idIsArn.has(token)) return arn;
  if (token === "aws:kms/key:Key") return uuidOf(hex);
  const ofCluster = inputs["clusterName"];
  if (token.startsWith("aws:eks/") && typeof ofCluster === "string") {
    const parts = ["nodeGroupName", "addonName", "principalArn", "fargateProfileName"];
    const part = parts.map((key) => inputs[key]).find((value) => typeof value === "string");
    return `${ofCluster}:${String(part ?? named)}`;
  }
  return named;
}

function arnOf({ token, inputs }: NewResource, named: string, hex: string, region: string): string {
  const [, module = "", last = ""] = token.split(":");
  const [part = ""] = module.split("/");
  const service = arnServices[part] ?? part;
  const kind = last.replaceAll(/(?<=[a-z])([A-Z])/g, "-$1").toLowerCase();
  const prefix = `arn:${partitionOf(region)}:${service}`;
  if (service === "iam") {
    const { path, url } = inputs;
    const place = typeof path === "string" ? path : "/";
    if (kind === "open-id-connect-provider" && typeof url === "string") {
      return `${prefix}::${accountId}:oidc-provider/${url.replace("https://", "")}`;
    }
    return `${prefix}::${accountId}:${kind}${place}${named}`;
  }
  const here = `${prefix}:${region}:${accountId}`;
  if (service === "kms" && kind === "key") return `${here}:key/${uuidOf(hex)}`;
  if (service === "logs") return `${here}:${kind}:${named}`;
  const idPrefix = idPrefixes[token];
  const own = idPrefix === undefined ? named : `${idPrefix}-${hex.slice(0, 17)}`;
  return `${here}:${kind}/${own}`;
}

function uuidOf(hex: string): string {
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12}).*$/, "$1-$2-$3-$4-$5");
}
