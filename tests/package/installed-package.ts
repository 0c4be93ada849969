import { mkdir, readdir, readFile, symlink } from "node:fs/promises";
import { delimiter, dirname, join } from "node:path";
import { z } from "zod";
import { type CommandResult, lastLines, runCommand } from "../../tools/run-command.ts";
import { withPackLock } from "./pack-lock.ts";

const checkout = join(import.meta.dirname, "../..");

/** Packing compiles everything: about 8 s on two quiet cores. */
const packTimeoutMs = 180_000;
const unpackTimeoutMs = 30_000;

/** What npm reads in the package.json of a package that it installs. */
const manifestSchema = z.looseObject({
  version: z.string(),
  bin: z.record(z.string(), z.string()),
  dependencies: z.record(z.string(), z.string()),
  peerDependencies: z.record(z.string(), z.string()),
  peerDependenciesMeta: z.record(z.string(), z.object({ optional: z.boolean() })),
});

/** The package.json of an installed package, as far as it matters here. */
export type Manifest = z.output<typeof manifestSchema>;

/** What npm installs beside a package: what it depends on, and peers that it needs. */
export function installedBeside(manifest: Manifest): readonly string[] {
  const { dependencies, peerDependencies, peerDependenciesMeta } = manifest;
  const peers = Object.keys(peerDependencies).filter(
    (name) => peerDependenciesMeta[name]?.optional !== true,
  );
  return [...Object.keys(dependencies), ...peers];
}

/** Packs this checkout as for a registry, and returns the path of the tarball in `folder`. */
export async function packPackage(folder: string): Promise<string> {
  const before = await tarballsIn(folder);
  const args = ["pack", "--silent", "--ignore-scripts=false", `--pack-destination=${folder}`];
  // packing empties and fills `dist`
  await withPackLock(join(checkout, ".upramp", "pack.lock"), () =>
    succeed("npm", args, { cwd: checkout, timeoutMs: packTimeoutMs }),
  );
  const made = (await tarballsIn(folder)).find((name) => !before.includes(name));
  if (made === undefined) throw new Error(`npm pack left no new tarball in ${folder}`);
  return join(folder, made);
}

/**
 * Puts a packed package into the node_modules of a project as `npm install` does, without a registry: what npm
 * would install beside it, and nothing else, is linked from this checkout.
 */
export async function installPackage(tarball: string, project: string): Promise<Manifest> {
  const modules = join(project, "node_modules");
  const folder = join(modules, "upramp");
  await mkdir(folder, { recursive: true });
  await succeed("tar", ["-xzf", tarball, "--strip-components=1", "-C", folder], {
    timeoutMs: unpackTimeoutMs,
  });
  const text = await readFile(join(folder, "package.json"), "utf8");
  const manifest = manifestSchema.parse(JSON.parse(text));
  for (const name of installedBeside(manifest)) {
    await link(join(checkout, "node_modules", name), join(modules, name));
  }
  for (const [name, path] of Object.entries(manifest.bin)) {
    await link(join(folder, path), join(modules, ".bin", name));
  }
  return manifest;
}

/** The environment of a shell in which `node` is this Node. */
export function environmentWithThisNode(): NodeJS.ProcessEnv {
  const path = [dirname(process.execPath), process.env["PATH"] ?? ""].join(delimiter);
  return { ...process.env, PATH: path };
}

/** Runs a command that has to succeed. */
export async function succeed(
  file: string,
  args: readonly string[],
  options: { readonly cwd?: string; readonly timeoutMs: number },
): Promise<CommandResult> {
  const result = await runCommand(file, args, { ...options, env: environmentWithThisNode() });
  if (result.code === 0) return result;
  throw new Error(`${file} ${args.join(" ")} ended with ${result.code}:\n${lastLines(result, 30)}`);
}

async function link(target: string, path: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  await symlink(target, path);
}

async function tarballsIn(folder: string): Promise<readonly string[]> {
  return (await readdir(folder)).filter((name) => name.endsWith(".tgz"));
}
