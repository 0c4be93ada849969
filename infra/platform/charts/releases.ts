import * as kubernetes from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
import type { ChartName, InstallSettings } from "../../router-install-contract.ts";
import type { DeclareOptions } from "../declare-options.ts";
import type { AwsPlace } from "./aws-place.ts";
import { chartTable, type ChartRow } from "./chart-table.ts";
import { valuesOf } from "./chart-values.ts";

/** Time in which what a chart brings has to be ready, in s. A load balancer of a cloud takes minutes. */
const readySeconds = 600;

/** What a chart is installed from. */
export interface ReleaseArgs {
  /** The platform's namespace. */
  readonly namespace: string;
  readonly install: InstallSettings;
  /** Name of the Gateway or VirtualGateway of this stack; undefined where there is none. */
  readonly gateway: string | undefined;
  readonly aws: AwsPlace | undefined;
}

/** Installs one chart, and waits until what it brings is ready. One that fails is taken back whole, so that it can be tried again. */
export function declareRelease(
  prefix: string,
  chart: ChartName,
  args: ReleaseArgs,
  options: DeclareOptions,
): kubernetes.helm.v3.Release {
  const row = chartTable[chart];
  const { install } = args;
  const namespace = row.namespace ?? args.namespace;
  const release = row.release ?? args.gateway ?? chart;
  const roleArn = roleOf(prefix, chart, { row, namespace, release }, args, options);
  return new kubernetes.helm.v3.Release(
    `${prefix}-${chart}`,
    {
      ...("oci" in row.from
        ? { chart: row.from.oci }
        : { chart, repositoryOpts: { repo: row.from.repository } }),
      version: row.isOfImplementation ? (install.version ?? row.version) : row.version,
      name: release,
      namespace,
      // the platform's own is there already
      createNamespace: row.namespace !== undefined,
      // the engine takes any JSON here, outputs in it too; the SDK's type cannot say so
      values: valuesOf(chart, { ...args, roleArn }) as Record<string, pulumi.Input<string>>,
      timeout: readySeconds,
      atomic: true,
    },
    options,
  );
}

/** Role of a chart's pods: the one that is given for its controller, or on target `eks` one that is made. */
function roleOf(
  prefix: string,
  chart: ChartName,
  place: { readonly row: ChartRow; readonly namespace: string; readonly release: string },
  { install, aws }: ReleaseArgs,
  options: DeclareOptions,
): pulumi.Input<string> | undefined {
  const { row, namespace, release } = place;
  if (row.aws === undefined) return undefined;
  if (row.isOfImplementation && install.roleArn !== undefined) return install.roleArn;
  if (aws === undefined) return undefined;
  const { policy, serviceAccount = release } = row.aws;
  const { identity } = aws;
  const role = { identity, namespace, serviceAccount, policy };
  return pulumi.output(
    // other platforms are spared the packages of AWS
    import("../eks/service-account-role.ts").then(({ declareServiceAccountRole }) =>
      declareServiceAccountRole(`${prefix}-${chart}`, role, { parent: options.parent }),
    ),
  );
}
