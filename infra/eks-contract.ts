import { z } from "zod";
import { vpcId } from "./aws-names.ts";
import {
  kubernetesPlatformWritten,
  type KubernetesPlatformSettings,
} from "./kubernetes-contract.ts";
import { label } from "./object-names.ts";
import { overlap, parseCidr, vpcFault } from "./platform/eks/address-plan.ts";
import {
  defaultKubernetesVersion,
  kubernetesVersions,
  type KubernetesVersion,
} from "./platform/eks/kubernetes-versions.ts";
import { regions, type Region } from "./platform/eks/regions.ts";
import { eksPrometheusWritten } from "./prometheus-contract.ts";
import { routerWrittenFor } from "./router-contract.ts";

/** The part of the stack contract that only target `eks` has: what users write of network and cluster. */

type Refuse = (path: readonly PropertyKey[], message: string) => void;

const cidr = z.string().refine((text) => parseCidr(text) !== undefined, {
  error: "is no block of addresses such as 10.0.0.0/16, with the block's first address",
});

// ---- network -------------------------------------------------------------------------------------

const subnetId = z.string().regex(/^subnet-[\da-f]{8,17}$/, "is not the ID of a subnet");
const zoneName = z
  .string()
  .regex(/^[a-z]+(-[a-z]+)+-\d[a-z]$/, 'is not a zone such as "eu-central-1a"');

const ownNetworkKeys = ["cidr", "zones", "nat"] as const;
const subnetKeys = ["privateSubnetIds", "publicSubnetIds"] as const;
const zonesDefault = 3;

const networkWritten = z
  .strictObject({
    /** Addresses of a VPC that is made. Default: 10.0.0.0/16. */
    cidr: cidr.optional(),
    /** How many zones, or which. Default: 3. */
    zones: z
      .union([z.int(), z.array(zoneName)], {
        error: 'is neither a number from 2 to 4 nor a list of zones such as ["eu-central-1a", …]',
      })
      .refine(
        (zones) => {
          const count = typeof zones === "number" ? zones : zones.length;
          return count >= 2 && count <= 4;
        },
        {
          error: "is not from 2 to 4: EKS needs two zones, and the addresses are for four at most",
        },
      )
      .optional(),
    /** NAT gateways by which nodes reach the internet: one for all zones, or one in each. Default: single. */
    nat: z.enum(["single", "perZone"]).optional(),
    /** A VPC that is there, in the place of one that is made. */
    vpcId: vpcId.optional(),
    /** Its subnets for nodes, in two zones or more. */
    privateSubnetIds: z.array(subnetId).min(2).optional(),
    /** Its subnets for load balancers that the internet reaches. */
    publicSubnetIds: z.array(subnetId).optional(),
    /** Addresses of Services, in no VPC. Default: one that EKS chooses. */
    serviceCidr: cidr.optional(),
  })
  .transform((written, context): NetworkSettings => {
    const refuse: Refuse = (path, message) =>
      context.addIssue({ code: "custom", path: [...path], message });
    const { serviceCidr } = written;
    if (serviceCidr !== undefined) refuseServiceCidr(serviceCidr, refuse);
    const common = serviceCidr === undefined ? {} : { serviceCidr };
    return written.vpcId === undefined
      ? { ...ownNetwork(written, refuse), ...common }
      : { ...existingNetwork(written.vpcId, written, refuse), ...common };
  });

interface NetworkWritten {
  readonly cidr?: string | undefined;
  readonly zones?: number | string[] | undefined;
  readonly nat?: "single" | "perZone" | undefined;
  readonly privateSubnetIds?: string[] | undefined;
  readonly publicSubnetIds?: string[] | undefined;
  readonly serviceCidr?: string | undefined;
}

/** A VPC that this stack makes. */
export interface OwnNetwork {
  readonly kind: "own";
  readonly cidr: string;
  /** How many, or which. */
  readonly zones: number | readonly string[];
  readonly nat: "single" | "perZone";
}

/** A VPC that is there. */
export interface ExistingNetwork {
  readonly kind: "existing";
  readonly vpcId: string;
  readonly privateSubnetIds: readonly string[];
  readonly publicSubnetIds: readonly string[];
}

/** Where the cluster is. */
export type NetworkSettings = (OwnNetwork | ExistingNetwork) & { readonly serviceCidr?: string };

function ownNetwork(written: NetworkWritten, refuse: Refuse): OwnNetwork {
  for (const key of subnetKeys) {
    if (written[key] !== undefined) refuse([key], "is of a VPC that is there: give vpcId too");
  }
  const { cidr: text = "10.0.0.0/16", zones = zonesDefault, nat = "single" } = written;
  const count = typeof zones === "number" ? zones : zones.length;
  if (typeof zones !== "number" && new Set(zones).size < count) {
    refuse(["zones"], "names one zone twice");
  }
  const block = parseCidr(text);
  if (block === undefined) return { kind: "own", cidr: text, zones, nat };
  const fault = vpcFault(block, count);
  if (fault !== undefined) refuse(["cidr"], fault);
  const services = parseCidr(written.serviceCidr ?? "");
  if (services !== undefined && overlap(block, services)) {
    refuse(["serviceCidr"], `overlaps network.cidr ${text}: take one outside of it`);
  }
  return { kind: "own", cidr: text, zones, nat };
}

function existingNetwork(vpc: string, written: NetworkWritten, refuse: Refuse): ExistingNetwork {
  for (const key of ownNetworkKeys) {
    if (written[key] !== undefined) {
      refuse([key], "is of a VPC that this stack makes: remove it, or vpcId");
    }
  }
  const { privateSubnetIds = [], publicSubnetIds = [] } = written;
  if (written.privateSubnetIds === undefined) {
    refuse(["privateSubnetIds"], "is not set: name subnets for nodes, in two zones or more");
  }
  const both = publicSubnetIds.filter((id) => privateSubnetIds.includes(id));
  if (both.length > 0) {
    refuse(["publicSubnetIds"], `names ${both.join(", ")}, which is in privateSubnetIds too`);
  }
  return { kind: "existing", vpcId: vpc, privateSubnetIds, publicSubnetIds };
}

const privateBlocks = ["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16"];

/** What EKS refuses minutes later. */
function refuseServiceCidr(text: string, refuse: Refuse): void {
  const block = parseCidr(text);
  if (block === undefined) return;
  const isPrivate = privateBlocks.some((known) => {
    const outer = parseCidr(known);
    return outer !== undefined && overlap(outer, block) && block.bits >= outer.bits;
  });
  if (isPrivate && block.bits >= 12 && block.bits <= 24) return;
  refuse(["serviceCidr"], `has to be from /12 to /24, inside of ${privateBlocks.join(", ")}`);
}

// ---- cluster -------------------------------------------------------------------------------------

const clusterName = z
  .string()
  .regex(/^[A-Za-z0-9][\w-]{0,99}$/, "is not the name of a cluster: use A-Z, a-z, 0-9, - and _");

const logTypes = ["api", "audit", "authenticator", "controllerManager", "scheduler"] as const;

/** Days that CloudWatch can keep logs. */
const retentionDays = [1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827];

const principalArn = z
  .string()
  .regex(/^arn:aws[\w-]*:iam::\d{12}:(role|user)\/.+$/, "is not the ARN of a role or user");

/** What people may do in the cluster, by the names of EKS's access policies. */
export const accessRoles = {
  clusterAdmin: "AmazonEKSClusterAdminPolicy",
  admin: "AmazonEKSAdminPolicy",
  edit: "AmazonEKSEditPolicy",
  view: "AmazonEKSViewPolicy",
} as const;

const accessWritten = z.strictObject({
  principalArn,
  role: z.literal(Object.keys(accessRoles) as (keyof typeof accessRoles)[]),
  /** Only in these. Default: in all. */
  namespaces: z.array(label).min(1).optional(),
});
/** One principal of IAM and what it may do in the cluster. */
export type AccessSettings = z.output<typeof accessWritten>;

const nodesWritten = z
  .strictObject({
    instanceTypes: z
      .array(
        z
          .string()
          .regex(/^[a-z]\w*(-\w+)?\.[\w-]+$/, 'is not an instance type such as "m7i.large"'),
      )
      .min(1)
      .default(["m7i.large"]),
    min: z.int().min(1).max(1_000).default(2),
    max: z.int().min(1).max(1_000).default(6),
    /** At first; later an autoscaler or whoever else changes it is left alone. Default: min. */
    desired: z.int().min(1).max(1_000).optional(),
    diskGib: z.int().min(20).max(16_384).default(50),
    capacity: z.enum(["onDemand", "spot"]).default("onDemand"),
  })
  .superRefine(({ instanceTypes, min, max, desired = min }, context) => {
    const refuse: Refuse = (path, message) =>
      context.addIssue({ code: "custom", path: [...path], message });
    if (max < min) refuse(["max"], `is below min ${min}`);
    else if (desired < min || desired > max) refuse(["desired"], `is not from ${min} to ${max}`);
    if (new Set(instanceTypes.map(architectureOf)).size > 1) {
      refuse(
        ["instanceTypes"],
        "mix Arm and x86, which one group of nodes cannot: take one of them",
      );
    }
  });
/** A managed group of nodes. */
export type NodeSettings = z.output<typeof nodesWritten>;

/** Graviton types have a g after the number of their generation, such as `m7g`. */
export function architectureOf(instanceType: string): "arm64" | "x86_64" {
  return /^[a-z]+\d+g/.test(instanceType) ? "arm64" : "x86_64";
}

const ownCluster = z
  .strictObject({
    /** Default: project and stack, such as `upramp-dev`. */
    name: clusterName.optional(),
    version: z
      .literal(Object.keys(kubernetesVersions) as KubernetesVersion[], {
        error: `is not a version that this release of upramp knows on EKS: take one of ${Object.keys(kubernetesVersions).join(", ")}, in quotes`,
      })
      .default(defaultKubernetesVersion),
    /** What happens at the end of AWS's standard support: upgrade by itself, or stay and pay more. */
    support: z.enum(["standard", "extended"]).default("standard"),
    /** Blocks from which the API server is reached over the internet. Default: none; it is reached in the VPC only. */
    publicAccessCidrs: z.array(cidr).max(40).default([]),
    /** Let publicAccessCidrs hold 0.0.0.0/0. */
    allowPublicAccessFromAnywhere: z.boolean().default(false),
    /** Who may do what in it, by a name of your own. Whoever makes the cluster is its admin already. */
    access: z.record(label, accessWritten).default({}),
    logs: z
      .strictObject({
        types: z.array(z.enum(logTypes)).default([...logTypes]),
        retentionDays: z.literal(retentionDays).default(90),
      })
      .prefault({}),
    /** Key for the cluster's Secrets. Default: one that this stack makes. */
    encryptionKeyArn: z
      .string()
      .regex(/^arn:aws[\w-]*:kms:[\w-]+:\d{12}:key\/[\w-]+$/, "is not the ARN of a key of KMS")
      .optional(),
    /** Let EKS choose and run the nodes, in the place of a managed group. */
    autoMode: z.boolean().default(false),
    nodes: nodesWritten.optional(),
  })
  .superRefine((written, context) => {
    const refuse: Refuse = (path, message) =>
      context.addIssue({ code: "custom", path: [...path], message });
    const { version, support, autoMode, nodes, publicAccessCidrs } = written;
    if (kubernetesVersions[version] === "extended" && support === "standard") {
      const message = `is past AWS's standard support: take a newer one, or set cluster.support: extended and pay more for it`;
      refuse(["version"], message);
    }
    if (autoMode && nodes !== undefined) {
      refuse(["nodes"], "are chosen by Auto Mode: remove them, or autoMode");
    }
    if (written.allowPublicAccessFromAnywhere) return;
    for (const [index, block] of publicAccessCidrs.entries()) {
      if (!block.endsWith("/0")) continue;
      const message =
        "lets the whole internet try the API server: name your own addresses, or set " +
        "cluster.allowPublicAccessFromAnywhere: true";
      refuse(["publicAccessCidrs", index], message);
    }
  });

/** A cluster that this stack makes. */
export type OwnClusterSettings = Omit<z.output<typeof ownCluster>, "nodes"> & {
  /** Not used by Auto Mode. */
  readonly nodes: NodeSettings;
};

const existingCluster = z.strictObject({
  /** Name of a cluster that is there, in the place of one that is made. */
  existing: clusterName,
  /** Make what IAM knows its service accounts by, in an account that has none for this cluster. */
  createOidcProvider: z.boolean().default(false),
});
/** A cluster that is there. */
export type ExistingClusterSettings = z.output<typeof existingCluster>;

/** Which of the two is meant is told by `existing`, so that faults are those of that one alone. */
const clusterWritten = z
  .unknown()
  .transform((written, context): OwnClusterSettings | ExistingClusterSettings => {
    const isExisting = typeof written === "object" && written !== null && "existing" in written;
    const result = (isExisting ? existingCluster : ownCluster).safeParse(written);
    if (result.success) {
      return "existing" in result.data
        ? result.data
        : { ...result.data, nodes: result.data.nodes ?? nodesWritten.parse({}) };
    }
    for (const { path, message } of result.error.issues) {
      context.addIssue({ code: "custom", path, message });
    }
    return z.NEVER;
  })
  .prefault({});

// ---- the whole -----------------------------------------------------------------------------------

const { namespace, serviceNamespaces, endpoint } = kubernetesPlatformWritten.shape;

const tags = z
  .record(
    z
      .string()
      .min(1)
      .max(128)
      .refine((key) => !key.startsWith("aws:"), "begins with aws:, which AWS keeps for itself"),
    z.string().max(256),
  )
  .default({});

const written = z.strictObject({
  target: z.literal("eks"),
  region: z.literal([...regions], {
    error: ({ input }) =>
      input === undefined
        ? "is not set: name a region of AWS such as eu-central-1"
        : "is not a region of AWS: write one such as eu-central-1",
  }),
  /** Of a cluster that this stack makes. */
  network: networkWritten.optional(),
  cluster: clusterWritten,
  /** On everything of AWS that can have them. */
  tags,
  /** Refuse to delete what would hurt most: network, cluster, its key; and keep its logs. */
  protect: z.boolean().default(true),
  namespace,
  serviceNamespaces,
  router: routerWrittenFor("eks"),
  endpoint,
  prometheus: eksPrometheusWritten,
  /** Install metrics-server. Default: in a cluster that this stack makes. */
  metricsServer: z.boolean().optional(),
});

/** The settings of a platform of target `eks`, complete. */
export interface EksPlatformSettings {
  readonly region: Region;
  readonly tags: Readonly<Record<string, string>>;
  readonly protect: boolean;
  readonly place:
    | { readonly kind: "existing"; readonly cluster: ExistingClusterSettings }
    | {
        readonly kind: "own";
        readonly network: NetworkSettings;
        readonly cluster: OwnClusterSettings;
      };
  /** What is the same on every cluster; `cluster` is known only once there is one. */
  readonly platform: KubernetesPlatformSettings;
}

/** What users write under `upramp:platform` of a platform stack of target `eks`. */
export const eksPlatformWritten = written.transform((given, context): EksPlatformSettings => {
  const { region, network, cluster, tags: ownTags, protect, metricsServer, ...rest } = given;
  const isExisting = "existing" in cluster;
  if (isExisting && network !== undefined) {
    const message = "is that of cluster.existing, which is somewhere already: remove it, or that";
    context.addIssue({ code: "custom", path: ["network"], message });
  }
  const keyArn = isExisting ? undefined : cluster.encryptionKeyArn;
  // arn:PARTITION:kms:REGION:ACCOUNT:key/ID
  if (keyArn !== undefined && keyArn.split(":")[3] !== region) {
    const message = `is in another region than ${region}: name a key in the cluster's own`;
    context.addIssue({ code: "custom", path: ["cluster", "encryptionKeyArn"], message });
  }
  const shared = { ...rest, target: "kubernetes" as const, cluster: {} };
  return {
    region,
    tags: ownTags,
    protect,
    place: isExisting
      ? { kind: "existing", cluster }
      : { kind: "own", network: network ?? networkWritten.parse({}), cluster },
    platform: { ...shared, metricsServer: metricsServer ?? !isExisting },
  };
});
