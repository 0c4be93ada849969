import { join, resolve } from "node:path";
import * as pulumi from "@pulumi/pulumi";
import type { StackConfig } from "./config.ts";
import { ContractError, parse, platformOutputsSchema } from "./contract.ts";
import type { PlatformOutputs, PlatformSettings, ServiceOutputs } from "./contract.ts";
import { LocalProvider } from "./local/resources.ts";
import { serviceDirectory } from "./names.ts";
import { LocalPlatform } from "./platform/local-platform.ts";
import { projectDirectory } from "./project-directory.ts";
import { envoyRouter } from "./routers/envoy.ts";
import { desiredOf } from "./service/desired.ts";
import { LocalService } from "./service/local-service.ts";
import { previousOutputs } from "./service/previous-outputs.ts";
import { shownRollout } from "./service/shown-rollout.ts";
import { fullStackName, readOutputs, readPlatformOutputs } from "./stack-outputs.ts";

type PlatformConfig = StackConfig & { readonly kind: "platform"; readonly target: "local" };
type ServiceConfig = StackConfig & { readonly kind: "service"; readonly target: "local" };

/** A platform stack of target `local`. */
export async function declareLocalPlatform({
  platform,
}: PlatformConfig): Promise<pulumi.Output<PlatformOutputs>> {
  const found = await readOutputs(fullStackName(pulumi.getStack()));
  const previous =
    found === undefined ? null : parse(platformOutputsSchema, found, "outputs of this stack");
  const stack = pulumi.getStack();
  const settings = withAbsoluteBinaries(platform);
  const stateDir = stateDirOf(platform, previous);
  const providers = [new LocalProvider("local")];
  return new LocalPlatform("platform", { stack, stateDir, settings }, { providers }).outputs;
}

/**
 * Where the platform keeps its files: for ever where it began, since everything that runs on it is known by files
 * below it. So an update from another checkout, where the default is another directory, changes nothing.
 */
function stateDirOf({ stateDir }: PlatformSettings, previous: PlatformOutputs | null): string {
  if (stateDir === undefined && previous !== null) return previous.stateDir;
  const written = resolve(projectDirectory(), stateDir ?? join(".upramp", pulumi.getStack()));
  if (previous === null || previous.stateDir === written) return written;
  throw new ContractError(
    `upramp:platform.stateDir = ${written}: this platform keeps its files in ${previous.stateDir} and cannot move; ` +
      "set that, or remove the key, or destroy the platform first",
  );
}

/** A binary given by a path is found from the project's folder; a bare name is left to PATH. */
function withAbsoluteBinaries({ envoy, prometheus, ...rest }: PlatformSettings): PlatformSettings {
  const absolute = <T extends { readonly binary?: string | undefined }>(settings: T): T =>
    settings.binary?.includes("/") === true
      ? { ...settings, binary: resolve(projectDirectory(), settings.binary) }
      : settings;
  return { ...rest, envoy: absolute(envoy), prometheus: absolute(prometheus) };
}

/** A service stack of target `local`. */
export async function declareLocalService(
  config: ServiceConfig,
): Promise<pulumi.Output<ServiceOutputs>> {
  const previous = await previousOutputs(config.service.name);
  const platform = await platformOf(config, previous);
  const before = previous?.platform;
  if (before?.target === "local" && before.stateDir !== platform.stateDir) {
    throw new ContractError(
      `upramp:platform = "${config.platform}": this service runs on the platform in ${before.stateDir} and cannot ` +
        "move to another: set that one again, or destroy this stack first",
    );
  }
  const desired = desiredOf(config.revision, config.drive, previous);
  const { name } = config.service;
  const service = new LocalService(
    name,
    {
      stack: pulumi.getStack(),
      settings: config.service,
      assignment: desired.assignment,
      keepWeights: desired.keepWeights,
      platform,
      router: envoyRouter(platform),
      rollout: shownRollout(config.rollout, previous, desired.assignment),
      workingDirectory: projectDirectory(),
    },
    { providers: [new LocalProvider("local")] },
  );
  const { routed } = service;
  return pulumi
    .all([routed.endpoint, routed.weights, service.logs])
    .apply(([endpoint, weights, logs]): ServiceOutputs => ({
      contract: 1,
      service: name,
      target: "local",
      assignment: { ...desired.assignment, weights },
      configured: desired.configured,
      failed: desired.failed,
      rollout: config.rollout,
      ...(endpoint === undefined ? {} : { endpoint }),
      metrics: {
        address: platform.prometheus.address,
        queries: routed.queries,
        variables: routed.variables,
      },
      traffic: routed.traffic,
      store: {
        kind: "file",
        directory: join(serviceDirectory(platform.stateDir, name), "rollout"),
      },
      platform,
      logs: [...logs, ...platform.logs],
    }));
}

/**
 * A plain update takes up what the platform says now. One by the driver goes on with what the last plain one
 * found: it changes nothing else than the drive says, and opening a second stack would double its time (a key is
 * derived from the passphrase for each).
 */
async function platformOf(
  config: ServiceConfig,
  previous: ServiceOutputs | null,
): Promise<PlatformOutputs> {
  if (config.drive !== null && previous?.platform?.target === "local") return previous.platform;
  const found = await readPlatformOutputs(config.platform);
  return parse(platformOutputsSchema, found, `outputs of platform stack ${config.platform}`);
}
