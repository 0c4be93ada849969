import { createHash } from "node:crypto";
import { at, isFields } from "../kubernetes-provider/kubernetes-object.ts";
import { unknownValue } from "../kubernetes-provider/property-values.ts";
import type { ObjectShape, Shape } from "./shape.ts";

type Fields = Readonly<Record<string, unknown>>;

/** What outputs are made of. */
export interface Making {
  /** The outputs so far, of a resource that is updated. */
  readonly old?: Fields | undefined;
  /** Makes a value for an output that nobody gave: undefined leaves it to its type. */
  make(path: readonly string[]): unknown;
  /** Whether what nobody gave stays unknown, as in a preview. */
  readonly isPreview: boolean;
}

/** Eight hexadecimal digits or more, always the same ones for the same text. */
export function digits(text: string, count = 8): string {
  return createHash("sha256").update(text).digest("hex").slice(0, count);
}

/**
 * The outputs of a type: what was given, and a value of the right kind for each output that the type
 * says is always there.
 */
export function outputsOf(shape: ObjectShape, given: Fields, making: Making): Fields {
  return completed(shape, given, [], making);
}

function completed(
  shape: ObjectShape,
  given: Fields,
  path: readonly string[],
  making: Making,
): Fields {
  const made = [...shape.fields].flatMap(
    ([key, { isOptional, shape: inner }]): [string, unknown][] => {
      const place = [...path, key];
      if (given[key] !== undefined) return [[key, within(inner, given[key], place, making)]];
      // what is optional may have been an input that is given no more
      const before = isOptional ? undefined : at(making.old, ...place);
      if (before !== undefined) return [[key, before]];
      const own = making.make(place);
      if (isOptional && own === undefined) return [];
      if (making.isPreview) return [[key, unknownValue]];
      return [[key, own ?? byKind(inner, place, making)]];
    },
  );
  return { ...given, ...Object.fromEntries(made) };
}

/** What was given, with the outputs that are inside of it. */
function within(shape: Shape, given: unknown, path: readonly string[], making: Making): unknown {
  if (shape.kind === "object" && isFields(given)) return completed(shape, given, path, making);
  if (shape.kind === "list" && Array.isArray(given)) {
    return given.map((item: unknown) => within(shape.item, item, path, making));
  }
  return given;
}

function byKind(shape: Shape, path: readonly string[], making: Making): unknown {
  switch (shape.kind) {
    case "object":
      return completed(shape, {}, path, making);
    case "list":
      return [];
    case "map":
    case "any":
      return {};
    case "number":
      return 0;
    case "boolean":
      return false;
    case "literal":
      return shape.value;
    case "union":
      return byKind(shape.options[0] ?? { kind: "string" }, path, making);
    case "string":
    case "asset":
    case "resource":
      return `${path.at(-1) ?? ""}-${digits(path.join("."))}`;
  }
}
