import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import {
  LocalWorkspace,
  PulumiCommand,
  type PulumiFn,
  type Stack,
} from "@pulumi/pulumi/automation/index.js";
import { z } from "zod";
import { outputName, serviceOutputsSchema, type ServiceOutputs } from "../../infra/contract.ts";
import { attach, type Attachments } from "../../rollout/cli/attachments.ts";
import { EngineEvents } from "../../rollout/adapters/pulumi-errors.ts";
import { packageDirectory } from "../../rollout/cli/project.ts";
import { pulumiEnvironment } from "../../tools/environment.ts";
import { findTool } from "../../tools/find.ts";
import { progressTo } from "../../tools/progress.ts";
import { startTypedProviders, type TypedProviders } from "../support/typed-providers/start.ts";

const deploymentSchema = z.object({
  resources: z
    .array(
      z.object({
        urn: z.string(),
        type: z.string(),
        inputs: z.unknown().optional(),
        outputs: z.record(z.string(), z.unknown()).default({}),
      }),
    )
    .default([]),
});

/** What the pack said of one operation of the engine. */
export interface Judged {
  readonly isRefused: boolean;
  /** Rule, message and resource of each mandatory violation. */
  readonly violations: readonly string[];
  /** All that the engine said went wrong. */
  readonly errors: string;
}

/** A stack whose every operation the pack judges, with stand-ins for the providers and the pack kept as a driver does. */
export class PolicyStack {
  readonly #stack: Stack;
  readonly #folder: string;
  readonly #attached: Attachments;
  readonly #providers: TypedProviders;

  private constructor(
    stack: Stack,
    folder: string,
    attached: Attachments,
    providers: TypedProviders,
  ) {
    this.#stack = stack;
    this.#folder = folder;
    this.#attached = attached;
    this.#providers = providers;
  }

  static async create(): Promise<PolicyStack> {
    const cli = await findTool("pulumi");
    if (cli === undefined) throw new Error("pulumi is not there; `npm run setup` gets it");
    const pulumiCommand = await PulumiCommand.get({ root: dirname(dirname(cli.path)) });
    const environment = await pulumiEnvironment({
      program: "inline",
      progress: progressTo(process.stderr),
    });
    const providers = await startTypedProviders(["aws", "eks", "kubernetes"]);
    const attached = await attach(true, [join(packageDirectory, "policies")], environment);
    const debugged = [providers.env, attached.environment]
      .map((variables) => variables["PULUMI_DEBUG_PROVIDERS"])
      .join(",");
    const folder = mkdtempSync(join(tmpdir(), "upramp-policies-"));
    mkdirSync(join(folder, "backend"));
    const stack = await LocalWorkspace.createStack(
      { stackName: "test", projectName: "policies", program: () => Promise.resolve() },
      {
        pulumiCommand,
        pulumiHome: join(folder, "home"),
        projectSettings: {
          name: "policies",
          runtime: "nodejs",
        },
        envVars: {
          ...environment,
          ...attached.environment,
          PULUMI_DEBUG_PROVIDERS: debugged,
          // whatever backend the environment names
          PULUMI_BACKEND_URL: `file://${join(folder, "backend")}`,
          PULUMI_CONFIG_PASSPHRASE: "test",
        },
      },
    );
    // after each update the SDK reads outputs and history by three more processes
    stack.outputs = (): Promise<Record<string, never>> => Promise.resolve({});
    stack.info = (): Promise<undefined> => Promise.resolve(undefined);
    return new PolicyStack(stack, folder, attached, providers);
  }

  /** Folder for what a program writes. */
  get folder(): string {
    return this.#folder;
  }

  /** An update without a preview, as each step of a driver is. */
  up(program: PulumiFn, config: object = {}, settings: object = {}): Promise<Judged> {
    return this.#judge("up", program, config, settings);
  }

  preview(program: PulumiFn, config: object = {}, settings: object = {}): Promise<Judged> {
    return this.#judge("preview", program, config, settings);
  }

  /** Inputs of the resources of a type that the stack has, by name. */
  async resources(type: string): Promise<Readonly<Record<string, unknown>>> {
    const found = await this.#exported();
    return Object.fromEntries(
      found
        .filter((resource) => resource.type === type)
        .map(({ urn, inputs }) => [urn.split("::").at(-1) ?? "", inputs]),
    );
  }

  /** What the stack said of its service after the last operation. */
  async service(): Promise<ServiceOutputs> {
    const found = await this.#exported();
    const stack = found.find(({ type }) => type === "pulumi:pulumi:Stack");
    return serviceOutputsSchema.parse(stack?.outputs[outputName]);
  }

  async #exported(): Promise<z.output<typeof deploymentSchema>["resources"]> {
    const exported: { readonly deployment: unknown } = await this.#stack.exportStack();
    return deploymentSchema.parse(exported.deployment).resources;
  }

  async #judge(
    operation: "up" | "preview",
    program: PulumiFn,
    config: object,
    settings: object,
  ): Promise<Judged> {
    const configFile = join(this.#folder, "Pulumi.settings.yaml");
    writeFileSync(configFile, JSON.stringify({ config: settings }));
    const packConfig = join(this.#folder, "policy-config.json");
    writeFileSync(packConfig, JSON.stringify(config));
    const events = new EngineEvents();
    const options = {
      program,
      configFile,
      policyPacks: [...this.#attached.policyPacks],
      policyPackConfigs: [packConfig],
      onEvent: events.take,
    };
    try {
      await (operation === "up" ? this.#stack.up(options) : this.#stack.preview(options));
      return { isRefused: false, violations: events.violations, errors: "" };
    } catch (error) {
      const { message } = events.failure(error);
      return { isRefused: true, violations: events.violations, errors: message };
    }
  }

  async remove(): Promise<void> {
    await this.#stack.destroy().catch(() => undefined);
    this.#attached.stop();
    await this.#providers.stop();
    rmSync(this.#folder, { recursive: true, force: true });
  }
}
