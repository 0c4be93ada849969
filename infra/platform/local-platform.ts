import * as pulumi from "@pulumi/pulumi";
import type { PlatformOutputs, PlatformSettings } from "../contract.ts";
import { DestroyGuard, Directory } from "../local/resources.ts";
import { platformPaths, serviceDirectories } from "../names.ts";
import { declareEnvoy } from "./envoy.ts";
import { declarePrometheus } from "./prometheus.ts";

export interface LocalPlatformArgs {
  /** Name of the stack. */
  readonly stack: string;
  /** Absolute. */
  readonly stateDir: string;
  readonly settings: PlatformSettings;
}

/** The platform of target `local`: Envoy and Prometheus as processes of this machine. */
export class LocalPlatform extends pulumi.ComponentResource {
  readonly outputs: pulumi.Output<PlatformOutputs>;

  constructor(
    name: string,
    { stack, stateDir, settings }: LocalPlatformArgs,
    options?: pulumi.ComponentResourceOptions,
  ) {
    super("upramp:platform:LocalPlatform", name, {}, options);
    const paths = platformPaths(stateDir);
    const directory = new Directory(
      "state",
      { path: stateDir, owner: stack, pathKey: "upramp:platform.stateDir" },
      { parent: this },
    );
    const inside = { parent: this, dependsOn: [directory] };
    const envoy = declareEnvoy(stateDir, settings.envoy, inside);
    const prometheus = declarePrometheus(stateDir, settings.prometheus, envoy.boundPort, inside);
    new DestroyGuard(
      "services",
      { directory: serviceDirectories(stateDir) },
      { parent: this, dependsOn: [envoy, prometheus] },
    );
    this.outputs = pulumi
      .all([envoy.url, envoy.logFile, prometheus.url, prometheus.logFile])
      .apply(([admin, envoyLog, address, prometheusLog]): PlatformOutputs => ({
        contract: 1,
        target: "local",
        stack,
        stateDir,
        envoy: { admin, directory: paths.xds },
        prometheus: { address, targetsDirectory: paths.targets },
        logs: [envoyLog, prometheusLog],
      }));
    this.registerOutputs({});
  }
}
