import { UnknownValueError } from "@pulumi/policy";

/**
 * Reads properties whose shape nobody vouches for. In a preview some values are unknown, and reading one throws; a rule
 * that let that through would judge nothing else of the resource.
 */

/** Stands for a value that only the update will know. A rule passes it: the update asks again. */
export const notKnownYet = Symbol("not known yet");

/** The value at a path; undefined where there is none. */
export function at(value: unknown, ...path: readonly (string | number)[]): unknown {
  if (value === notKnownYet) return notKnownYet;
  try {
    return path.reduce<unknown>((inner, key) => Reflect.get(Object(inner) as object, key), value);
  } catch (error) {
    if (error instanceof UnknownValueError) return notKnownYet;
    throw error;
  }
}

/** The elements of a list; none of what is not one. */
export function elements(value: unknown): readonly unknown[] {
  if (!Array.isArray(value)) return [];
  return Array.from({ length: value.length }, (_, index) => at(value, index));
}

/** Names and values of an object; none of what is not one. */
export function entries(value: unknown): readonly (readonly [string, unknown])[] {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return [];
  return Object.keys(value).map((key) => [key, at(value, key)]);
}

/** A value that is text. */
export function textOf(value: unknown): string | undefined {
  return typeof value === "string" ? value : undefined;
}
