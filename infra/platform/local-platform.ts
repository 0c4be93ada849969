import * as pulumi from "@pulumi/pulumi";
import type { PlatformOutputs, PlatformSettings } from "../contract.ts";
import { platformPaths } from "../names.ts";
import { declareEnvoy } from "./envoy.ts";
import { declarePrometheus } from "./prometheus.ts";

export interface LocalPlatformArgs {
  /** Absolute. */
  readonly stateDir: string;
  readonly settings: PlatformSettings;
}

/** The platform of target `local`: Envoy and Prometheus as processes of this machine. */
export class LocalPlatform extends pulumi.ComponentResource {
  readonly outputs: pulumi.Output<PlatformOutputs>;

  constructor(
    name: string,
    { stateDir, settings }: LocalPlatformArgs,
    options?: pulumi.ComponentResourceOptions,
  ) {
    super("upramp:platform:LocalPlatform", name, {}, options);
    const paths = platformPaths(stateDir);
    const envoy = declareEnvoy(stateDir, settings.envoy, this);
    const prometheus = declarePrometheus(stateDir, settings.prometheus, envoy.boundPort, this);
    this.outputs = pulumi
      .all([envoy.url, envoy.logFile, prometheus.url, prometheus.logFile])
      .apply(([admin, envoyLog, address, prometheusLog]): PlatformOutputs => ({
        contract: 1,
        target: "local",
        stateDir,
        envoy: { admin, directory: paths.xds },
        prometheus: { address, targetsDirectory: paths.targets },
        logs: [envoyLog, prometheusLog],
      }));
    this.registerOutputs({});
  }
}
