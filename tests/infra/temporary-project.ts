import { execFile, spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { LocalWorkspace } from "@pulumi/pulumi/automation/index.js";
import type { PulumiFn, Stack } from "@pulumi/pulumi/automation/index.js";
import { stringify } from "yaml";
import { platformOutputsSchema, serviceOutputsSchema } from "../../infra/contract.ts";
import type { Drive, PlatformOutputs, ServiceOutputs } from "../../infra/contract.ts";
import { program } from "../../infra/program.ts";
import { pulumiEnvironment } from "../../tools/environment.ts";
import { getTool } from "../../tools/get.ts";
import { progressTo } from "../../tools/progress.ts";
import { overlayEnvironment } from "../support/process-environment.ts";

const execute = promisify(execFile);

const repository = join(import.meta.dirname, "../..");
export const packDirectory = join(repository, "policies");
export const packExecutable = join(packDirectory, "bin", "pack");
const podinfo = join(repository, "examples", "podinfo", "server.ts");
const providerDirectory = join(repository, "infra", "local", "bin");

/** An update may have to start processes on a machine that does other things as well. */
const commandMs = 120_000;

/** What starts a version of the example server. */
export function revisionOf(version: string, env: Readonly<Record<string, string>> = {}): object {
  return { command: process.execPath, args: [podinfo], env: { VERSION: version, ...env } };
}

/** A finished command. */
export interface Finished {
  readonly code: number;
  readonly output: string;
}

/** A project with a file backend, a platform stack `dev` and a service stack `dev-podinfo`, in a folder of its own. */
export class TemporaryProject {
  readonly directory: string;
  readonly #plain: Readonly<Record<string, string>>;
  readonly #inline: Readonly<Record<string, string>>;
  readonly #provider: ChildProcess;
  #driven: Stack | null = null;
  readonly #restore: () => void;

  private constructor(
    directory: string,
    plain: Readonly<Record<string, string>>,
    inline: Readonly<Record<string, string>>,
    provider: ChildProcess,
  ) {
    this.directory = directory;
    this.#plain = plain;
    this.#inline = inline;
    this.#provider = provider;
    // the inline program reads the environment of this process, and the Automation API looks for the CLI in it
    const own = { PULUMI_NODEJS_ROOT_DIRECTORY: directory, PATH: inline["PATH"] };
    this.#restore = overlayEnvironment(own);
  }

  static async make(): Promise<TemporaryProject> {
    const directory = realpathSync(mkdtempSync(join(tmpdir(), "upramp-infra-")));
    for (const name of ["home", "backend"]) mkdirSync(join(directory, name));
    const write = (name: string, content: unknown): void => {
      writeFileSync(join(directory, name), stringify(content));
    };
    write("Pulumi.yaml", {
      name: "upramp",
      main: join(repository, "infra", "index.ts"),
      runtime: { name: "nodejs", options: { typescript: false } },
      plugins: { providers: [{ name: "upramp", path: providerDirectory }] },
    });
    write("Pulumi.dev.yaml", {
      config: { "upramp:kind": "platform", "upramp:platform": { stateDir: "state" } },
    });
    const progress = progressTo(process.stderr);
    const [envoy, prometheus] = [
      await getTool("envoy", progress),
      await getTool("prometheus", progress),
    ];
    const common = {
      PULUMI_HOME: join(directory, "home"),
      PULUMI_BACKEND_URL: `file://${join(directory, "backend")}`,
      PULUMI_CONFIG_PASSPHRASE: "test",
      PULUMI_NODEJS_ROOT_DIRECTORY: directory,
      UPRAMP_ENVOY: envoy.path,
      UPRAMP_PROMETHEUS: prometheus.path,
    };
    const plain = { ...(await pulumiEnvironment({ program: "project", progress })), ...common };
    const inline = { ...(await pulumiEnvironment({ program: "inline", progress })), ...common };
    const { provider, port } = await startProvider({ ...process.env, ...inline });
    const attached = { ...inline, PULUMI_DEBUG_PROVIDERS: `upramp:${port}` };
    return new TemporaryProject(directory, plain, attached, provider);
  }

  configureService(settings: object, more: Readonly<Record<string, unknown>> = {}): void {
    const config = serviceConfig(settings, more);
    writeFileSync(join(this.directory, "Pulumi.dev-podinfo.yaml"), stringify({ config }));
  }

  /** A plain command, as from a workstation. */
  async pulumi(...args: readonly string[]): Promise<Finished> {
    const running = execute("pulumi", [...args, "--non-interactive"], {
      cwd: this.directory,
      env: { ...process.env, ...this.#plain },
      maxBuffer: 64 * 1024 * 1024,
      timeout: commandMs,
    });
    try {
      const { stdout, stderr } = await running;
      return { code: 0, output: stdout + stderr };
    } catch (error) {
      // execFile rejects with what the command said so far
      const failed = error as { code?: unknown; stdout?: string; stderr?: string };
      const output = `${failed.stdout ?? ""}${failed.stderr ?? ""}`;
      return { code: typeof failed.code === "number" ? failed.code : 1, output };
    }
  }

  /** A plain command that has to succeed. */
  async succeed(...args: readonly string[]): Promise<string> {
    const { code, output } = await this.pulumi(...args);
    if (code !== 0) throw new Error(`pulumi ${args.join(" ")} ended with ${code}:\n${output}`);
    return output;
  }

  up(stack: string, ...more: readonly string[]): Promise<string> {
    return this.succeed("up", "--yes", "--skip-preview", "--stack", stack, ...more);
  }

  tryUp(stack: string): Promise<Finished> {
    return this.pulumi("up", "--yes", "--skip-preview", "--stack", stack);
  }

  /** One update as the driver makes it: inline program, attached provider, the drive in a file beside. */
  async drive(drive: Drive, settings: object): Promise<void> {
    const file = join(this.directory, "Pulumi.drive.yaml");
    const config = { ...serviceConfig(settings), "upramp:drive": JSON.stringify(drive) };
    writeFileSync(file, stringify({ config }));
    process.env["UPRAMP_DRIVER"] = "1";
    try {
      this.#driven ??= await this.inline("dev-podinfo", program);
      await this.#driven.up({ configFile: file });
    } finally {
      delete process.env["UPRAMP_DRIVER"];
    }
  }

  /** A stack with a program of this process. */
  async inline(stackName: string, inlineProgram: PulumiFn): Promise<Stack> {
    const args = { stackName, projectName: "upramp", program: inlineProgram };
    const options = { workDir: this.directory, envVars: { ...this.#inline } };
    const stack = await LocalWorkspace.createOrSelectStack(args, options);
    // after each update the SDK reads outputs and history by three more processes; the tests read what they need
    stack.outputs = (): Promise<Record<string, never>> => Promise.resolve({});
    stack.info = (): Promise<undefined> => Promise.resolve(undefined);
    return stack;
  }

  async service(): Promise<ServiceOutputs & { readonly endpoint: string }> {
    const outputs = serviceOutputsSchema.parse(await this.#output("dev-podinfo"));
    const { endpoint } = outputs;
    if (endpoint === undefined) throw new Error("a service of this machine has an endpoint");
    return { ...outputs, endpoint };
  }

  async platform(): Promise<PlatformOutputs> {
    return platformOutputsSchema.parse(await this.#output("dev"));
  }

  async #output(stack: string): Promise<unknown> {
    const { stdout } = await execute("pulumi", ["stack", "output", "--json", "--stack", stack], {
      cwd: this.directory,
      env: { ...process.env, ...this.#plain },
    });
    return (JSON.parse(stdout) as Record<string, unknown>)["upramp"];
  }

  /** Processes of a stack, by name: what its state says. */
  async processes(stack: string): Promise<Readonly<Record<string, string>>> {
    const exported = await this.export(stack);
    return Object.fromEntries(
      exported.deployment.resources
        .filter(({ type }) => type === "upramp:local:Process")
        .map(({ urn, id }) => [urn.split("::").at(-1) ?? "", id ?? ""]),
    );
  }

  async export(stack: string): Promise<ExportedStack> {
    const { stdout } = await execute("pulumi", ["stack", "export", "--stack", stack], {
      cwd: this.directory,
      env: { ...process.env, ...this.#plain },
      maxBuffer: 64 * 1024 * 1024,
    });
    return JSON.parse(stdout) as ExportedStack;
  }

  /** Ends everything, also after a test that failed in the middle. */
  async remove(): Promise<void> {
    for (const stack of ["dev-podinfo", "dev"]) {
      await this.pulumi("destroy", "--yes", "--stack", stack);
    }
    this.#provider.stdin?.end();
    this.#restore();
    rmSync(this.directory, { recursive: true, force: true });
  }
}

/** What the tests look at in an exported stack. */
export interface ExportedStack {
  readonly deployment: {
    readonly resources: {
      readonly urn: string;
      readonly type: string;
      readonly id?: string;
      outputs?: Record<string, unknown>;
    }[];
  };
}

function serviceConfig(
  settings: object,
  more: Readonly<Record<string, unknown>> = {},
): Record<string, unknown> {
  return {
    "upramp:kind": "service",
    "upramp:platform": "dev",
    "upramp:service": { name: "podinfo", ...settings },
    ...more,
  };
}

/** The provider as a driver keeps it: it serves until its standard input ends. */
export async function startProvider(
  environment: NodeJS.ProcessEnv,
): Promise<{ provider: ChildProcess; port: number }> {
  const provider = spawn(join(providerDirectory, "pulumi-resource-upramp"), [], {
    stdio: ["pipe", "pipe", "inherit"],
    env: { ...environment, UPRAMP_PROVIDER_UNTIL: "stdin" },
  });
  const [line] = (await once(provider.stdout, "data")) as [Buffer];
  return { provider, port: Number(line.toString().trim()) };
}
