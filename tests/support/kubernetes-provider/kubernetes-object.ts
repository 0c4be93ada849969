/** A JSON object of unknown shape: what the API server speaks and what programs declare. */
export type Fields = Readonly<Record<string, unknown>>;

/** Whether a value is a JSON object (not an array, not null, not an instance of a class). */
export function isFields(value: unknown): value is Fields {
  return (
    typeof value === "object" &&
    value !== null &&
    !Array.isArray(value) &&
    Object.getPrototypeOf(value) === Object.prototype
  );
}

/** The value under a path of keys, or undefined where the path ends early. */
export function at(object: unknown, ...keys: readonly string[]): unknown {
  let value = object;
  for (const key of keys) {
    if (!isFields(value)) return undefined;
    value = value[key];
  }
  return value;
}

/** The string under a path, or "". */
export function textAt(object: unknown, ...keys: readonly string[]): string {
  const value = at(object, ...keys);
  return typeof value === "string" ? value : "";
}

/** The number under a path, or undefined. */
export function numberAt(object: unknown, ...keys: readonly string[]): number | undefined {
  const value = at(object, ...keys);
  return typeof value === "number" ? value : undefined;
}

/** The objects of the list under a path; anything else in it is left out. */
export function listAt(object: unknown, ...keys: readonly string[]): readonly Fields[] {
  const value = at(object, ...keys);
  return Array.isArray(value) ? value.filter(isFields) : [];
}

/** The object with the value under the path replaced; parents that are missing are made. */
export function withValueAt(object: Fields, keys: readonly string[], value: unknown): Fields {
  const [first, ...rest] = keys;
  if (first === undefined) return object;
  const child = object[first];
  return {
    ...object,
    [first]: rest.length === 0 ? value : withValueAt(isFields(child) ? child : {}, rest, value),
  };
}

/** The object without what is under the path. */
export function without(object: Fields, ...keys: readonly string[]): Fields {
  const [first, ...rest] = keys;
  if (first === undefined || !(first in object)) return object;
  const child = object[first];
  if (rest.length > 0) {
    return isFields(child) ? { ...object, [first]: without(child, ...rest) } : object;
  }
  return Object.fromEntries(Object.entries(object).filter(([key]) => key !== first));
}

export function nameOf(object: unknown): string {
  return textAt(object, "metadata", "name");
}

export function namespaceOf(object: unknown): string {
  return textAt(object, "metadata", "namespace");
}

/** The annotation's value, or "". */
export function annotationOf(object: unknown, key: string): string {
  return textAt(object, "metadata", "annotations", key);
}

/** The condition of that type in `.status.conditions`. */
export function conditionOf(object: unknown, type: string): Fields | undefined {
  return listAt(object, "status", "conditions").find((condition) => condition["type"] === type);
}

/** Whether the object was made by `owner`. */
export function isOwnedBy(object: unknown, owner: unknown): boolean {
  const uid = textAt(owner, "metadata", "uid");
  return listAt(object, "metadata", "ownerReferences").some(
    (reference) => reference["uid"] === uid,
  );
}
