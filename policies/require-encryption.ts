import type { ResourceValidationPolicy } from "@pulumi/policy";
import { flag } from "./config-schemas.ts";
import { at, elements, notKnownYet } from "./properties.ts";

interface Config {
  readonly logGroups?: boolean;
}

const launchTemplate = "aws:ec2/launchTemplate:LaunchTemplate";

/** What is said of encryption, in the words of AWS or of Kubernetes. */
function isOn(value: unknown): boolean {
  return value === true || value === "true" || value === notKnownYet;
}

/** What is stored in plain text, by type of resource: one text for each place. */
const faultsByType: Readonly<
  Record<string, (props: unknown, config: Config) => readonly string[]>
> = {
  "aws:eks/cluster:Cluster": (props) => {
    const config = at(props, "encryptionConfig");
    const resources = at(config, "resources");
    const isEncrypted =
      config === notKnownYet ||
      resources === notKnownYet ||
      elements(resources).includes("secrets");
    return isEncrypted
      ? []
      : ["encryptionConfig does not cover secrets: name a KMS key and resources: [secrets]"];
  },
  "aws:ebs/volume:Volume": (props) =>
    isOn(at(props, "encrypted")) ? [] : ["encrypted is not true: set it"],
  "aws:efs/fileSystem:FileSystem": (props) =>
    isOn(at(props, "encrypted")) ? [] : ["encrypted is not true: set it"],
  [launchTemplate]: (props) =>
    elements(at(props, "blockDeviceMappings")).flatMap((mapping, index) => {
      const disk = at(mapping, "ebs");
      return disk === undefined || isOn(at(disk, "encrypted"))
        ? []
        : [`blockDeviceMappings[${index}].ebs.encrypted is not true: set it`];
    }),
  "kubernetes:storage.k8s.io/v1:StorageClass": (props) =>
    at(props, "provisioner") !== "ebs.csi.aws.com" || isOn(at(props, "parameters", "encrypted"))
      ? []
      : [`parameters.encrypted is not "true": set it`],
  "aws:cloudwatch/logGroup:LogGroup": (props, { logGroups = false }) =>
    !logGroups || at(props, "kmsKeyId") !== undefined
      ? []
      : ["kmsKeyId is not set: name a KMS key"],
};

/** Disks, Secrets and, by choice, logs are encrypted where they are stored. */
export const requireEncryption: ResourceValidationPolicy = {
  name: "require-encryption",
  description:
    "Secrets of a cluster, disks and, by choice, logs are encrypted where they are stored.",
  enforcementLevel: "mandatory",
  configSchema: {
    properties: {
      logGroups: flag(
        "Asks for a KMS key of log groups too; CloudWatch encrypts them with its own.",
      ),
    },
  },
  validateResource: (args, reportViolation) => {
    const faults = faultsByType[args.type]?.(args.props, args.getConfig<Config>()) ?? [];
    for (const fault of faults) reportViolation(fault);
  },
  // Only what is a plan for machines to come: a launch template gets a new version and no disk is touched. To encrypt
  // a volume or a cluster's Secrets afterwards replaces it or cannot be undone, which is for people to decide.
  remediateResource: ({ type, props }) => {
    if (type !== launchTemplate) return undefined;
    const plain = elements(at(props, "blockDeviceMappings"))
      .map((mapping) => at(mapping, "ebs"))
      .filter((disk) => typeof disk === "object" && disk !== null)
      .filter((disk) => at(disk, "encrypted") === undefined);
    // in place: a copy would read values that a preview does not know
    for (const disk of plain) Reflect.set(disk, "encrypted", "true");
    return plain.length === 0 ? undefined : props;
  },
};
