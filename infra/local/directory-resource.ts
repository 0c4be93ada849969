import { mkdirSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import { writeFileAtomically } from "./atomic-file.ts";
import { LocalError } from "./local-error.ts";
import type { LocalResource } from "./local-resource.ts";
import { stopAllBut } from "./process-set.ts";
import { readJsonIfAny } from "./read-file.ts";

const inputsSchema = z.object({
  path: z.string().min(1),
  /** Who uses it, such as the name of a stack; shown in errors. */
  owner: z.string().min(1),
  /** The configuration key that sets the path, for errors. */
  pathKey: z.string().optional(),
});

/** Marks a directory as made by this resource: only such a one is ever removed. */
const markerName = ".upramp-directory.json";
const markerSchema = z.object({ owner: z.string() });

function readOwner(path: string): string | null {
  const marker = markerSchema.safeParse(readJsonIfAny(join(path, markerName)));
  return marker.success ? marker.data.owner : null;
}

/** The owners of the marked directories directly below a directory, by directory name. */
export function ownersBelow(path: string): ReadonlyMap<string, string> {
  let names: string[];
  try {
    names = readdirSync(path);
  } catch {
    return new Map();
  }
  return new Map(
    names.flatMap((name): [string, string][] => {
      const owner = readOwner(join(path, name));
      return owner === null ? [] : [[name, owner]];
    }),
  );
}

/** Makes and marks the directory; `before` is the owner that may have it already. */
function make(properties: unknown, before?: string): z.infer<typeof inputsSchema> {
  const inputs = inputsSchema.parse(properties);
  const { path, owner, pathKey = "the directory" } = inputs;
  mkdirSync(path, { recursive: true });
  const found = readOwner(path);
  if (found !== null && found !== owner && found !== before) {
    throw new LocalError(`${path} belongs to ${found}: give ${owner} another name or directory`);
  }
  if (found === null && readdirSync(path).length > 0) {
    throw new LocalError(
      `${path} is not empty, and everything in it would go with the stack: point ${pathKey} at a new directory`,
    );
  }
  writeFileAtomically(join(path, markerName), JSON.stringify({ owner }));
  return inputs;
}

/**
 * A directory that belongs to one stack. It goes with all that is in it, and with processes started from it that
 * an interrupted update left running.
 */
export const directoryResource: LocalResource = {
  inputNames: Object.keys(inputsSchema.shape),
  replaceOn: ["path"],

  async create(properties) {
    const inputs = make(properties);
    return { id: inputs.path, state: inputs };
  },

  read(_id, properties) {
    const state = inputsSchema.parse(properties);
    return Promise.resolve(readOwner(state.path) === state.owner ? state : null);
  },

  /** A stack that was renamed takes its directory along. */
  async update(_id, state, properties) {
    return make(properties, inputsSchema.parse(state).owner);
  },

  async delete(_id, properties) {
    const { path, owner } = inputsSchema.parse(properties);
    if (readOwner(path) !== owner) return;
    await stopAllBut(path, []);
    rmSync(path, { recursive: true, force: true });
  },
};
