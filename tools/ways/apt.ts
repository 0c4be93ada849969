import { mkdir, readdir } from "node:fs/promises";
import { join } from "node:path";
import { errorCode } from "../error-code.ts";
import { type CommandResult, lastLines, runCommand } from "../run-command.ts";
import type { AptWay } from "../tool-row.ts";
import { keepFiles, type WayContext, type WayResult, WayUnavailable } from "./way.ts";

const downloadTimeoutMs = 5 * 60_000;
const shownLines = 10;

/** Unpacks a Debian package without installing it: no root, no service, nothing left on the system. */
export async function obtainByApt(way: AptWay, context: WayContext): Promise<WayResult> {
  if (!context.host.platform.startsWith("linux-")) {
    throw new WayUnavailable("Debian packages are for Linux only");
  }
  context.step(`fetching the Debian package ${way.package}`);
  const folder = join(context.staging, "package");
  await mkdir(join(folder, "root"), { recursive: true });
  await download(way, folder, context);
  const archive = (await readdir(folder)).find((name) => name.endsWith(".deb"));
  if (archive === undefined) throw new WayUnavailable(`apt-get brought no ${way.package} package`);
  const unpacked = await run("dpkg", ["-x", archive, "root"], folder, context);
  if (unpacked.code !== 0) {
    throw new WayUnavailable(`dpkg -x ${archive} failed:\n${lastLines(unpacked, shownLines)}`);
  }
  const files = way.files.map((file) => ({ ...file, from: join("root", file.from) }));
  await keepFiles(folder, context.staging, files);
  return { source: "registry", origin: `Debian package ${archive}` };
}

/** With the machine's package lists; where it has none, with lists of our own that need no root. */
async function download(way: AptWay, folder: string, context: WayContext): Promise<void> {
  const first = await run("apt-get", ["download", way.package], folder, context);
  if (first.code === 0) return;
  await mkdir(join(folder, "lists", "partial"), { recursive: true });
  await mkdir(join(folder, "archives", "partial"), { recursive: true });
  const own = [
    `--option=Dir::State::lists=${join(folder, "lists")}`,
    `--option=Dir::Cache=${join(folder, "archives")}`,
    "--option=APT::Sandbox::User=",
    "--option=Debug::NoLocking=true",
  ];
  const updated = await run("apt-get", [...own, "update"], folder, context);
  const second = await run("apt-get", [...own, "download", way.package], folder, context);
  if (second.code !== 0) {
    const shown = lastLines(updated.code === 0 ? second : updated, shownLines);
    throw new WayUnavailable(`apt-get download ${way.package} failed:\n${shown}`);
  }
}

async function run(
  file: string,
  args: readonly string[],
  cwd: string,
  context: WayContext,
): Promise<CommandResult> {
  try {
    return await runCommand(file, args, {
      cwd,
      env: context.host.env,
      timeoutMs: downloadTimeoutMs,
      signal: context.signal,
    });
  } catch (error) {
    if (errorCode(error) !== "ENOENT") throw error;
    throw new WayUnavailable(`${file} is not there (it comes with Debian and Ubuntu)`);
  }
}
