import * as pulumi from "@pulumi/pulumi";
import type { ChartName, InstallSettings } from "../../router-install-contract.ts";
import { accountOf, type AwsPlace } from "./aws-place.ts";
import { chartTable } from "./chart-table.ts";
import { mergeValues, type ChartValues } from "./merge-values.ts";

/** What the values of a chart depend on. */
export interface ChartContext {
  readonly install: InstallSettings;
  /** Name of the Gateway or VirtualGateway of this stack; undefined where there is none. */
  readonly gateway: string | undefined;
  /** Undefined outside of target `eks`. */
  readonly aws: AwsPlace | undefined;
  /** Role of the chart's pods; undefined where they have none. */
  readonly roleArn: pulumi.Input<string> | undefined;
}

/** All that is set in a chart: what the table says, what this platform needs, and over it what users wrote. */
export function valuesOf(chart: ChartName, context: ChartContext): ChartValues {
  const own = mergeValues(chartTable[chart].values, ofPlatform(chart, context));
  return mergeValues(own, context.install.values[chart] ?? {});
}

function ofPlatform(chart: ChartName, context: ChartContext): ChartValues {
  const { install, gateway, aws, roleArn } = context;
  const serviceAccount =
    roleArn === undefined ? {} : { annotations: { "eks.amazonaws.com/role-arn": roleArn } };
  const region = aws?.region ?? install.region;
  switch (chart) {
    case "istiod":
      return install.mode === "sidecar" ? {} : { profile: "ambient" };
    case "aws-gateway-controller-chart":
      return {
        awsRegion: region,
        awsAccountId: pulumi
          .output(aws?.identity.oidcProviderArn ?? install.roleArn ?? "")
          .apply(accountOf),
        clusterVpcId: aws?.vpcId ?? install.vpcId,
        clusterName: aws?.clusterName ?? install.clusterName,
        // the controller makes the service network of this name, and a Gateway means the one of its own name
        defaultServiceNetwork: gateway,
        serviceAccount,
      };
    case "appmesh-controller":
      return { ...(region === undefined ? {} : { region }), serviceAccount };
    case "appmesh-gateway":
      return {
        fullnameOverride: gateway,
        serviceAccount: { create: true, name: gateway, ...serviceAccount },
        service: { annotations: install.annotations },
      };
    case "gateway-helm":
    case "base":
    case "cni":
    case "ztunnel":
      return {};
  }
}
