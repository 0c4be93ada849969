import { chmod, mkdir } from "node:fs/promises";
import { join } from "node:path";
import { errorCode } from "../error-code.ts";
import { lastLines, runCommand } from "../run-command.ts";
import type { ReleaseAsset, ReleaseWay } from "../tool-row.ts";
import { UserError } from "../../rollout/errors.ts";
import { checksumFor, type Checksum } from "./checksum-list.ts";
import { type Downloader, fetchText, fetchToFile } from "./download.ts";
import { keepFiles, type WayContext, type WayResult, WayUnavailable } from "./way.ts";

const unpackTimeoutMs = 5 * 60_000;

/** Downloads the project's own release for this platform and checks its sum before it is unpacked. */
export async function obtainRelease(way: ReleaseWay, context: WayContext): Promise<WayResult> {
  const asset = way.assets[context.host.platform];
  if (asset === undefined) {
    throw new WayUnavailable(`there is no official release for ${context.host.platform}`);
  }
  const downloader: Downloader = { unreachable: context.unreachable, signal: context.signal };
  const fileName = new URL(asset.url).pathname.split("/").at(-1) ?? "";
  context.step(`asking ${new URL(asset.url).host} for the official release`);
  const expected = await expectedChecksum(asset, fileName, downloader);
  const folder = join(context.staging, "download");
  await mkdir(folder);
  const archive = join(folder, fileName);
  context.step(`downloading ${fileName}`);
  const actual = await fetchToFile(asset.url, archive, expected.algorithm, downloader, (amount) =>
    context.step(`downloading ${fileName}`, amount),
  );
  if (actual !== expected.hex) {
    throw new UserError(
      `${asset.url} does not have the published ${expected.algorithm} checksum: it is ${actual}, it should be ${expected.hex}. ` +
        "Nothing was installed. Try again; if it stays so, something between this machine and the release changes downloads.",
    );
  }
  await unpack(asset, folder, fileName, context);
  return { source: "official", origin: asset.url };
}

async function expectedChecksum(
  asset: ReleaseAsset,
  fileName: string,
  downloader: Downloader,
): Promise<Checksum> {
  if ("sha256" in asset.checksum) return { algorithm: "sha256", hex: asset.checksum.sha256 };
  const failures: string[] = [];
  for (const list of asset.checksum.lists) {
    try {
      const checksum = checksumFor(fileName, await fetchText(list, downloader));
      if (checksum !== undefined) return checksum;
      failures.push(`${list} does not name ${fileName}`);
    } catch (error) {
      if (!(error instanceof WayUnavailable)) throw error;
      failures.push(error.message);
    }
  }
  throw new WayUnavailable([...new Set(failures)].join("; "));
}

async function unpack(
  asset: ReleaseAsset,
  folder: string,
  fileName: string,
  context: WayContext,
): Promise<void> {
  if (asset.form === "binary") {
    await chmod(join(folder, fileName), 0o755);
    const files = asset.files.map((file) => ({ ...file, from: fileName }));
    await keepFiles(folder, context.staging, files);
    return;
  }
  context.step(`unpacking ${fileName}`);
  const inside = join(folder, "inside");
  await mkdir(inside);
  try {
    const result = await runCommand("tar", ["-xf", join(folder, fileName), "-C", inside], {
      env: context.host.env,
      timeoutMs: unpackTimeoutMs,
      signal: context.signal,
    });
    if (result.code !== 0) {
      throw new WayUnavailable(`${fileName} cannot be unpacked: ${lastLines(result, 5)}`);
    }
  } catch (error) {
    if (errorCode(error) !== "ENOENT") throw error;
    throw new WayUnavailable(`${fileName} cannot be unpacked: tar is not installed`);
  }
  const files = asset.files.map((file) => ({ ...file, from: join("inside", file.from) }));
  await keepFiles(folder, context.staging, files);
}
