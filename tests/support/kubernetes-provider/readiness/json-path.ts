import { isFields } from "../kubernetes-object.ts";

type Step =
  | { readonly kind: "key"; readonly key: string }
  | { readonly kind: "index"; readonly index: number }
  | { readonly kind: "all" }
  | { readonly kind: "filter"; readonly path: readonly Step[]; readonly value: string };

/** `.key`, `["key"]`, `[0]`, `[*]`, `[?(@.path=="value")]`. */
const step =
  /\.([\w-]+)|\[(['"])(.+?)\2\]|\[(-?\d+)\]|\[(\*)\]|\[\?\(?\s*@((?:\.[\w-]+)+)\s*==\s*(['"])(.*?)\7\s*\)?\]/y;

/**
 * Parses the part of JSONPath that readiness conditions are written in.
 *
 * @param text what stands between the braces, such as `.status.conditions[?(@.type=="Ready")].status`
 * @throws Error naming what it does not know
 */
export function parseJsonPath(text: string): readonly Step[] {
  const path = text.startsWith("$") ? text.slice(1) : text;
  const steps: Step[] = [];
  step.lastIndex = 0;
  while (step.lastIndex < path.length) {
    const start = step.lastIndex;
    const match = step.exec(path);
    if (match === null) {
      throw new Error(`JSONPath {${text}}: "${path.slice(start)}" is not known to this stand-in`);
    }
    const [, key, , quoted, index, star, filter, , value] = match;
    const name = key ?? quoted;
    if (name !== undefined) steps.push({ kind: "key", key: name });
    else if (index !== undefined) steps.push({ kind: "index", index: Number(index) });
    else if (star !== undefined) steps.push({ kind: "all" });
    else if (filter !== undefined) {
      steps.push({ kind: "filter", path: parseJsonPath(filter), value: value ?? "" });
      // The inner parse moved the shared position.
      step.lastIndex = start + match[0].length;
    }
  }
  return steps;
}

/** Every value under the path. */
export function findJsonPath(steps: readonly Step[], object: unknown): readonly unknown[] {
  return steps.reduce<readonly unknown[]>(
    (values, next) => values.flatMap((value) => take(next, value)),
    [object],
  );
}

function take(next: Step, value: unknown): readonly unknown[] {
  switch (next.kind) {
    case "key":
      return isFields(value) && next.key in value ? [value[next.key]] : [];
    case "index":
      return Array.isArray(value) && value.at(next.index) !== undefined
        ? [value.at(next.index)]
        : [];
    case "all":
      return itemsOf(value);
    case "filter":
      return itemsOf(value).filter((item) =>
        findJsonPath(next.path, item).some((found) => String(found) === next.value),
      );
  }
}

function itemsOf(value: unknown): readonly unknown[] {
  if (Array.isArray(value)) return value as unknown[];
  return isFields(value) ? Object.values(value) : [];
}
