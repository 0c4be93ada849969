import type { ConstructRequest, ConstructResponse } from "@pulumi/pulumi/proto/provider_pb.js";
import { at, isFields, textAt } from "../kubernetes-provider/kubernetes-object.ts";
import {
  decodeMarked,
  encode,
  Marked,
  reveal,
  unknownValue,
} from "../kubernetes-provider/property-values.ts";
import { wire } from "../kubernetes-provider/pulumi-wire.ts";
import { accountId } from "./aws-account.ts";
import { checkValue } from "./check-value.ts";
import { Monitor, type Registered } from "./monitor.ts";
import { packageVersion, resourceTypes } from "./token-types.ts";
import { sayFailures } from "./typed-provider.ts";

type Fields = Readonly<Record<string, unknown>>;

/** A component that is being made. */
interface Construction {
  readonly name: string;
  readonly inputs: Fields;
  /** Registers a resource of AWS inside of it. */
  readonly child: (type: string, suffix: string, inputs: Fields) => Promise<Registered>;
}

const components: Readonly<Record<string, (component: Construction) => Promise<Fields>>> = {
  "eks:index:Cluster": cluster,
  "eks:index:ManagedNodeGroup": managedNodeGroup,
  // fetches nothing, so that nothing of the file is there
  "kubernetes:yaml/v2:ConfigFile": () => Promise.resolve({ resources: [] }),
};

/**
 * Makes a component of `@pulumi/eks`: the resources that its outputs name, not all that the official one has
 * (security group rules, instance profiles, the add-ons' own resources). Of a file of manifests it makes nothing but
 * the component.
 *
 * @throws Error naming every wrong input, or for a component that the stand-in does not know
 */
export async function construct(request: ConstructRequest): Promise<ConstructResponse> {
  const [type, name] = [request.getType(), request.getName()];
  const make = components[type];
  if (make === undefined) {
    const known = Object.keys(components).join(", ");
    throw new Error(`${type} is not served by this stand-in; known are ${known}`);
  }
  const inputs = decodeMarked(request.getInputs());
  const owner = type.startsWith("kubernetes:") ? "kubernetes" : "eks";
  const failures = checkValue(resourceTypes(owner, type).args, inputs);
  if (failures.length > 0) throw new Error(sayFailures(failures));
  const monitor = new Monitor(request.getMonitorendpoint());
  try {
    const providers = request.getProvidersMap();
    const parent = request.getParent();
    const entries = [...providers.entries()];
    const own = await monitor.register({
      type,
      name,
      parent,
      isComponent: true,
      providers: entries,
    });
    const outputs = await make({
      name,
      inputs,
      child: (childType, suffix, childInputs) =>
        monitor.register({
          type: childType,
          name: `${name}-${suffix}`,
          parent: own.urn,
          inputs: childInputs,
          provider: providers.get("aws"),
          version: packageVersion("aws"),
        }),
    });
    await monitor.registerOutputs(own.urn, outputs);
    const response = new wire.provider.ConstructResponse();
    response.setUrn(own.urn);
    response.setState(encode(outputs));
    return response;
  } finally {
    monitor.close();
  }
}

async function cluster(component: Construction): Promise<Fields> {
  const { inputs, child } = component;
  const subnetIds = ["subnetIds", "publicSubnetIds", "privateSubnetIds"].flatMap(
    (key): readonly unknown[] => {
      const ids = inputs[key];
      return Array.isArray(ids) ? ids : [];
    },
  );
  const keyArn = inputs["encryptionConfigKeyArn"];
  const encryptionConfig = { provider: { keyArn }, resources: ["secrets"] };
  const nodeRole = await autoModeRole(component);
  const made = await child("aws:eks/cluster:Cluster", "eksCluster", {
    ...pick(inputs, [
      "deletionProtection",
      "enabledClusterLogTypes",
      "name",
      "upgradePolicy",
      "version",
    ]),
    ...(keyArn === undefined ? {} : { encryptionConfig }),
    tags: inputs["clusterTags"],
    roleArn: await roleArnOf(component),
    vpcConfig: {
      subnetIds,
      ...pick(inputs, ["endpointPrivateAccess", "endpointPublicAccess", "publicAccessCidrs"]),
    },
    accessConfig: pick(inputs, ["authenticationMode"]),
    ...pick(inputs, ["bootstrapSelfManagedAddons"]),
    ...networkAndNodes(inputs, nodeRole),
  });
  const { outputs, reference } = made;
  await declareAccess(component, outputs["name"]);
  const url = under(outputs, "identities", 0, "oidcs", 0, "issuer");
  const kubeconfig = kubeconfigOf(outputs);
  return {
    ...pick(inputs, ["clusterSecurityGroup", "instanceRoles"]),
    autoModeNodeRoleName: nodeRole?.outputs["name"] ?? "",
    clusterIngressRuleId: "",
    clusterSecurityGroupId: under(outputs, "vpcConfig", "clusterSecurityGroupId"),
    core: { cluster: reference, endpoint: outputs["endpoint"], vpcId: inputs["vpcId"], subnetIds },
    eksCluster: reference,
    fargateProfileId: "",
    fargateProfileStatus: "",
    kubeconfig,
    kubeconfigJson: kubeconfig === unknownValue ? unknownValue : JSON.stringify(kubeconfig),
    nodeSecurityGroupId: "",
    oidcIssuer: typeof url === "string" ? url.replace("https://", "") : url,
    oidcProviderArn: await oidcProviderArnOf(component, url),
    oidcProviderUrl: url,
  };
}

/** The cluster's role: the one that is given, else one of its own. */
async function roleArnOf({ inputs, child }: Construction): Promise<unknown> {
  const given = inputs["serviceRole"];
  if (given instanceof Marked) {
    const id = given.fields["id"];
    return typeof id === "string" ? `arn:aws:iam::${accountId}:role/${id}` : unknownValue;
  }
  const assumeRolePolicy = trust("eks.amazonaws.com");
  const role = await child("aws:iam/role:Role", "eksRole-role", { assumeRolePolicy });
  return role.outputs["arn"];
}

/** The role of the nodes that EKS runs, in Auto Mode. */
async function autoModeRole({ inputs, child }: Construction): Promise<Registered | undefined> {
  if (at(reveal(inputs), "autoMode", "enabled") !== true) return undefined;
  const assumeRolePolicy = trust("ec2.amazonaws.com");
  return await child("aws:iam/role:Role", "eksAutoNodeRole", { assumeRolePolicy });
}

function networkAndNodes(inputs: Fields, nodeRole: Registered | undefined): Fields {
  const range = inputs["kubernetesServiceIpAddressRange"];
  const services = range === undefined ? {} : { serviceIpv4Cidr: range };
  if (nodeRole === undefined) return { kubernetesNetworkConfig: services };
  return {
    computeConfig: {
      enabled: true,
      nodePools: under(inputs, "autoMode", "computeConfig", "nodePools") ?? [
        "general-purpose",
        "system",
      ],
      nodeRoleArn: nodeRole.outputs["arn"],
    },
    kubernetesNetworkConfig: { ...services, elasticLoadBalancing: { enabled: true } },
    storageConfig: { blockStorage: { enabled: true } },
  };
}

/** Who gets in, and what each may do. */
async function declareAccess({ inputs, child }: Construction, clusterName: unknown): Promise<void> {
  const entries = inputs["accessEntries"];
  for (const [name, entry] of Object.entries(isFields(entries) ? entries : {})) {
    const { principalArn, accessPolicies, ...rest } = isFields(entry) ? entry : {};
    await child("aws:eks/accessEntry:AccessEntry", name, { ...rest, clusterName, principalArn });
    for (const [policy, association] of Object.entries(
      isFields(accessPolicies) ? accessPolicies : {},
    )) {
      const given = isFields(association) ? association : {};
      const type = "aws:eks/accessPolicyAssociation:AccessPolicyAssociation";
      await child(type, `${name}-${policy}`, { ...given, clusterName, principalArn });
    }
  }
}

async function oidcProviderArnOf({ inputs, child }: Construction, url: unknown): Promise<unknown> {
  if (reveal(inputs)["createOidcProvider"] !== true) return "";
  const type = "aws:iam/openIdConnectProvider:OpenIdConnectProvider";
  const clientIdLists = ["sts.amazonaws.com"];
  return (await child(type, "oidcProvider", { clientIdLists, url })).outputs["arn"];
}

async function managedNodeGroup({ inputs, child }: Construction): Promise<Fields> {
  const made = await child("aws:eks/nodeGroup:NodeGroup", "nodeGroup", {
    ...pick(inputs, [
      "amiType",
      "capacityType",
      "clusterName",
      "diskSize",
      "instanceTypes",
      "labels",
      "nodeGroupName",
      "nodeRoleArn",
      "scalingConfig",
      "subnetIds",
      "tags",
      "taints",
      "version",
    ]),
  });
  return { nodeGroup: made.reference, nodeSecurityGroupId: "" };
}

function kubeconfigOf(cluster: Fields): unknown {
  const name = textAt(cluster, "name");
  const { endpoint } = cluster;
  if (typeof endpoint !== "string") return endpoint;
  return {
    apiVersion: "v1",
    kind: "Config",
    "current-context": "aws",
    clusters: [
      {
        name: "kubernetes",
        cluster: {
          server: endpoint,
          "certificate-authority-data": under(cluster, "certificateAuthority", "data"),
        },
      },
    ],
    contexts: [{ name: "aws", context: { cluster: "kubernetes", user: "aws" } }],
    users: [
      {
        name: "aws",
        user: {
          exec: {
            apiVersion: "client.authentication.k8s.io/v1beta1",
            command: "aws",
            args: ["eks", "get-token", "--cluster-name", name, "--output", "json"],
          },
        },
      },
    ],
  };
}

function trust(service: string): string {
  const statement = { Effect: "Allow", Principal: { Service: service }, Action: "sts:AssumeRole" };
  return JSON.stringify({ Version: "2012-10-17", Statement: [statement] });
}

/** What is under a path; unknown where something on the way is. */
function under(value: unknown, ...path: readonly (string | number)[]): unknown {
  const [key, ...rest] = path;
  if (key === undefined || value === unknownValue) return value;
  if (typeof key === "number") return Array.isArray(value) ? under(value[key], ...rest) : undefined;
  return isFields(value) ? under(value[key], ...rest) : undefined;
}

function pick(inputs: Fields, keys: readonly string[]): Fields {
  return Object.fromEntries(
    keys.flatMap((key) => (inputs[key] === undefined ? [] : [[key, inputs[key]]])),
  );
}
