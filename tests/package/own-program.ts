import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseDocument } from "yaml";
import { parse, serviceOutputsSchema, type ServiceOutputs } from "../../infra/contract.ts";
import { pulumi, RunningCommand, type Finished } from "../end-to-end/commands.ts";
import { environmentWithThisNode, installPackage, packPackage } from "./installed-package.ts";

const example = join(import.meta.dirname, "../../examples/own-program");
const stack = "dev";

/**
 * The example of a program of one's own as a user has it: a copy of the folder, the packed package installed in it, a
 * stack on a backend of its own. Every command is a process of its own.
 */
export class OwnProgram {
  readonly #folder: string;
  /** Where Pulumi.yaml is. */
  readonly directory: string;
  readonly #env: Readonly<Record<string, string>>;

  private constructor(folder: string, env: Readonly<Record<string, string>>) {
    this.#folder = folder;
    this.directory = join(folder, "theirs");
    this.#env = env;
  }

  /**
   * Copies, packs, installs and makes the stack; deploys nothing.
   *
   * @param env     of every command
   * @param values  laid over the example's configuration
   */
  static async install(
    env: Readonly<Record<string, string>>,
    values: Readonly<Record<string, unknown>>,
  ): Promise<OwnProgram> {
    const folder = await mkdtemp(join(tmpdir(), "upramp-own-program-"));
    const backend = join(folder, "backend");
    await mkdir(backend);
    const project = new OwnProgram(folder, {
      PULUMI_CONFIG_PASSPHRASE: "test",
      PULUMI_BACKEND_URL: `file://${backend}`,
      ...env,
    });
    await cp(example, project.directory, {
      recursive: true,
      filter: (path) => !path.includes("node_modules"),
    });
    await installPackage(await packPackage(folder), project.directory);
    await project.configure(values);
    await project.succeed("stack", "init");
    return project;
  }

  /** Edits the stack's configuration, as an editor would. */
  async configure(values: Readonly<Record<string, unknown>>): Promise<void> {
    const file = join(this.directory, `Pulumi.${stack}.yaml`);
    const settings = parseDocument(await readFile(file, "utf8"));
    for (const [key, value] of Object.entries(values)) {
      settings.setIn(["config", `own-program:${key}`], value);
    }
    await writeFile(file, settings.toString());
  }

  /** The program's source. */
  source(): Promise<string> {
    return readFile(join(this.directory, "index.ts"), "utf8");
  }

  /** Edits the program. */
  program(source: string): Promise<void> {
    return writeFile(join(this.directory, "index.ts"), source);
  }

  /** `upramp …` of the installed package, from another folder. */
  upramp(...args: readonly string[]): RunningCommand {
    const bin = join(this.directory, "node_modules", ".bin", "upramp");
    const full = [...args, "--cwd", this.directory, "--stack", stack];
    const env = { ...environmentWithThisNode(), ...this.#env };
    return new RunningCommand(bin, full, env, this.#folder);
  }

  /** A plain `pulumi …`. */
  pulumi(...args: readonly string[]): RunningCommand {
    return pulumi(this.directory, this.#env, ...args, "--stack", stack);
  }

  /** `pulumi up` that has to succeed. */
  up(): Promise<Finished> {
    return this.succeed("up", "--yes", "--skip-preview");
  }

  /** A `pulumi …` that has to succeed. */
  async succeed(...args: readonly string[]): Promise<Finished> {
    const finished = await this.pulumi(...args).done;
    if (finished.code === 0) return finished;
    const { code, stdout, stderr } = finished;
    throw new Error(`pulumi ${args.join(" ")}: exit code ${code}\n${stdout}\n${stderr}`);
  }

  async outputs(): Promise<ServiceOutputs> {
    const { stdout } = await this.succeed("stack", "output", "upramp", "--json");
    return parse(serviceOutputsSchema, JSON.parse(stdout), "output upramp");
  }

  /** Removes what is deployed, and the folder. */
  async remove(): Promise<void> {
    await this.succeed("destroy", "--yes", "--skip-preview");
    await rm(this.#folder, { recursive: true, force: true });
  }
}
