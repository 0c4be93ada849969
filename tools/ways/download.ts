import { createHash } from "node:crypto";
import { createWriteStream } from "node:fs";
import { Readable, Transform } from "node:stream";
import { pipeline } from "node:stream/promises";
import type { ReadableStream } from "node:stream/web";
import { errorCode } from "../error-code.ts";
import type { Checksum } from "./checksum-list.ts";
import { WayUnavailable } from "./way.ts";

/** Where releases cannot be reached the registries are next, so nobody should wait long here. */
const answerTimeoutMs = 5_000;
/** A download that stands still this long is given up. */
const stallTimeoutMs = 30_000;

/** What all downloads of one run share. */
export interface Downloader {
  /** Host → why it was given up. */
  readonly unreachable: Map<string, string>;
  readonly signal?: AbortSignal | undefined;
}

/** A small text file. Throws WayUnavailable when it cannot be had. */
export async function fetchText(url: string, downloader: Downloader): Promise<string> {
  const stall = new AbortController();
  const response = await open(url, downloader, stall.signal);
  const timer = setTimeout(() => stall.abort(), stallTimeoutMs);
  try {
    return await response.text();
  } catch (error) {
    downloader.signal?.throwIfAborted();
    throw new WayUnavailable(`${url} broke off: ${describe(error)}`, { cause: error });
  } finally {
    clearTimeout(timer);
  }
}

/** Writes a download to a file and returns its checksum. Throws WayUnavailable when it cannot be had. */
export async function fetchToFile(
  url: string,
  file: string,
  algorithm: Checksum["algorithm"],
  downloader: Downloader,
  onProgress: (megabytes: string) => void,
): Promise<string> {
  const stall = new AbortController();
  const response = await open(url, downloader, stall.signal);
  if (response.body === null) throw new WayUnavailable(`${url} is empty`);
  const total = Number(response.headers.get("content-length") ?? Number.NaN);
  const hash = createHash(algorithm);
  let received = 0;
  let timer = setTimeout(() => stall.abort(), stallTimeoutMs);
  const count = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      clearTimeout(timer);
      timer = setTimeout(() => stall.abort(), stallTimeoutMs);
      hash.update(chunk);
      received += chunk.length;
      onProgress(shownSize(received, total));
      done(undefined, chunk);
    },
  });
  try {
    // fetch's stream type and node:stream/web's are the same class under two declarations.
    const body = Readable.fromWeb(response.body as ReadableStream);
    await pipeline(body, count, createWriteStream(file));
  } catch (error) {
    downloader.signal?.throwIfAborted();
    throw new WayUnavailable(`${url} broke off: ${describe(error)}`, { cause: error });
  } finally {
    clearTimeout(timer);
  }
  return hash.digest("hex");
}

function shownSize(received: number, total: number): string {
  const megabytes = (bytes: number): string => (bytes / 1e6).toFixed(0);
  return Number.isNaN(total)
    ? `${megabytes(received)} MB`
    : `${megabytes(received)} of ${megabytes(total)} MB`;
}

/** The answer's head, in bounded time. A host that gave no answer is not asked again. */
async function open(url: string, downloader: Downloader, stall: AbortSignal): Promise<Response> {
  const { host } = new URL(url);
  const known = downloader.unreachable.get(host);
  if (known !== undefined) throw new WayUnavailable(known);
  const answer = new AbortController();
  const timer = setTimeout(() => answer.abort(), answerTimeoutMs);
  const signals = [answer.signal, stall, ...(downloader.signal ? [downloader.signal] : [])];
  let response: Response;
  try {
    response = await fetch(url, { redirect: "follow", signal: AbortSignal.any(signals) });
  } catch (error) {
    downloader.signal?.throwIfAborted();
    const why = answer.signal.aborted
      ? `no answer within ${answerTimeoutMs / 1000} s`
      : describe(error);
    const message = `${host} cannot be reached (${why})`;
    downloader.unreachable.set(host, message);
    throw new WayUnavailable(message, { cause: error });
  } finally {
    clearTimeout(timer);
  }
  if (response.ok) return response;
  await response.body?.cancel();
  throw new WayUnavailable(`${url} answered ${response.status}`);
}

function describe(error: unknown): string {
  return errorCode(error) ?? (error instanceof Error ? error.message : String(error));
}
