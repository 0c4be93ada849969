import { readFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { z } from "zod";
import { errorCode } from "../error-code.ts";
import { type CommandResult, lastLines, runCommand } from "../run-command.ts";
import type { GoWay } from "../tool-row.ts";
import { compareVersions, formatVersion, parseVersion } from "../version.ts";
import { copyFiles, type WayContext, type WayResult, WayUnavailable } from "./way.ts";

const modulesFolder = join(dirname(fileURLToPath(import.meta.url)), "..", "go");
/** Five times the slowest build seen; a module proxy that hangs ends here. */
const buildTimeoutMs = 40 * 60_000;
const shownLines = 30;

const downloadSchema = z.object({ Dir: z.string().optional(), Error: z.string().optional() });

/**
 * Builds a program from Go modules, and copies files out of them. Go checks every module against
 * the committed go.sum; the machine's own settings (GOPROXY, GOFLAGS, caches) hold.
 */
export async function obtainByGo(way: GoWay, context: WayContext): Promise<WayResult> {
  const folder = join(modulesFolder, way.module);
  await requireGo(folder, context);
  if (way.build !== undefined) await build(way, way.build, folder, context);
  for (const file of way.files ?? []) {
    const source = await moduleFolder(file.fromModule, folder, context);
    await copyFiles(source, context.staging, [file]);
  }
  return { source: "registry", origin: `Go modules of tools/go/${way.module}` };
}

async function build(
  way: GoWay,
  program: NonNullable<GoWay["build"]>,
  folder: string,
  context: WayContext,
): Promise<void> {
  context.step(`building from Go modules (${way.about})`);
  const args = [
    "build",
    "-mod=readonly",
    "-trimpath",
    // The linker strips debugging data anyway; not making it saves a fifth of the compile time.
    "-gcflags=all=-dwarf=false",
    "-ldflags",
    program.linkerFlags,
    "-o",
    join(context.staging, context.row.path),
    program.package,
  ];
  const result = await go(args, folder, context);
  if (result.code !== 0) {
    throw new WayUnavailable(
      `go build ${program.package} failed with code ${result.code}:\n${lastLines(result, shownLines)}`,
    );
  }
}

/** The folder of a module in Go's module cache, fetched and verified where it is not there yet. */
async function moduleFolder(module: string, folder: string, context: WayContext): Promise<string> {
  context.step(`fetching the Go module ${module}`);
  const result = await go(["mod", "download", "-json", module], folder, context);
  const answer = downloadSchema.safeParse(parseJson(result.stdout));
  if (result.code === 0 && answer.success && answer.data.Dir !== undefined) return answer.data.Dir;
  const why = answer.success ? answer.data.Error : undefined;
  throw new WayUnavailable(
    `go mod download ${module} failed: ${why ?? lastLines(result, shownLines)}`,
  );
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Go is there, and new enough for the module or able to fetch a newer toolchain by itself. */
async function requireGo(folder: string, context: WayContext): Promise<void> {
  const needed = parseGoLine(await readFile(join(folder, "go.mod"), "utf8"));
  let result: CommandResult;
  try {
    result = await go(["env", "GOVERSION", "GOTOOLCHAIN"], dirname(folder), context);
  } catch (error) {
    if (errorCode(error) !== "ENOENT") throw error;
    throw new WayUnavailable(`Go is not installed (needed: ${needed} or newer, https://go.dev/dl)`);
  }
  const [goVersion = "", toolchain = ""] = result.stdout.split("\n");
  const present = parseVersion(goVersion.replace(/^(go\d+\.\d+)$/, "$1.0"));
  const wanted = parseVersion(needed);
  if (present === undefined || wanted === undefined) return;
  if (compareVersions(present, wanted) < 0 && toolchain === "local") {
    throw new WayUnavailable(
      `Go is ${formatVersion(present)} and may not update itself (GOTOOLCHAIN=local); needed: ${needed} or newer`,
    );
  }
}

/** The version of the `go` line, always with three numbers. */
function parseGoLine(goMod: string): string {
  const version = /^go (\d+\.\d+(?:\.\d+)?)$/m.exec(goMod)?.[1] ?? "1.0.0";
  return version.split(".").length === 2 ? `${version}.0` : version;
}

async function go(
  args: readonly string[],
  cwd: string,
  context: WayContext,
): Promise<CommandResult> {
  return await runCommand("go", args, {
    cwd,
    env: {
      ...context.host.env,
      // A static program that needs no C compiler to build and no certain libc to run.
      CGO_ENABLED: "0",
      // A go.work of the user's in a folder above must not change what is built.
      GOWORK: "off",
    },
    timeoutMs: buildTimeoutMs,
    signal: context.signal,
    background: true,
  });
}
