import { readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import { writeFileAtomically } from "./atomic-file.ts";
import { withFileLock } from "./file-lock.ts";
import { fill } from "./fill.ts";
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
});
type EntryInputs = z.infer<typeof inputsSchema>;

const stateSchema = inputsSchema.extend({ boundPort: z.int() });

const pieceSchema = z.object({
  port: z.int(),
  listeners: z.array(z.unknown()),
  clusters: z.array(z.unknown()),
});
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

const lockPath = (directory: string): string => join(directory, "entries.lock");

async function put(inputs: EntryInputs): Promise<number> {
  const path = piecePath(inputs.directory, inputs.name);
  const before = readPiece(path);
  // Envoy itself holds the port of an entry that is there already
  const port =
    before !== null && (inputs.port === undefined || inputs.port === before.port)
      ? before.port
      : await claimPort({
          directory: join(inputs.directory, "ports"),
          name: inputs.name,
          wanted: inputs.port,
          configKey: inputs.portKey,
        });
  const piece = {
    port,
    listeners: fill(JSON.parse(inputs.listeners), { port }),
    clusters: fill(JSON.parse(inputs.clusters), { port }),
  };
  await withFileLock(lockPath(inputs.directory), () => {
    writeFileAtomically(path, JSON.stringify(piece, null, 1));
    rebuild(inputs.directory);
  });
  return port;
}

/** One service's listeners and clusters among those of the platform's Envoy. */
export const xdsEntryResource: LocalResource = {
  inputNames: Object.keys(inputsSchema.shape),
  replaceOn: ["directory", "name"],

  async create(properties) {
    const inputs = inputsSchema.parse(properties);
    const boundPort = await put(inputs);
    return {
      id: piecePath(inputs.directory, inputs.name),
      state: { ...inputs, boundPort },
    };
  },

  read(id, properties) {
    const state = stateSchema.parse(properties);
    return Promise.resolve(readPiece(id) === null ? null : state);
  },

  async update(_id, _state, properties) {
    const inputs = inputsSchema.parse(properties);
    return { ...inputs, boundPort: await put(inputs) };
  },

  async delete(id, properties) {
    const { directory } = stateSchema.parse(properties);
    await withFileLock(lockPath(directory), () => {
      rmSync(id, { force: true });
      rebuild(directory);
    });
  },
};
