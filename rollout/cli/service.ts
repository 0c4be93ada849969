import { appendFileSync, mkdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { configNamespace, type ServiceOutputs } from "../../infra/contract.ts";
import { program } from "../../infra/program.ts";
import { localTargetEnvironment, pulumiEnvironment } from "../../tools/environment.ts";
import { progressTo } from "../../tools/progress.ts";
import { AmpAccess } from "../adapters/amp-access.ts";
import { AppMeshTraffic } from "../adapters/app-mesh-traffic.ts";
import { readSettings } from "../adapters/drive-config.ts";
import { EnvoyTraffic } from "../adapters/envoy-traffic.ts";
import { FileStore } from "../adapters/file-store.ts";
import { GatewayApiTraffic } from "../adapters/gateway-api-traffic.ts";
import { KubernetesProxy } from "../adapters/kubernetes-proxy.ts";
import { KubernetesStore } from "../adapters/kubernetes-store.ts";
import { credentialsFromEnvironment } from "../adapters/prometheus-credentials.ts";
import { PrometheusClient } from "../adapters/prometheus.ts";
import { PulumiStack, type PulumiStackOptions } from "../adapters/pulumi-stack.ts";
import { newRecord, type RolloutRecord } from "../core/state.ts";
import { UserError } from "../errors.ts";
import type { StateStore, TrafficReader } from "../ports.ts";
import { attach, type Attachments } from "./attachments.ts";
import { findPolicyPacks, type PolicyPackOptions, type PolicyPacks } from "./policy-packs.ts";
import { readProject, type Project } from "./project.ts";

/** What names a service on the command line. */
export interface ServiceOptions extends PolicyPackOptions {
  readonly stack?: string | undefined;
  readonly cwd: string;
  readonly onEvent?: PulumiStackOptions["onEvent"];
}

/** A service's stack, opened; the adapters follow from what its outputs say. */
export class Service {
  readonly project: Project;
  readonly stackName: string;
  readonly stack: PulumiStack;
  readonly policyPacks: PolicyPacks;
  readonly #attached: Attachments | null;
  /** How a Prometheus inside a cluster is reached. */
  #proxy: KubernetesProxy | null = null;
  /** Kept, so that credentials are looked for once. */
  #amp: { readonly region: string; readonly access: AmpAccess } | null = null;

  private constructor(
    project: Project,
    stackName: string,
    stack: PulumiStack,
    policyPacks: PolicyPacks,
    attached: Attachments | null,
  ) {
    this.project = project;
    this.stackName = stackName;
    this.stack = stack;
    this.policyPacks = policyPacks;
    this.#attached = attached;
  }

  /**
   * Selects the stack. With `forChanges`, what each `up` needs is started once for all of them.
   * Throws a UserError when the project, the stack or a tool is missing.
   */
  static open(options: ServiceOptions, forChanges: boolean): Promise<Service> {
    return Service.#with(options, forChanges, (stack) => PulumiStack.open(stack));
  }

  /** As `open` for changes, of a stack that may not exist yet. */
  static create(options: ServiceOptions): Promise<Service> {
    return Service.#with(options, true, (stack) => PulumiStack.create(stack));
  }

  static async #with(
    options: ServiceOptions,
    forChanges: boolean,
    openStack: (options: PulumiStackOptions) => Promise<PulumiStack>,
  ): Promise<Service> {
    const stackName = options.stack ?? process.env["PULUMI_STACK"];
    if (stackName === undefined || stackName === "") {
      throw new UserError("no stack given: name the service's stack with --stack or PULUMI_STACK");
    }
    const project = await readProject(options.cwd);
    const usesProcesses = project.own && (await isOfLocalTarget(project.directory, stackName));
    const environment = await toolEnvironment(project, usesProcesses);
    // an inline program runs in this process and looks for its binaries as one started by the CLI does
    Object.assign(process.env, environment);
    const packs = findPolicyPacks(options, project);
    const attached = forChanges ? await attach(usesProcesses, packs.folders, environment) : null;
    try {
      const stack = await openStack({
        stackName,
        projectDirectory: project.directory,
        projectName: project.name,
        program: project.own ? program : undefined,
        environment: { ...environment, ...attached?.environment },
        policyPacks: attached?.policyPacks ?? packs.folders,
        policyPackConfigs: packs.configs,
        onEvent: options.onEvent,
        onOutput: logTo(join(project.directory, ".upramp", "log", `${stackName}.log`)),
      });
      return new Service(project, stackName, stack, packs, attached);
    } catch (error) {
      attached?.stop();
      throw error;
    }
  }

  /** The stack's outputs. Throws a UserError when the service has never been deployed. */
  async outputs(signal: AbortSignal): Promise<ServiceOutputs> {
    const outputs = await this.findOutputs(signal);
    if (outputs !== null) return outputs;
    throw new UserError(
      `stack "${this.stackName}" has no service yet: deploy it with \`pulumi up -s ${this.stackName}\` or \`upramp run -s ${this.stackName}\``,
    );
  }

  /** As `outputs`, or null when the service has never been deployed. */
  async findOutputs(signal: AbortSignal): Promise<ServiceOutputs | null> {
    const outputs = await this.stack.outputs(signal);
    if (outputs?.metrics.proxy !== undefined) {
      this.#proxy ??= await KubernetesProxy.open(outputs.metrics.proxy);
    }
    return outputs;
  }

  /** The saved record, or that of a service that was never rolled out. */
  async record(outputs: ServiceOutputs): Promise<RolloutRecord> {
    const saved = await this.store(outputs).load();
    return saved ?? newRecord(outputs.service, outputs.assignment, outputs.configured);
  }

  /** Where the rollout record and the lock of this service are. */
  store(outputs: ServiceOutputs): StateStore {
    const { store } = outputs;
    switch (store.kind) {
      case "file":
        return new FileStore({ directory: store.directory, name: this.stackName });
      case "kubernetes":
        return new KubernetesStore(store);
    }
  }

  traffic(outputs: ServiceOutputs): TrafficReader {
    const { traffic } = outputs;
    switch (traffic.router) {
      case "envoy":
        return new EnvoyTraffic(traffic);
      case "gateway-api":
        return new GatewayApiTraffic(traffic);
      case "app-mesh":
        return new AppMeshTraffic(traffic);
    }
  }

  metrics(outputs: ServiceOutputs): PrometheusClient {
    const { address, amp } = outputs.metrics;
    if (amp !== undefined)
      return new PrometheusClient({ address, amp: this.#ampAccess(amp.region) });
    return new PrometheusClient({
      address: this.#proxy?.address ?? address,
      credentials: credentialsFromEnvironment(process.env),
    });
  }

  #ampAccess(region: string): AmpAccess {
    if (this.#amp?.region !== region) this.#amp = { region, access: new AmpAccess({ region }) };
    return this.#amp.access;
  }

  close(): void {
    this.#attached?.stop();
    this.#proxy?.close();
  }
}

/** Whether a stack of this package's own program consists of processes of this machine. */
async function isOfLocalTarget(directory: string, stackName: string): Promise<boolean> {
  const { config } = await readSettings(directory, stackName);
  const kind = config[`${configNamespace}:kind`] === "service" ? "service" : "platform";
  const written: unknown = config[`${configNamespace}:${kind}`];
  return (Reflect.get(Object(written), "target") ?? "local") === "local";
}

/** PATH and the rest for every CLI call; gets tools that are missing, with progress. */
async function toolEnvironment(
  project: Project,
  usesProcesses: boolean,
): Promise<Record<string, string>> {
  const progress = progressTo(process.stderr);
  const environment = await pulumiEnvironment({
    program: project.own ? "inline" : "project",
    progress,
  });
  return {
    ...environment,
    ...(usesProcesses ? await localTargetEnvironment() : {}),
    // where relative paths of the configuration begin; an inline program is not told otherwise
    PULUMI_NODEJS_ROOT_DIRECTORY: project.directory,
  };
}

/** What the engine says, kept for people to read when something went wrong. */
function logTo(path: string): (chunk: string) => void {
  mkdirSync(dirname(path), { recursive: true });
  return (chunk) => appendFileSync(path, chunk);
}
