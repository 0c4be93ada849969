import { z } from "zod";
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
  region: z
    .string()
    .regex(/^[a-z]{2}(-[a-z]+)+-\d$/, 'is not a region such as "eu-west-1"')
    .optional(),
  vpcId: z
    .string()
    .regex(/^vpc-[0-9a-f]{8,17}$/, "is not the id of a VPC")
    .optional(),
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

/** What of `router.install` cannot be for this implementation. */
export function installFaults(
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
    ...only("roleArn", "vpc-lattice", "app-mesh"),
    ...only("region", "vpc-lattice", "app-mesh"),
    ...only("vpcId", "vpc-lattice"),
    ...only("clusterName", "vpc-lattice"),
    ...(implementation === "envoy-gateway" && install.gatewayApiCrds !== undefined
      ? [
          {
            key: "gatewayApiCrds" as const,
            message:
              "does not apply: the chart gateway-helm brings Gateway API's CRDs, and Helm leaves those alone that are there: remove it",
          },
        ]
      : only("gatewayApiCrds", "istio", "vpc-lattice")),
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

/** What of `router.install` a target cannot do without, or knows itself. */
export function installPlaceFaults(
  target: "kubernetes" | "eks",
  implementation: Implementation,
  install: InstallSettings,
): readonly Required<InstallFault>[] {
  if (target === "eks") {
    return placeKeys
      .filter((key) => install[key] !== undefined)
      .map((key) => ({ key, message: "is known to target eks itself: remove it" }));
  }
  if (implementation !== "vpc-lattice") return [];
  return ([...placeKeys, "roleArn"] as const)
    .filter((key) => install[key] === undefined)
    .map((key) => ({
      key,
      message:
        "is not set: VPC Lattice works for the VPC of a cluster on AWS only; target eks knows it",
    }));
}
