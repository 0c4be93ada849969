import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { ProviderProcess } from "../../rollout/adapters/provider-process.ts";
import type { readProject } from "../../rollout/cli/project.ts";
import { runCommand } from "../../tools/run-command.ts";
import { toolRow, toolsOf } from "../../tools/table.ts";
import {
  environmentWithThisNode,
  installedBeside,
  installPackage,
  type Manifest,
  packPackage,
  succeed,
} from "./installed-package.ts";
import { theirProgram } from "./their-program.ts";

const checkout = join(import.meta.dirname, "../..");

/** What an installed package is made of, beside the compiled modules. */
const meant = [
  /^(package\.json|README\.md|CHANGELOG\.md|LICENSE)$/,
  /^docs\//,
  /^bin\/upramp\.js$/,
  /^tools\/launch\.mjs$/,
  /^dist\/infra\/local\/bin\/pulumi-resource-upramp$/,
  /^dist\/infra\/platform\/rollout-dashboard\.json$/,
  /^dist\/policies\/(PulumiPolicy\.yaml|package\.json|config\.schema\.json|bin\/pack)$/,
  /^dist\/tools\/go\/[\w-]+\/(go\.mod|go\.sum|tools\.go)$/,
];

/** A compiled module and the source it is of; declarations are there for what a program imports. */
const modules = [
  { compiled: /^dist\/((?:infra|rollout|policies|tools|examples)\/.+)\.js$/, source: ".ts" },
  { compiled: /^dist\/(infra\/.+)\.d\.ts$/, source: ".ts" },
  { compiled: /^dist\/(policies\/.+)\.cjs$/, source: ".cjs" },
];

/** Modules that are loaded only where their cloud is asked for, and the peers that they alone import. */
const ofAws = /^dist\/infra\/(eks-|pipeline|platform\/(eks\/|amp\.|workspace\.|charts\/))/;
const optionalPeers = ["@pulumi/aws", "@pulumi/eks", "@pulumi/pulumiservice"];

const tarballBytesMax = 600_000;
/** The compiler, which reads all that @pulumi/pulumi declares, takes 3 s of a processor. */
const commandMs = 120_000;

describe("the package as npm installs it", function () {
  this.timeout(commandMs);

  let folder: string;
  let tarball: string;
  let project: string;
  let installed: string;
  let manifest: Manifest;
  let files: readonly string[];

  before(async function () {
    this.timeout(240_000);
    folder = await mkdtemp(join(tmpdir(), "upramp-package-"));
    project = join(folder, "theirs");
    tarball = await packPackage(folder);
    manifest = await installPackage(tarball, project);
    installed = join(project, "node_modules", "upramp");
    files = await filesBelow(installed);
  });

  after(async () => await rm(folder, { recursive: true, force: true }));

  it("holds compiled modules and what they read, and nothing else", () => {
    const unexpected = files.filter((file) => !isMeant(file));
    assert.deepEqual(unexpected, []);
    assert.ok(files.length > 100, `only ${files.length} files`);
  });

  it("is small", async () => {
    const { size } = await stat(tarball);
    assert.ok(size < tarballBytesMax, `${size} bytes`);
  });

  it("imports only what it brings or depends on, and points to no source map", async () => {
    const brought = new Set(files);
    const missing: string[] = [];
    for (const file of files.filter((name) => /\.([cm]?js|d\.ts)$/.test(name))) {
      const text = await readFile(join(installed, file), "utf8");
      if (text.includes("sourceMappingURL")) missing.push(`${file}: its source map`);
      for (const [, name = ""] of text.matchAll(/^(?:import|export)[^"]* from "([^"]+)";$/gm)) {
        if (!isThere(name, file, brought)) missing.push(`${file}: ${name}`);
      }
      for (const [, name = ""] of text.matchAll(/import\("([^"]+)"\)/g)) {
        if (!isThere(name, file, brought)) missing.push(`${file}: ${name}`);
      }
    }
    assert.deepEqual(missing, []);
  });

  it("brings the Go modules of every tool that a rollout may need", () => {
    const ways = [...toolsOf("demo"), ...toolsOf("test")].flatMap((name) => toolRow(name).ways);
    const wanted = ways.flatMap((way) => (way.kind === "go" ? [way.module] : []));
    assert.ok(wanted.length > 0);
    for (const module of wanted) {
      assert.ok(files.includes(`dist/tools/go/${module}/go.sum`), module);
    }
  });

  // a second copy of an SDK costs each update a tenth of a second, and the engine downloads the provider of each
  // resource package that it finds installed: that of AWS is for those who use it
  it("shares the SDKs of the project, and brings those of no cloud", () => {
    const own = Object.keys(manifest.dependencies).filter((name) => name.startsWith("@pulumi/"));
    assert.deepEqual(own, ["@pulumi/policy"]);
    const beside = installedBeside(manifest).filter((name) => name.startsWith("@pulumi/"));
    assert.deepEqual(beside, ["@pulumi/policy", "@pulumi/kubernetes", "@pulumi/pulumi"]);
  });

  it("says its version", async () => {
    const { stdout } = await upramp("--version");
    assert.equal(stdout, `${manifest.version}\n`);
  });

  it("examines the tools", async () => {
    const { code, stdout, stderr } = await upramp("doctor", "--json");
    // 2 where a tool is missing on this machine
    assert.ok(code === 0 || code === 2, stderr);
    const report: unknown = JSON.parse(stdout);
    assert.equal(Reflect.get(Object(report), "type"), "doctor");
    assert.equal(Reflect.get(Object(report), "ready"), code === 0);
  });

  it("says how a missing tool is had without the scripts of a checkout", async () => {
    const env = { PATH: dirname(process.execPath), XDG_CACHE_HOME: join(folder, "empty") };
    const bin = join(installed, "bin", "upramp.js");
    const { code, stdout } = await runCommand(process.execPath, [bin, "doctor"], {
      cwd: folder,
      env,
      timeoutMs: commandMs,
    });
    assert.equal(code, 2);
    assert.doesNotMatch(stdout, /npm run/);
    assert.match(stdout, /pulumi +missing .*\n +upramp gets .* when a command first needs it/);
  });

  it("refuses a folder that is no Pulumi project, without a stack trace", async () => {
    const { code, stderr } = await upramp("status", "--stack", "dev", "--cwd", project);
    assert.equal(code, 2);
    assert.match(stderr, /^upramp: no Pulumi\.yaml in .*theirs/);
    assert.doesNotMatch(stderr, /^ +at /m);
  });

  it("knows its own program when a project names it", async () => {
    const main = "node_modules/upramp/dist/infra/index.js";
    const named = `name: theirs\nruntime: nodejs\nmain: ${main}\n`;
    await writeFile(join(project, "Pulumi.yaml"), named);
    assert.ok(existsSync(join(project, main)));
    const compiled = join(installed, "dist", "rollout", "cli", "project.js");
    // the module that was compiled from the one whose type this is
    const program = (await import(compiled)) as { readonly readProject: typeof readProject };
    const { own } = await program.readProject(project);
    assert.equal(own, true);
  });

  for (const executable of ["infra/local/bin/pulumi-resource-upramp", "policies/bin/pack"]) {
    it(`starts ${executable}, which answers with its port`, async () => {
      const path = join(installed, "dist", executable);
      const environment = { UPRAMP_PROVIDER_UNTIL: "stdin", UPRAMP_POLICY_UNTIL: "stdin" };
      const { PATH } = environmentWithThisNode();
      const started = await ProviderProcess.start(path, [], { ...environment, PATH: PATH ?? "" });
      started.stop();
      assert.ok(started.port > 0);
    });
  }

  it("gives types and CanaryService to ES modules and to CommonJS", async () => {
    for (const type of ["module", "commonjs"]) {
      await mkdir(join(project, type));
      await writeFile(join(project, type, "package.json"), JSON.stringify({ type }));
      await writeFile(join(project, type, "index.ts"), theirProgram);
    }
    const options = { strict: true, exactOptionalPropertyTypes: true, target: "es2022" };
    const compilerOptions = { ...options, module: "nodenext", types: [], skipLibCheck: true };
    await writeFile(join(project, "tsconfig.json"), JSON.stringify({ compilerOptions }));
    const tsc = join(checkout, "node_modules", ".bin", "tsc");
    await succeed(tsc, ["--project", project], { timeoutMs: commandMs });
    // one as Node runs it since 24, the other as compilers leave it
    for (const program of ["module/index.ts", "commonjs/index.js"]) {
      const path = join(project, program);
      const { stdout } = await succeed(process.execPath, [path], { timeoutMs: commandMs });
      assert.equal(stdout, "true\n", program);
    }
    const left = await readFile(join(project, "commonjs", "index.js"), "utf8");
    assert.match(left, /require\("upramp"\)/);
  });

  async function upramp(...args: readonly string[]): ReturnType<typeof runCommand> {
    const bin = join(project, "node_modules", ".bin", "upramp");
    const env = environmentWithThisNode();
    return await runCommand(bin, args, { cwd: folder, env, timeoutMs: commandMs });
  }

  /** Whether what a module names is in the package, or comes with Node or a dependency. */
  function isThere(name: string, file: string, brought: ReadonlySet<string>): boolean {
    if (name.startsWith(".")) {
      // a declaration names the source, for which the compiler takes the declaration beside it
      const path = file.endsWith(".d.ts") ? name.replace(/\.ts$/, ".d.ts") : name;
      return brought.has(join(dirname(file), path));
    }
    if (name.startsWith("node:")) return true;
    const beside = [...installedBeside(manifest), ...(ofAws.test(file) ? optionalPeers : [])];
    return beside.some((own) => `${name}/`.startsWith(`${own}/`));
  }
});

function isMeant(file: string): boolean {
  if (meant.some((pattern) => pattern.test(file))) return true;
  return modules.some(({ compiled, source }) => {
    const module = compiled.exec(file)?.[1];
    return module !== undefined && existsSync(join(checkout, module + source));
  });
}

async function filesBelow(folder: string): Promise<readonly string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => !entry.isDirectory())
    .map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1));
}
