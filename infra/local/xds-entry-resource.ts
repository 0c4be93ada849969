import { readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import { writeFileAtomically } from "./atomic-file.ts";
import { withFileLock } from "./file-lock.ts";
import { fill } from "./fill.ts";
import { listensWithin } from "./listening.ts";
import { LocalError } from "./local-error.ts";
import type { LocalResource } from "./local-resource.ts";
import { claimPort } from "./ports.ts";
import { readJsonIfAny } from "./read-file.ts";

const inputsSchema = z.object({
  /** The platform's directory of Envoy files. */
  directory: z.string().min(1),
  name: z.string().min(1),
  /** Port of the listeners; a free one is picked when not given. */
  port: z.int().optional(),
  portKey: z.string().optional(),
  /** JSON lists of Envoy resources; `{{ port }}` stands for the port. */
  listeners: z.string(),
  clusters: z.string(),
  /** What to do when Envoy does not take it up. */
  hint: z.string().optional(),
});
type EntryInputs = z.infer<typeof inputsSchema>;

const stateSchema = inputsSchema.extend({ boundPort: z.int() });

const listSchema = z.array(z.unknown());
const pieceSchema = z.object({ port: z.int(), listeners: listSchema, clusters: listSchema });
type Piece = z.infer<typeof pieceSchema>;

const piecePath = (directory: string, name: string): string =>
  join(directory, "entries", `${name}.json`);

function readPiece(path: string): Piece | null {
  const parsed = pieceSchema.safeParse(readJsonIfAny(path));
  return parsed.success ? parsed.data : null;
}

/** Lists what all entries declare, in the order of their names, in the two files that Envoy watches. */
function rebuild(directory: string): void {
  const pieces = readdirSync(join(directory, "entries"))
    .filter((file) => file.endsWith(".json"))
    .toSorted()
    .flatMap((file) => readPiece(join(directory, "entries", file)) ?? []);
  // clusters first: a listener must not name a cluster that Envoy does not know yet
  writeList(
    join(directory, "clusters.json"),
    pieces.flatMap(({ clusters }) => clusters),
  );
  writeList(
    join(directory, "listeners.json"),
    pieces.flatMap(({ listeners }) => listeners),
  );
}

function writeList(path: string, resources: readonly unknown[]): void {
  writeFileAtomically(path, JSON.stringify({ resources }, null, 1));
}

/** A new listener appears within milliseconds; the first health check of its clusters may take a second. */
const listenMs = 10_000;

/** Replaces the piece of one service, null removes it, and rebuilds the two lists. */
async function putPiece(directory: string, name: string, piece: Piece | null): Promise<void> {
  await withFileLock(join(directory, "entries.lock"), () => {
    const path = piecePath(directory, name);
    if (piece === null) rmSync(path, { force: true });
    else writeFileAtomically(path, JSON.stringify(piece, null, 1));
    rebuild(directory);
  });
}

/** Envoy itself holds the port of an entry that is there already; any other has to be free. */
async function choosePort(inputs: EntryInputs, before: Piece | null): Promise<number> {
  if (before !== null && (inputs.port === undefined || inputs.port === before.port)) {
    return before.port;
  }
  return claimPort({
    directory: join(inputs.directory, "ports"),
    name: inputs.name,
    wanted: inputs.port,
    configKey: inputs.portKey,
  });
}

/** Puts the entry in place and waits until Envoy listens; otherwise what was there before is put back. */
async function put(inputs: EntryInputs, signal: AbortSignal): Promise<number> {
  const { directory, name } = inputs;
  const before = readPiece(piecePath(directory, name));
  const port = await choosePort(inputs, before);
  const listeners = listSchema.parse(fill(JSON.parse(inputs.listeners), { port }));
  const clusters = listSchema.parse(fill(JSON.parse(inputs.clusters), { port }));
  await putPiece(directory, name, { port, listeners, clusters });
  if (listeners.length === 0 || (await listensWithin(port, listenMs, signal))) return port;
  await putPiece(directory, name, before);
  throw new LocalError(
    `Envoy does not listen on 127.0.0.1:${port} for ${name} ${listenMs} ms after it was told to; ${inputs.hint ?? "see its log"}`,
  );
}

/** One service's listeners and clusters among those of the platform's Envoy. */
export const xdsEntryResource: LocalResource = {
  inputNames: Object.keys(inputsSchema.shape),
  replaceOn: ["directory", "name"],

  async create(properties, signal) {
    const inputs = inputsSchema.parse(properties);
    const boundPort = await put(inputs, signal);
    return {
      id: piecePath(inputs.directory, inputs.name),
      state: { ...inputs, boundPort },
    };
  },

  read(id, properties) {
    const state = stateSchema.parse(properties);
    return Promise.resolve(readPiece(id) === null ? null : state);
  },

  async update(_id, _state, properties, signal) {
    const inputs = inputsSchema.parse(properties);
    return { ...inputs, boundPort: await put(inputs, signal) };
  },

  async delete(_id, properties) {
    const { directory, name } = stateSchema.parse(properties);
    await putPiece(directory, name, null);
  },
};
