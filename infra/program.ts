import { join, resolve } from "node:path";
import * as pulumi from "@pulumi/pulumi";
import { readConfig } from "./config.ts";
import type { StackConfig } from "./config.ts";
import {
  ContractError,
  outputName,
  parse,
  platformOutputsSchema,
  serviceOutputsSchema,
} from "./contract.ts";
import type { PlatformOutputs, ServiceOutputs } from "./contract.ts";
import { LocalProvider } from "./local/resources.ts";
import { serviceDirectory } from "./names.ts";
import { LocalPlatform } from "./platform/local-platform.ts";
import { projectDirectory } from "./project-directory.ts";
import { envoyRouter } from "./routers/envoy.ts";
import { desiredOf } from "./service/desired.ts";
import { LocalService } from "./service/local-service.ts";
import { fullStackName, readOutputs, readPlatformOutputs } from "./stack-outputs.ts";

/**
 * The Pulumi program: declares the stack that the configuration describes and gives its outputs. It is the same
 * function for `pulumi up` and, as inline program, for the driver.
 */
export async function program(): Promise<Record<string, unknown>> {
  const config = readConfig({
    values: pulumi.runtime.allConfig(),
    environment: process.env,
    directory: projectDirectory(),
  });
  switch (config.kind) {
    case "platform":
      return { [outputName]: declarePlatform(config) };
    case "service":
      return { [outputName]: await declareService(config) };
  }
}

type PlatformConfig = StackConfig & { readonly kind: "platform" };
type ServiceConfig = StackConfig & { readonly kind: "service" };

function declarePlatform({ platform }: PlatformConfig): pulumi.Output<PlatformOutputs> {
  const stateDir = resolve(
    projectDirectory(),
    platform.stateDir ?? join(".upramp", pulumi.getStack()),
  );
  const providers = [new LocalProvider("local")];
  const args = { stack: pulumi.getStack(), stateDir, settings: platform };
  return new LocalPlatform("platform", args, { providers }).outputs;
}

async function declareService(config: ServiceConfig): Promise<pulumi.Output<ServiceOutputs>> {
  const previous = await previousOutputs();
  if (previous !== null && previous.service !== config.service.name) {
    throw new ContractError(
      `upramp:service.name = "${config.service.name}": this stack runs "${previous.service}", and a stack keeps its ` +
        `service; make a new stack for the new one`,
    );
  }
  const platform = await platformOf(config, previous);
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
      endpoint,
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

/** What this stack said of itself after its last update; null before the first. */
async function previousOutputs(): Promise<ServiceOutputs | null> {
  const found = await readOutputs(fullStackName(pulumi.getStack()));
  return found === undefined ? null : parse(serviceOutputsSchema, found, "outputs of this stack");
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
