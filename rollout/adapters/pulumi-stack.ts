import { execFile } from "node:child_process";
import { hostname } from "node:os";
import { promisify } from "node:util";
import {
  LocalWorkspace,
  StackNotFoundError,
  type EngineEvent,
  type PulumiFn,
  type Stack,
  type UpOptions,
} from "@pulumi/pulumi/automation/index.js";
import {
  outputName,
  parse,
  serviceOutputsSchema,
  type Drive,
  type ServiceOutputs,
} from "../../infra/contract.ts";
import type { Assignment } from "../core/assignment.ts";
import type { ActFailure } from "../core/decide.ts";
import type { Action, FailedRevision } from "../core/state.ts";
import { OperationError, UserError } from "../errors.ts";
import type { ApplyResult, StackDriver, StackView } from "../ports.ts";
import { readSettings, withDriveConfig, type StackSettings } from "./drive-config.ts";
import { isAlive } from "./local-process.ts";
import { EngineEvents, explain, lockHolders } from "./pulumi-errors.ts";

const execute = promisify(execFile);

/** A stack's outputs or its export; the state of a service is some 100 kB. */
const outputBytesMax = 256 * 1024 * 1024;

export interface PulumiStackOptions {
  readonly stackName: string;
  /** Folder with the Pulumi.yaml. */
  readonly projectDirectory: string;
  /** The project's own program run in this process; absent: the CLI runs it through its language host. */
  readonly program?: PulumiFn | undefined;
  readonly projectName: string;
  /** Environment of every CLI call, PATH included. */
  readonly environment: Readonly<Record<string, string>>;
  /** Folders of the policy packs that a step forward must satisfy. */
  readonly policyPacks: readonly string[];
  /** Files with their configuration: none, or one for each pack. */
  readonly policyPackConfigs: readonly string[];
  /** Hears the engine's events as they come, for measuring. */
  readonly onEvent?: ((event: EngineEvent) => void) | undefined;
  /** Output of the CLI, for the log file. */
  readonly onOutput?: ((chunk: string) => void) | undefined;
}

/** The service stack through the Automation API. Each step is a real `pulumi up`. */
export class PulumiStack implements StackDriver {
  readonly #stack: Stack;
  readonly #options: PulumiStackOptions;
  #pendingCleared = false;
  #goodSettings: StackSettings | null = null;

  private constructor(stack: Stack, options: PulumiStackOptions) {
    this.#stack = stack;
    this.#options = options;
    // `up` would start three more CLI processes to read back outputs and history, 0.2 s each; the driver
    // reads back the router itself, and the stack once an interval
    stack.outputs = (): Promise<Record<string, never>> => Promise.resolve({});
    stack.info = (): Promise<undefined> => Promise.resolve(undefined);
  }

  /** Selects the stack. Throws a UserError when it, its backend or its passphrase cannot be had. */
  static open(options: PulumiStackOptions): Promise<PulumiStack> {
    return PulumiStack.#with(options, LocalWorkspace.selectStack.bind(LocalWorkspace));
  }

  /** Selects the stack, or makes an empty one. */
  static create(options: PulumiStackOptions): Promise<PulumiStack> {
    return PulumiStack.#with(options, LocalWorkspace.createOrSelectStack.bind(LocalWorkspace));
  }

  static async #with(
    options: PulumiStackOptions,
    select: typeof LocalWorkspace.selectStack,
  ): Promise<PulumiStack> {
    const { stackName, projectDirectory, projectName, program, environment } = options;
    const workspace = { workDir: projectDirectory, envVars: { ...environment } };
    try {
      const stack =
        program === undefined
          ? await select({ stackName, workDir: projectDirectory }, workspace)
          : await select({ stackName, projectName, program }, workspace);
      return new PulumiStack(stack, options);
    } catch (error) {
      throw openError(error, options);
    }
  }

  /** Removes all that the stack declares, and the stack itself. */
  async destroy(): Promise<void> {
    await this.#stack.destroy({ onOutput: this.#options.onOutput ?? ignore });
    await this.#stack.workspace.removeStack(this.#options.stackName);
  }

  async read(signal: AbortSignal): Promise<StackView | null> {
    const outputs = await this.outputs(signal);
    if (outputs === null) return null;
    const { service, assignment, configured, rollout, metrics } = outputs;
    const { queries, variables } = metrics;
    return { service, assignment, configured, spec: rollout, queries: { queries, variables } };
  }

  /** The outputs of the service stack as the contract has them, or null before the first `up`. */
  async outputs(signal?: AbortSignal): Promise<ServiceOutputs | null> {
    const text = await this.#cli(["stack", "output", "--json", "--show-secrets"], signal);
    const outputs: unknown = JSON.parse(text);
    const found: unknown = Reflect.get(Object(outputs), outputName);
    if (found === undefined) return null;
    return parse(serviceOutputsSchema, found, `output ${outputName} of ${this.#options.stackName}`);
  }

  /**
   * A plain `up`, as from a workstation: it brings the first version up and never moves weight. Throws a UserError when
   * the program does not get as far as that.
   */
  async install(signal: AbortSignal): Promise<void> {
    const events = new EngineEvents();
    try {
      await this.#up(this.#policies(true), events, signal);
    } catch (error) {
      const failure = events.failure(error);
      const message = `cannot deploy stack ${this.#options.stackName}: ${failure.message}`;
      if (failure.kind === "other" && events.programFailed) throw new UserError(message);
      throw new OperationError(message, { cause: error });
    }
  }

  async preview(assignment: Assignment, signal: AbortSignal): Promise<ActFailure | null> {
    const { policyPacks } = this.#options;
    if (policyPacks.length === 0) return null;
    const events = new EngineEvents();
    try {
      await this.#previewDriven({ assignment, failed: null }, true, events, signal);
    } catch (error) {
      return events.failure(error);
    }
    if (events.packs.size >= policyPacks.length) return null;
    // a pack that is named and silently not asked would let everything through
    const message = `of ${policyPacks.length} policy packs only ${events.packs.size} ran: ${policyPacks.join(", ")}`;
    return { kind: "policy", message };
  }

  /**
   * What the stack would say of itself after an `up` from this checkout that moves nothing. Throws a
   * UserError when the program refuses its configuration: better now than in the middle of a rollout.
   */
  async rehearse(
    { assignment, failed }: ServiceOutputs,
    signal: AbortSignal,
  ): Promise<ServiceOutputs> {
    const { stackName } = this.#options;
    const events = new EngineEvents();
    try {
      await this.#previewDriven({ assignment, failed }, false, events, signal);
    } catch (error) {
      throw new UserError(`stack "${stackName}": ${events.failure(error).message}`);
    }
    return parse(
      serviceOutputsSchema,
      events.stackOutputs?.[outputName],
      `previewed output ${outputName} of ${stackName}`,
    );
  }

  async #previewDriven(
    drive: Drive,
    isGated: boolean,
    events: EngineEvents,
    signal: AbortSignal,
  ): Promise<void> {
    const { projectDirectory, stackName } = this.#options;
    const settings = await readSettings(projectDirectory, stackName);
    await withDriveConfig(settings, drive, (configFile) =>
      this.#stack.preview({
        configFile,
        ...this.#policies(isGated),
        onEvent: events.take,
        onOutput: this.#options.onOutput ?? ignore,
        ...abortable(signal),
      }),
    );
  }

  async apply(
    action: Action,
    failed: FailedRevision | null,
    signal: AbortSignal,
  ): Promise<ApplyResult> {
    const events = new EngineEvents();
    const { assignment, forward, kind } = action;
    const shown =
      failed === null ? null : { id: failed.id, name: failed.name, why: failed.why.kind };
    const { blue, green } = assignment.weights;
    try {
      await this.#clearPendingCreates(signal);
      const settings = await this.#settingsFor(action);
      await withDriveConfig(settings, { assignment, failed: shown }, (configFile) =>
        this.#up(
          {
            configFile,
            message: `upramp: ${kind}, blue ${blue} %, green ${green} %`,
            ...this.#policies(forward),
            // the engine believes that nothing has changed: it must look first
            refresh: kind === "correctDrift",
          },
          events,
          signal,
        ),
      );
      this.#goodSettings = settings;
      return { kind: "applied" };
    } catch (error) {
      return { kind: "failed", failure: await this.#failure(events, error) };
    }
  }

  /** The packs that an operation must satisfy. */
  #policies(isGated: boolean): Pick<UpOptions, "policyPacks" | "policyPackConfigs"> {
    const { policyPacks, policyPackConfigs } = this.#options;
    return isGated
      ? { policyPacks: [...policyPacks], policyPackConfigs: [...policyPackConfigs] }
      : { policyPacks: [], policyPackConfigs: [] };
  }

  /** The checkout's settings; on the way back those of the last good `up`, so that an edit cannot block it. */
  async #settingsFor({ forward }: Action): Promise<StackSettings> {
    const { projectDirectory, stackName } = this.#options;
    if (!forward && this.#goodSettings !== null) return this.#goodSettings;
    return readSettings(projectDirectory, stackName);
  }

  /** Why it failed; a lock left by a dead process of this machine is taken away, so that the next try works. */
  async #failure(events: EngineEvents, error: unknown): Promise<ActFailure> {
    const failure = events.failure(error);
    if (failure.kind !== "locked") return failure;
    const holders = lockHolders(error instanceof Error ? error.message : "");
    const dead = await Promise.all(
      holders.map(async ({ host, pid }) => host === hostname() && !(await isAlive(pid, "pulumi"))),
    );
    if (holders.length === 0 || dead.includes(false)) return failure;
    await this.#stack.cancel();
    return {
      ...failure,
      message: `${failure.message} (that process is dead: its lock was removed)`,
    };
  }

  /** A killed `up` leaves the creations it had begun in the state for ever, unless a refresh drops them. */
  async #clearPendingCreates(signal: AbortSignal): Promise<void> {
    if (this.#pendingCleared) return;
    const exported: unknown = JSON.parse(await this.#cli(["stack", "export"], signal));
    const deployment: unknown = Reflect.get(Object(exported), "deployment");
    const pending: unknown = Reflect.get(Object(deployment), "pending_operations");
    if (Array.isArray(pending) && pending.length > 0) {
      await this.#stack.refresh({
        clearPendingCreates: true,
        onOutput: this.#options.onOutput ?? ignore,
        ...abortable(signal),
      });
    }
    this.#pendingCleared = true;
  }

  async #up(options: UpOptions, events: EngineEvents, signal: AbortSignal): Promise<void> {
    await this.#stack.up({
      ...options,
      onEvent: (event) => {
        events.take(event);
        this.#options.onEvent?.(event);
      },
      onOutput: this.#options.onOutput ?? ignore,
      suppressProgress: true,
      suppressOutputs: true,
      ...abortable(signal),
    });
  }

  async #cli(args: readonly string[], signal?: AbortSignal): Promise<string> {
    const { stackName, environment, projectDirectory } = this.#options;
    try {
      const { stdout } = await execute(
        this.#stack.workspace.pulumiCommand.command,
        [...args, "--stack", stackName, "--non-interactive"],
        {
          cwd: projectDirectory,
          env: { ...process.env, ...environment },
          maxBuffer: outputBytesMax,
          ...(signal === undefined ? {} : { signal }),
        },
      );
      return stdout;
    } catch (error) {
      throw openError(error, this.#options);
    }
  }
}

function openError(error: unknown, options: PulumiStackOptions): Error {
  const { stackName, projectDirectory } = options;
  if (error instanceof StackNotFoundError) {
    return new UserError(
      `no stack "${stackName}" in ${projectDirectory}: create it with \`pulumi stack init ${stackName}\` or name another with --stack`,
    );
  }
  const text = error instanceof Error ? error.message : String(error);
  const known = explain(text);
  if (known !== null) return new UserError(`stack "${stackName}": ${known}`);
  return new OperationError(`cannot reach stack "${stackName}"`, { cause: error });
}

/** One controller a call: the SDK never removes its listener, and ignores a signal aborted before. */
function abortable(signal: AbortSignal): { readonly signal: AbortSignal } {
  return { signal: AbortSignal.any([signal]) };
}

function ignore(): void {}
