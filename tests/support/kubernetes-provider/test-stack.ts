import { mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import {
  type DestroyResult,
  type EngineEvent,
  LocalWorkspace,
  type LocalWorkspaceOptions,
  type OpType,
  type PreviewResult,
  PulumiCommand,
  type PulumiFn,
  type RefreshResult,
  type Stack,
  type UpResult,
} from "@pulumi/pulumi/automation/index.js";
import { z } from "zod";
import { findTool } from "../../../tools/find.ts";

const exportSchema = z.object({
  resources: z
    .array(
      z.object({
        urn: z.string(),
        id: z.string().optional(),
        type: z.string(),
        inputs: z.record(z.string(), z.unknown()).default({}),
        outputs: z.record(z.string(), z.unknown()).default({}),
        initErrors: z.array(z.string()).default([]),
      }),
    )
    .default([]),
});

/** A resource as the stack's state has it. */
export type StateResource = z.output<typeof exportSchema>["resources"][number];

/** What an engine did to the resources of the kubernetes package. */
export interface Run<Result> {
  readonly result: Result | undefined;
  /** Everything that went wrong, in the engine's words; "" for a success. */
  readonly errors: string;
  /** Operation by resource name, in the order of the steps. */
  readonly steps: readonly (readonly [name: string, op: OpType])[];
}

/** A stack on a file backend of its own, whose program can be another at each run. */
export class TestStack {
  readonly #stack: Stack;
  readonly #folder: string;

  private constructor(stack: Stack, folder: string) {
    this.#stack = stack;
    this.#folder = folder;
  }

  /** @param env laid over this process's: where pulumi's parts and the provider are */
  static async create(env: Readonly<Record<string, string>>): Promise<TestStack> {
    const cli = await findTool("pulumi");
    if (cli === undefined) throw new Error("pulumi is not there; `npm run setup` gets it");
    // The SDK looks in this process's PATH only, unless it is told.
    const pulumiCommand = await PulumiCommand.get({ root: dirname(dirname(cli.path)) });
    const folder = mkdtempSync(join(tmpdir(), "upramp-stack-"));
    const backend = join(folder, "backend");
    mkdirSync(backend);
    const workspace: LocalWorkspaceOptions = {
      pulumiCommand,
      pulumiHome: join(folder, "home"),
      projectSettings: {
        name: "provider-test",
        runtime: "nodejs",
      },
      // whatever backend the environment names
      envVars: {
        ...env,
        PULUMI_BACKEND_URL: `file://${backend}`,
        PULUMI_CONFIG_PASSPHRASE: "test",
      },
    };
    const program: PulumiFn = async () => undefined;
    const stack = await LocalWorkspace.createStack(
      { stackName: "test", projectName: "provider-test", program },
      workspace,
    );
    return new TestStack(stack, folder);
  }

  async up(program: PulumiFn, signal?: AbortSignal): Promise<Run<UpResult>> {
    return await this.#run((onEvent) =>
      this.#stack.up({ program, onEvent, ...(signal === undefined ? {} : { signal }) }),
    );
  }

  async preview(program: PulumiFn): Promise<Run<PreviewResult>> {
    return await this.#run((onEvent) => this.#stack.preview({ program, onEvent }));
  }

  async refresh(): Promise<Run<RefreshResult>> {
    return await this.#run((onEvent) => this.#stack.refresh({ onEvent }));
  }

  async destroy(): Promise<Run<DestroyResult>> {
    return await this.#run((onEvent) => this.#stack.destroy({ onEvent }));
  }

  /** The resource of that name in the state. @throws Error when there is none */
  async state(name: string): Promise<StateResource> {
    const resources = await this.resources();
    const found = resources.find(({ urn }) => urn.endsWith(`::${name}`));
    if (found === undefined) throw new Error(`${name} is not in the state`);
    return found;
  }

  async resources(): Promise<readonly StateResource[]> {
    const exported: { readonly deployment: unknown } = await this.#stack.exportStack();
    return exportSchema.parse(exported.deployment).resources;
  }

  /** The state as it is on disk, where secrets are encrypted; `resources` decrypts them. */
  async storedState(): Promise<string> {
    const folder = join(this.#folder, "backend", ".pulumi", "stacks");
    return await readFile(join(folder, "provider-test", "test.json"), "utf8");
  }

  /** The state as it is written: with its secrets encrypted. */
  writtenState(): string {
    const path = join(this.#folder, "backend", ".pulumi", "stacks", "provider-test", "test.json");
    return readFileSync(path, "utf8");
  }

  /** Destroys what is left and removes every file. */
  async remove(): Promise<void> {
    await this.#stack.destroy().catch(() => undefined);
    rmSync(this.#folder, { recursive: true, force: true });
  }

  async #run<Result>(
    act: (onEvent: (event: EngineEvent) => void) => Promise<Result>,
  ): Promise<Run<Result>> {
    const steps: (readonly [string, OpType])[] = [];
    const errors: string[] = [];
    const onEvent = (event: EngineEvent): void => {
      const metadata = event.resourcePreEvent?.metadata;
      if (metadata?.type.startsWith("kubernetes:") === true) {
        steps.push([metadata.urn.split("::").at(-1) ?? "", metadata.op]);
      }
      const diagnostic = event.diagnosticEvent;
      if (diagnostic?.severity === "error") errors.push(diagnostic.message);
    };
    try {
      return { result: await act(onEvent), errors: "", steps };
    } catch (error) {
      const words = error instanceof Error ? error.message : String(error);
      return { result: undefined, errors: errors.join("\n") || words, steps };
    }
  }
}
