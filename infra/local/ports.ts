import { createHash } from "node:crypto";
import { readdirSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { writeFileAtomically } from "./atomic-file.ts";
import { LocalError } from "./local-error.ts";
import { readFileIfAny } from "./read-file.ts";

/**
 * Ports are picked below the ranges from which Linux (32768 up) and macOS (49152 up) take the local ports
 * of outgoing connections: a port of ours that is free for a moment is not taken by a client socket.
 */
const lowestPort = 20_000;
const portCount = 12_000;

/** Ports given out by this process, so that two creates at once never pick the same. */
const givenOut = new Set<number>();

export interface PortRequest {
  /** Directory in which picked ports are remembered, one file a name. */
  readonly directory: string;
  readonly name: string;
  /** The port asked for; undefined: pick a free one, the same as last time when that is free. */
  readonly wanted: number | undefined;
  /** Configuration key that sets the port, for the error. */
  readonly configKey: string | undefined;
}

/** A port that is free on loopback now. Throws LocalError when the wanted one is in use. */
export async function claimPort(request: PortRequest): Promise<number> {
  const { directory, name, wanted, configKey } = request;
  if (wanted !== undefined) {
    if (await isFreeSoon(wanted)) return wanted;
    const key = configKey ?? "port";
    throw new LocalError(
      `port ${wanted} for ${name} is in use (${key}): stop the process that listens on 127.0.0.1:${wanted}, ` +
        `or set ${key} to another port, or remove it to have a free one picked`,
    );
  }
  const port = await pickPort(directory, name);
  writeFileAtomically(join(directory, name), `${port}\n`);
  return port;
}

async function pickPort(directory: string, name: string): Promise<number> {
  const remembered = rememberedPorts(directory);
  const last = remembered.get(name);
  if (last !== undefined && (await isFreeSoon(last))) return last;
  const taken = new Set(remembered.values());
  const start = createHash("sha256").update(`${directory}/${name}`).digest().readUInt32BE(0);
  for (let offset = 0; offset < portCount; offset += 1) {
    const port = lowestPort + ((start + offset) % portCount);
    if (taken.has(port) || givenOut.has(port)) continue;
    givenOut.add(port);
    if (await isFree(port)) return port;
  }
  throw new LocalError(
    `no free port between ${lowestPort} and ${lowestPort + portCount - 1} for ${name}`,
  );
}

function rememberedPorts(directory: string): Map<string, number> {
  let names: string[];
  try {
    names = readdirSync(directory);
  } catch {
    return new Map();
  }
  return new Map(
    names.flatMap((name): [string, number][] => {
      const port = Number(readFileIfAny(join(directory, name)));
      return Number.isInteger(port) && port > 0 ? [[name, port]] : [];
    }),
  );
}

/** A process that was just killed may hold its port until its last thread is gone. */
const releaseMs = 500;
const pollMs = 20;

async function isFreeSoon(port: number): Promise<boolean> {
  const deadline = performance.now() + releaseMs;
  while (!(await isFree(port))) {
    if (performance.now() > deadline) return false;
    await sleep(pollMs);
  }
  return true;
}

/** Whether nobody listens on the port on loopback or on all addresses. */
function isFree(port: number): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once("error", (error: NodeJS.ErrnoException) => {
      if (error.code === "EADDRINUSE") resolve(false);
      else if (error.code === "EACCES") {
        reject(new LocalError(`port ${port} may not be used by this user; choose one above 1023`));
      } else reject(error);
    });
    server.listen({ port, host: "127.0.0.1", exclusive: true }, () => {
      server.close(() => {
        resolve(true);
      });
    });
  });
}
