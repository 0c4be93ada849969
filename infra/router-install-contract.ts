import { z } from "zod";
import { awsRegion, vpcId } from "./aws-names.ts";
import type { ProfileName } from "./router-contract.ts";

/** The part of the stack contract that is about installing what serves a router: what users write under `router.install`. */

/** Implementations that can be installed: a profile of Gateway API, or App Mesh. */
export type Implementation = ProfileName | "app-mesh";

/** A chart that is installed. */
export type ChartName =
  | "gateway-helm"
  | "base"
  | "istiod"
  | "cni"
  | "ztunnel"
  | "aws-gateway-controller-chart"
  | "appmesh-controller"
  | "appmesh-gateway";

/** Where clusters are that something is installed in: any, or one of AWS that the platform makes or names. */
export type ClusterTarget = "kubernetes" | "eks";

/** Charts of each implementation, in the order in which they are installed. */
const charts: Partial<Record<Implementation, readonly ChartName[]>> = {
  "envoy-gateway": ["gateway-helm"],
  istio: ["base", "istiod", "cni", "ztunnel"],
  "vpc-lattice": ["aws-gateway-controller-chart"],
  "app-mesh": ["appmesh-controller", "appmesh-gateway"],
};
const ambientOnly: readonly ChartName[] = ["cni", "ztunnel"];

const installable: readonly Implementation[] = ["envoy-gateway", "istio", "vpc-lattice"];

export const installWritten = z.strictObject({
  /** Version of the implementation's charts in the place of the pinned one; the chart `appmesh-gateway` keeps its own. */
  version: z
    .string()
    .regex(/^v?\d+\.\d+\.\d+(-[\w.]+)?$/, 'is not the version of a chart such as "1.31.1"')
    .optional(),
  /** Values by chart, merged into those that upramp sets. */
  values: z.record(z.string(), z.record(z.string(), z.unknown())).default({}),
  /** Istio only. Default: ambient. */
  mode: z.enum(["ambient", "sidecar"]).optional(),
  /** Declare Gateway API's own CRDs, where the chart does not bring them. Default: true. */
  gatewayApiCrds: z.boolean().optional(),
  /** Of the Service through which requests come in, such as those by which a cloud knows its load balancer. */
  annotations: z.record(z.string(), z.string()).default({}),
  /** Role of AWS for the controller. Target `eks` makes one when none is given. */
  roleArn: z
    .string()
    .regex(/^arn:aws[\w-]*:iam::\d{12}:role\/.+$/, "is not the ARN of a role")
    .optional(),
  /** Of the cluster, which target `eks` knows. */
  region: awsRegion.optional(),
  vpcId: vpcId.optional(),
  clusterName: z.string().min(1).max(100).optional(),
});
export type InstallSettings = z.output<typeof installWritten>;

/** A fault of `router.install`, at one of its keys. */
interface InstallFault {
  readonly key?: keyof InstallSettings;
  readonly message: string;
}

/** The charts of an implementation; none where upramp cannot install it. */
export function chartsOf(
  implementation: Implementation,
  mode: InstallSettings["mode"],
): readonly ChartName[] {
  const all = charts[implementation] ?? [];
  return mode === "sidecar" ? all.filter((chart) => !ambientOnly.includes(chart)) : all;
}

/** What of `router.install` cannot be for this implementation, on a cluster of this target. */
export function installFaults(
  target: ClusterTarget,
  implementation: Implementation,
  install: InstallSettings,
): readonly InstallFault[] {
  const known: readonly string[] = chartsOf(implementation, install.mode);
  if (known.length === 0) {
    const message =
      `upramp has no chart of ${implementation}: install it as its own documentation says, name its Gateway or class, and ` +
      `remove install; or use profile ${installable.join(", ")}`;
    return [{ message }];
  }
  const only = (
    key: keyof InstallSettings,
    ...owners: readonly Implementation[]
  ): InstallFault[] =>
    owners.includes(implementation) || install[key] === undefined
      ? []
      : [{ key, message: `belongs to ${owners.join(" and ")}, not ${implementation}: remove it` }];
  const strangers = Object.keys(install.values).filter((chart) => !known.includes(chart));
  return [
    ...only("mode", "istio"),
    ...only("gatewayApiCrds", "istio", "vpc-lattice"),
    ...only("roleArn", "vpc-lattice", "app-mesh"),
    ...placeFaults(target, implementation, install, only),
    ...(implementation === "vpc-lattice" && Object.keys(install.annotations).length > 0
      ? [
          {
            key: "annotations" as const,
            message: "are of a load balancer, and VPC Lattice has none: remove them",
          },
        ]
      : []),
    ...strangers.map((chart): InstallFault => ({
      key: "values",
      message: `names chart ${chart}, which is not installed here: name one of ${known.join(", ")}`,
    })),
  ];
}

const placeKeys = ["region", "vpcId", "clusterName"] as const;

/** What of AWS a target knows itself, or an implementation cannot do without. */
function placeFaults(
  target: ClusterTarget,
  implementation: Implementation,
  install: InstallSettings,
  only: (key: keyof InstallSettings, ...owners: readonly Implementation[]) => InstallFault[],
): readonly InstallFault[] {
  if (target === "eks") {
    return placeKeys
      .filter((key) => install[key] !== undefined)
      .map((key) => ({ key, message: "is known to target eks itself: remove it" }));
  }
  if (implementation === "vpc-lattice") {
    return ([...placeKeys, "roleArn"] as const)
      .filter((key) => install[key] === undefined)
      .map((key) => ({
        key,
        message:
          "is not set: VPC Lattice works for the VPC of a cluster on AWS only; target eks knows it",
      }));
  }
  return [
    ...only("region", "vpc-lattice", "app-mesh"),
    ...only("vpcId", "vpc-lattice"),
    ...only("clusterName", "vpc-lattice"),
  ];
}
