import { type Fields, isFields, without } from "./kubernetes-object.ts";
import type { PathPart } from "./property-path.ts";
import { sameQuantity } from "./quantity.ts";

const inputsKey = "__inputs";
const fieldManagerKey = "__fieldManager";
const initialApiVersionKey = "__initialApiVersion";

/** What the state of a resource holds: the live object, and how it came to be. */
export interface Checkpoint {
  readonly live: Fields;
  readonly inputs: Fields;
  /** Owner of the fields that this resource sets; "" in a state that has none. */
  readonly fieldManager: string;
}

/** As the official provider keeps it, so that either can go on from the other's state. */
export function writeCheckpoint(checkpoint: Checkpoint): Fields {
  return {
    ...checkpoint.live,
    [inputsKey]: checkpoint.inputs,
    [initialApiVersionKey]: checkpoint.inputs["apiVersion"] ?? checkpoint.live["apiVersion"],
    [fieldManagerKey]: checkpoint.fieldManager,
  };
}

export function readCheckpoint(state: Fields): Checkpoint {
  const {
    [inputsKey]: inputs,
    [fieldManagerKey]: fieldManager,
    [initialApiVersionKey]: _version,
    ...live
  } = state;
  return {
    live,
    inputs: isFields(inputs) ? inputs : {},
    fieldManager: typeof fieldManager === "string" ? fieldManager : "",
  };
}

/**
 * The live object reduced to the fields that the inputs name: what the inputs would have to be to
 * declare what is there. A value that the server only spells differently keeps the inputs' spelling.
 */
export function liveInputs(live: Fields, inputs: Fields): Fields {
  return pruneFields([], withStringData(live, inputs), inputs);
}

function pruneFields(parts: readonly PathPart[], live: Fields, inputs: Fields): Fields {
  return Object.fromEntries(
    Object.entries(inputs).flatMap(([key, input]) => {
      if (live[key] !== undefined) return [[key, prune([...parts, key], live[key], input)]];
      return isZero(input) ? [[key, input]] : [];
    }),
  );
}

/** Values that the server leaves out of built-in objects: absent means the same. */
function isZero(input: unknown): boolean {
  if (Array.isArray(input)) return input.length === 0;
  if (isFields(input)) return Object.keys(input).length === 0;
  return input === false || input === 0 || input === "";
}

function prune(parts: readonly PathPart[], live: unknown, input: unknown): unknown {
  if (isFields(live) && isFields(input)) return pruneFields(parts, live, input);
  if (Array.isArray(live) && Array.isArray(input)) {
    // Items beyond the inputs are drift and stay whole.
    return live.map((item: unknown, index) =>
      index < input.length ? prune([...parts, index], item, input[index]) : item,
    );
  }
  return sameQuantity(parts, live, input) ? input : live;
}

/** A Secret's `stringData` is write-only: the server keeps it, encoded, in `data`. */
function withStringData(live: Fields, inputs: Fields): Fields {
  const { data } = live;
  const { stringData } = inputs;
  if (live["kind"] !== "Secret" || !isFields(data) || !isFields(stringData)) return live;
  const decoded = Object.keys(stringData).flatMap((key) => {
    const encoded = data[key];
    return typeof encoded === "string"
      ? [[key, Buffer.from(encoded, "base64").toString("utf8")]]
      : [];
  });
  return { ...live, stringData: Object.fromEntries(decoded) as Fields };
}

/** Fields of the metadata that only the server writes. */
const serverFields = [
  "creationTimestamp",
  "deletionGracePeriodSeconds",
  "deletionTimestamp",
  "generation",
  "managedFields",
  "resourceVersion",
  "selfLink",
  "uid",
];

/** The object without what only the server writes in its metadata. */
export function withoutServerFields(object: Fields): Fields {
  return serverFields.reduce((rest, key) => without(rest, "metadata", key), object);
}

/** Inputs for an object that no program declared yet: all of it except status and server fields. */
export function importedInputs(live: Fields): Fields {
  return without(
    without(
      withoutServerFields(live),
      "metadata",
      "annotations",
      "deployment.kubernetes.io/revision",
    ),
    "status",
  );
}
