import { isFields } from "../kubernetes-provider/kubernetes-object.ts";
import { formatPropertyPath, type PathPart } from "../kubernetes-provider/property-path.ts";
import { Marked, Secret, unknownValue } from "../kubernetes-provider/property-values.ts";
import { nearestName } from "./nearest-name.ts";
import type { ObjectShape, Shape } from "./shape.ts";

/** One thing that is wrong with the inputs of a resource. */
export interface Failure {
  /** As in `spec.template.spec.containers[0].image`. */
  readonly property: string;
  readonly reason: string;
}

const kindWords = {
  any: "anything",
  asset: "an asset or an archive",
  boolean: "a boolean",
  list: "a list",
  map: "an object",
  number: "a number",
  object: "an object",
  string: "a string",
} as const;

interface Place {
  readonly path: readonly PathPart[];
  readonly failures: Failure[];
}

/** Everything that does not fit; unknown values and secrets do, whatever they turn out to be. */
export function checkValue(shape: Shape, value: unknown): readonly Failure[] {
  const failures: Failure[] = [];
  check(shape, value, { path: [], failures });
  return failures;
}

function check(shape: Shape, value: unknown, place: Place): void {
  if (value instanceof Secret) {
    check(shape, value.value, place);
  } else if (value !== unknownValue && shape.kind !== "any") {
    checkKnown(shape, value, place);
  }
}

function checkKnown(shape: Shape, value: unknown, place: Place): void {
  if (shape.kind === "union") {
    checkUnion(shape.options, value, place);
  } else if (shape.kind === "list" && Array.isArray(value)) {
    for (const [index, item] of value.entries()) check(shape.item, item, below(place, index));
  } else if (shape.kind === "map" && isFields(value)) {
    for (const [key, item] of Object.entries(value)) check(shape.value, item, below(place, key));
  } else if (shape.kind === "object" && isFields(value)) {
    checkFields(shape, value, place);
  } else if (!fits(shape, value)) {
    fail(place, `must be ${wordsFor(shape)}, not ${describe(value)}`);
  }
}

/** Whether a value is what a shape without parts asks for. */
function fits(shape: Shape, value: unknown): boolean {
  if (shape.kind === "literal") return value === shape.value;
  if (shape.kind === "asset") return value instanceof Marked && value.kind !== "resource";
  if (shape.kind === "resource") {
    return typeof value === "string" || (value instanceof Marked && value.kind === "resource");
  }
  return ["string", "number", "boolean"].includes(shape.kind) && typeof value === shape.kind;
}

function checkFields(
  shape: ObjectShape,
  value: Readonly<Record<string, unknown>>,
  place: Place,
): void {
  const { fields, others } = shape;
  for (const [key, item] of Object.entries(value)) {
    if (item === undefined) continue;
    const expected = fields.get(key)?.shape ?? others;
    if (expected === undefined) fail(below(place, key), unknownProperty(key, shape));
    else check(expected, item, below(place, key));
  }
  for (const [key, { isOptional }] of fields) {
    if (!isOptional && value[key] === undefined) fail(below(place, key), "is required");
  }
}

/** Where one option is of the value's kind, what is wrong with it is said in that option's words. */
function checkUnion(options: readonly Shape[], value: unknown, place: Place): void {
  const attempts = options.map((option) => {
    const failures: Failure[] = [];
    check(option, value, { path: place.path, failures });
    return { option, failures };
  });
  if (attempts.some(({ failures }) => failures.length === 0)) return;
  const similar = attempts.filter(({ option }) => isSameKind(option, value));
  const [closest] = similar.toSorted((a, b) => a.failures.length - b.failures.length);
  if (closest === undefined || closest.option.kind === "literal") {
    const words = options.map(wordsFor).filter((word, index, all) => all.indexOf(word) === index);
    fail(place, `must be ${words.join(" or ")}, not ${describe(value)}`);
  } else {
    place.failures.push(...closest.failures);
  }
}

function isSameKind(shape: Shape, value: unknown): boolean {
  if (shape.kind === "object" || shape.kind === "map") return isFields(value);
  if (shape.kind === "list") return Array.isArray(value);
  return shape.kind === "literal" && typeof shape.value === typeof value;
}

function unknownProperty(key: string, { fields, name }: ObjectShape): string {
  const nearest = nearestName(key, [...fields.keys()]);
  const hint = nearest === undefined ? "" : `; did you mean ${nearest}?`;
  return `is no property of ${name === "" ? "this object" : name}${hint}`;
}

function wordsFor(shape: Shape): string {
  if (shape.kind === "union") return shape.options.map(wordsFor).join(" or ");
  if (shape.kind === "literal") return JSON.stringify(shape.value);
  if (shape.kind === "resource") return `a ${shape.name} or its id`;
  return kindWords[shape.kind];
}

function describe(value: unknown): string {
  if (Array.isArray(value)) return "a list";
  if (value instanceof Marked) return value.kind === "resource" ? "a resource" : "an asset";
  if (typeof value === "object") return "an object";
  return `the ${typeof value} ${JSON.stringify(value)}`;
}

function below({ path, failures }: Place, part: PathPart): Place {
  return { path: [...path, part], failures };
}

function fail({ path, failures }: Place, reason: string): void {
  failures.push({ property: formatPropertyPath(path), reason });
}
