import { createHash, randomBytes } from "node:crypto";
import { type Fields, annotationOf, at, nameOf, withValueAt } from "./kubernetes-object.ts";
import { unknownValue } from "./property-values.ts";

/** Marks an object whose name the provider made up. */
export const autonamedAnnotation = "pulumi.com/autonamed";

const suffixLength = 8;

/** What the engine says about the name of a new resource. */
export type Autonaming =
  { readonly mode: "propose" | "enforce"; readonly name: string } | { readonly mode: "disable" };

/**
 * The new object with a name: its own, the one it was given before, or a new one.
 *
 * @param object      the new inputs
 * @param old         the inputs of the resource's last run; undefined when it is new
 * @param logicalName the resource's name in the program
 * @throws Error when the object has no name and may not get one
 */
export function withName(
  object: Fields,
  old: Fields | undefined,
  logicalName: string,
  autonaming: Autonaming | undefined,
  seed: Uint8Array,
): Fields {
  const metadata = object["metadata"];
  if (metadata === unknownValue || at(metadata, "name") === unknownValue) return object;
  if (nameOf(object) !== "") return object;
  if (at(metadata, "generateName") !== undefined) {
    throw new Error(
      "the `.metadata.generateName` field is not supported in Server-Side Apply mode",
    );
  }
  if (old !== undefined) return isAutonamed(old) ? autonamed(object, nameOf(old)) : object;
  if (autonaming?.mode === "disable") {
    throw new Error("autonaming is disabled, so the object needs a `.metadata.name`");
  }
  return autonamed(object, autonaming?.name ?? `${logicalName}-${suffix(seed)}`);
}

export function isAutonamed(object: Fields): boolean {
  return annotationOf(object, autonamedAnnotation) === "true";
}

function autonamed(object: Fields, name: string): Fields {
  const named = withValueAt(object, ["metadata", "name"], name);
  if (at(object, "metadata", "annotations") === unknownValue) return named;
  return withValueAt(named, ["metadata", "annotations", autonamedAnnotation], "true");
}

/** The same seed gives the same suffix: a plan and its update agree on names. */
function suffix(seed: Uint8Array): string {
  const source = seed.length === 0 ? randomBytes(32) : seed;
  return createHash("sha256").update(source).digest("hex").slice(0, suffixLength);
}
