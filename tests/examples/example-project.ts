import { globSync } from "node:fs";
import { cp, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { pathToFileURL } from "node:url";
import { parseDocument } from "yaml";
import { z } from "zod";
import { packageDirectory } from "../../rollout/cli/project.ts";
import { pulumi, type Finished } from "../end-to-end/commands.ts";

const exportSchema = z.object({
  deployment: z.object({
    resources: z
      .array(z.object({ type: z.string(), inputs: z.record(z.string(), z.unknown()).default({}) }))
      .default([]),
  }),
});

/** A resource of a stack. */
export type StackResource = z.output<typeof exportSchema>["deployment"]["resources"][number];

/** Names of the folders under examples/ that have a Pulumi project. */
export function exampleNames(): readonly string[] {
  return globSync("examples/*/Pulumi.yaml", { cwd: packageDirectory })
    .map((file) => file.split(/[/\\]/)[1] ?? "")
    .toSorted();
}

/** Examples whose first stack looks at a cluster before it declares anything. */
export const clusterExamples: readonly string[] = ["app-mesh", "gateway-api", "own-program"];

/** A stack's kind of configuration. */
export interface ExampleStack {
  readonly name: string;
  readonly kind: "platform" | "service" | "other";
}

/**
 * A copy of a project of this repository with a backend of its own, in the same place of a copy of the repository whose
 * other folders are links. Every command is a process of its own, as a user starts it.
 */
export class ExampleProject {
  readonly directory: string;
  readonly #folder: string;
  readonly #env: Readonly<Record<string, string>>;
  readonly #made: string[] = [];

  private constructor(folder: string, directory: string, env: Readonly<Record<string, string>>) {
    this.#folder = folder;
    this.directory = directory;
    this.#env = env;
  }

  /**
   * @param name of its folder under examples/; `.` for the project of the repository itself
   * @param env  of every command
   */
  static async copy(
    name: string,
    env: Readonly<Record<string, string>> = {},
  ): Promise<ExampleProject> {
    const folder = await mkdtemp(join(tmpdir(), "upramp-example-"));
    const repository = join(folder, "repository");
    const backend = join(folder, "backend");
    await mkdir(repository);
    await mkdir(backend);
    const isOwnFile = (entry: string): boolean =>
      name === "." ? /^Pulumi\..*yaml$/.test(entry) : entry === "examples";
    for (const entry of await readdir(packageDirectory)) {
      if (isOwnFile(entry) || entry.startsWith(".")) continue;
      await symlink(join(packageDirectory, entry), join(repository, entry));
    }
    const directory = name === "." ? repository : join(repository, "examples", name);
    const source = name === "." ? packageDirectory : join(packageDirectory, "examples", name);
    await cp(source, directory, {
      recursive: true,
      filter: (path) => name !== "." || path === source || isOwnFile(basename(path)),
    });
    return new ExampleProject(folder, directory, {
      PULUMI_BACKEND_URL: `file://${backend}`,
      PULUMI_CONFIG_PASSPHRASE: "test",
      // an older language host does not say it, and a link would lead back to this repository
      PULUMI_NODEJS_ROOT_DIRECTORY: directory,
      ...env,
    });
  }

  /** The stacks that the project has configurations of, those of platforms first. */
  async stacks(): Promise<readonly ExampleStack[]> {
    const files = (await readdir(this.directory)).filter((file) => /^Pulumi\..+\.yaml$/.test(file));
    const stacks = await Promise.all(
      files.map(async (file): Promise<ExampleStack> => {
        const text = await readFile(join(this.directory, file), "utf8");
        const [, kind] = /^ {2}upramp:kind: (platform|service)$/m.exec(text) ?? [];
        const name = file.slice("Pulumi.".length, -".yaml".length);
        return { name, kind: kind === "platform" || kind === "service" ? kind : "other" };
      }),
    );
    const isLater = ({ kind }: ExampleStack): number => (kind === "service" ? 1 : 0);
    return stacks.toSorted((a, b) => isLater(a) - isLater(b) || a.name.localeCompare(b.name));
  }

  /** Puts this checkout's sources where a program imports the installed package from. */
  async installPackage(): Promise<void> {
    const installed = join(this.directory, "node_modules", "upramp");
    await mkdir(installed, { recursive: true });
    const manifest = { name: "upramp", type: "module", exports: "./api.js" };
    await writeFile(join(installed, "package.json"), JSON.stringify(manifest));
    const api = pathToFileURL(join(packageDirectory, "infra", "api.ts")).href;
    await writeFile(join(installed, "api.js"), `export * from ${JSON.stringify(api)};\n`);
  }

  /** Makes a stack of the project's configuration. */
  async init(stack: string): Promise<void> {
    await this.succeed("stack", "init", stack);
    this.#made.push(stack);
  }

  /** Gives a stack a configuration that the example does not have, in the place of its own. */
  async configure(stack: string, config: Readonly<Record<string, unknown>>): Promise<void> {
    const file = join(this.directory, `Pulumi.${stack}.yaml`);
    const settings = parseDocument(await readFile(file, "utf8"));
    settings.set("config", config);
    await writeFile(file, settings.toString());
  }

  preview(stack: string, ...more: readonly string[]): Promise<Finished> {
    return this.succeed("preview", "--stack", stack, ...more);
  }

  up(stack: string): Promise<Finished> {
    return this.succeed("up", "--yes", "--skip-preview", "--stack", stack);
  }

  /** Removes what a stack has, also what is protected. */
  async destroy(stack: string): Promise<void> {
    await this.succeed("state", "unprotect", "--all", "--yes", "--stack", stack);
    await this.succeed("destroy", "--yes", "--skip-preview", "--stack", stack);
  }

  /** What a stack has, in the order in which it was made. */
  async resources(stack: string): Promise<readonly StackResource[]> {
    const { stdout } = await this.succeed("stack", "export", "--stack", stack);
    return exportSchema.parse(JSON.parse(stdout)).deployment.resources;
  }

  /** A `pulumi …` in the project's folder. */
  run(...args: readonly string[]): Promise<Finished> {
    return pulumi(this.directory, this.#env, "--non-interactive", ...args).done;
  }

  /** A `pulumi …` that has to succeed. @throws Error with all that it said when it does not */
  async succeed(...args: readonly string[]): Promise<Finished> {
    const finished = await this.run(...args);
    if (finished.code === 0) return finished;
    const { code, stdout, stderr } = finished;
    throw new Error(`pulumi ${args.join(" ")}: exit code ${code}\n${stdout}\n${stderr}`);
  }

  /** Destroys what the stacks still have, the last made first, and removes the folder. */
  async remove(): Promise<void> {
    for (const stack of this.#made.toReversed()) {
      await this.run("destroy", "--yes", "--skip-preview", "--stack", stack);
    }
    await this.forget();
  }

  /** Removes the folder alone: for stacks on stand-ins, which keep nothing. */
  async forget(): Promise<void> {
    await rm(this.#folder, { recursive: true, force: true });
  }
}
