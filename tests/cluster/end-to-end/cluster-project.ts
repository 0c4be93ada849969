import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseDocument, stringify } from "yaml";
import { parse, serviceOutputsSchema, type ServiceOutputs } from "../../../infra/contract.ts";
import { packageDirectory } from "../../../rollout/cli/project.ts";
import { pulumi, upramp, type Finished, type RunningCommand } from "../../end-to-end/commands.ts";
import type { KubernetesProviderProcess } from "../../support/kubernetes-provider/start.ts";
import type { TestCluster } from "../test-cluster.ts";

const platformStack = "cluster";

/** What a service stack's file says. */
export interface ServiceSettings {
  readonly service: Readonly<Record<string, unknown>>;
  readonly rollout: unknown;
}

/**
 * A project folder as a user has it, with a backend of its own: a platform stack of target `kubernetes`, and a stack for
 * each service. Every command is a process of its own.
 */
export class ClusterProject {
  readonly directory: string;
  readonly env: Readonly<Record<string, string>>;

  private constructor(directory: string, env: Readonly<Record<string, string>>) {
    this.directory = directory;
    this.env = env;
  }

  /** Makes the folder and deploys the platform. */
  static async deploy(
    cluster: TestCluster,
    provider: KubernetesProviderProcess,
    platform: Readonly<Record<string, unknown>>,
  ): Promise<ClusterProject> {
    const directory = await mkdtemp(join(tmpdir(), "upramp-on-cluster-"));
    await mkdir(join(directory, "backend"));
    const kubeconfig = join(directory, "kubeconfig");
    await writeFile(kubeconfig, cluster.config.exportConfig(), { mode: 0o600 });
    const project = new ClusterProject(directory, {
      ...provider.env,
      KUBECONFIG: kubeconfig,
      PULUMI_BACKEND_URL: `file://${join(directory, "backend")}`,
      PULUMI_CONFIG_PASSPHRASE: "test",
    });
    await project.#write("Pulumi.yaml", {
      name: "upramp",
      runtime: { name: "nodejs", options: { typescript: false } },
      main: join(packageDirectory, "infra", "index.ts"),
    });
    await project.#write(`Pulumi.${platformStack}.yaml`, {
      config: {
        "upramp:kind": "platform",
        "upramp:platform": { target: "kubernetes", ...platform },
      },
    });
    await project.#succeed("stack", "init", platformStack);
    await project.#succeed("up", "--yes", "--skip-preview", "--stack", platformStack);
    return project;
  }

  /** Deploys a service's first version. */
  async deployService(settings: ServiceSettings): Promise<ClusterService> {
    const service = await this.declareService(settings);
    const { code, stdout, stderr } = await service.up().done;
    if (code !== 0) throw new Error(`pulumi up: exit code ${code}\n${stdout}\n${stderr}`);
    return service;
  }

  /** Makes a service's stack and deploys nothing. */
  async declareService({ service, rollout }: ServiceSettings): Promise<ClusterService> {
    const stack = `${platformStack}-${String(service["name"])}`;
    await this.#write(`Pulumi.${stack}.yaml`, {
      config: {
        "upramp:kind": "service",
        "upramp:platform": platformStack,
        "upramp:service": { target: "kubernetes", ...service },
        "upramp:rollout": rollout,
      },
    });
    await this.#succeed("stack", "init", stack);
    return new ClusterService(this, stack);
  }

  /** Removes the platform and the folder. */
  async remove(): Promise<void> {
    await this.#succeed("destroy", "--yes", "--skip-preview", "--stack", platformStack);
    await rm(this.directory, { recursive: true, force: true });
  }

  pulumi(...args: readonly string[]): RunningCommand {
    return pulumi(this.directory, this.env, ...args);
  }

  async #succeed(...args: readonly string[]): Promise<Finished> {
    const finished = await this.pulumi(...args).done;
    if (finished.code === 0) return finished;
    const { code, stdout, stderr } = finished;
    throw new Error(`pulumi ${args.join(" ")}: exit code ${code}\n${stdout}\n${stderr}`);
  }

  #write(name: string, content: unknown): Promise<void> {
    return writeFile(join(this.directory, name), stringify(content));
  }
}

/** A service of such a project. */
export class ClusterService {
  readonly stack: string;
  readonly #project: ClusterProject;

  constructor(project: ClusterProject, stack: string) {
    this.#project = project;
    this.stack = stack;
  }

  /** `pulumi up`, as from a workstation. */
  up(): RunningCommand {
    return this.pulumi("up", "--yes", "--skip-preview");
  }

  /** `upramp run`. */
  run(...args: readonly string[]): RunningCommand {
    return this.upramp("run", ...args);
  }

  upramp(...args: readonly string[]): RunningCommand {
    const { directory, env } = this.#project;
    return upramp(directory, env, "-s", this.stack, ...args);
  }

  pulumi(...args: readonly string[]): RunningCommand {
    return this.#project.pulumi(...args, "--stack", this.stack);
  }

  async outputs(): Promise<ServiceOutputs> {
    const { stdout } = await this.pulumi("stack", "output", "upramp", "--json").done;
    return parse(serviceOutputsSchema, JSON.parse(stdout), `outputs of ${this.stack}`);
  }

  /** Edits the checkout: all under `upramp:rollout`. */
  configureRollout(rollout: unknown): Promise<void> {
    return this.#set(["upramp:rollout"], rollout);
  }

  /** Edits the checkout: a field under `upramp:service`. */
  configure(path: readonly string[], value: unknown): Promise<void> {
    return this.#set(["upramp:service", ...path], value);
  }

  async #set(path: readonly string[], value: unknown): Promise<void> {
    const file = join(this.#project.directory, `Pulumi.${this.stack}.yaml`);
    const settings = parseDocument(await readFile(file, "utf8"));
    settings.setIn(["config", ...path], value);
    await writeFile(file, settings.toString());
  }

  /** Removes the service. */
  destroy(): Promise<Finished> {
    return this.pulumi("destroy", "--yes", "--skip-preview").done;
  }
}
