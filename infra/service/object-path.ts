import { ContractError } from "../contract.ts";

/** One part of a path: a key, a place in a list, or all of them. */
type Step =
  | { readonly kind: "key"; readonly key: string }
  | { readonly kind: "index"; readonly index: number }
  | { readonly kind: "all" };

/**
 * A copy without what is at the path, written as `spec.containers[0].resources`, `spec.containers[*].image` or
 * `metadata.annotations["a.b/c"]`; a path that leads nowhere takes nothing away. What is left out of the middle of a
 * list leaves a null, so that the elements behind it keep their places. Throws ContractError for no path.
 */
export function without(value: unknown, path: string): unknown {
  return remove(value, parsePath(path));
}

function parsePath(path: string): readonly Step[] {
  const pattern = /\.?([^.[\]"]+)|\[(?:"([^"]+)"|'([^']+)')\]|\[(\d+|\*)\]/y;
  const steps: Step[] = [];
  while (pattern.lastIndex < path.length) {
    const at = pattern.lastIndex;
    const match = pattern.exec(path);
    if (match === null) throw noPath(path, `at "${path.slice(at)}"`);
    const [, key, double, single, index] = match;
    if (index === "*") steps.push({ kind: "all" });
    else if (index !== undefined) steps.push({ kind: "index", index: Number(index) });
    else steps.push({ kind: "key", key: key ?? double ?? single ?? "" });
  }
  if (steps.length === 0) throw noPath(path, "as it is empty");
  return steps;
}

function noPath(path: string, why: string): ContractError {
  return new ContractError(
    `ignore: "${path}" is no path ${why}; write it as spec.containers[0].resources or ` +
      'metadata.annotations["example.com/note"]',
  );
}

function remove(value: unknown, [step, ...rest]: readonly Step[]): unknown {
  if (step === undefined) return value;
  if (Array.isArray(value)) return removeFromList(value, step, rest);
  if (typeof value !== "object" || value === null || step.kind === "index") return value;
  return Object.fromEntries(
    Object.entries(value).flatMap(([key, inner]: [string, unknown]) => {
      if (step.kind === "key" && key !== step.key) return [[key, inner]];
      return rest.length === 0 ? [] : [[key, remove(inner, rest)]];
    }),
  );
}

function removeFromList(list: readonly unknown[], step: Step, rest: readonly Step[]): unknown {
  if (step.kind === "key") return list;
  const left = list.map((item, index) => {
    if (step.kind === "index" && index !== step.index) return item;
    return rest.length === 0 ? null : remove(item, rest);
  });
  if (rest.length > 0) return left;
  // behind the last one left there is no place to keep
  const end = left.findLastIndex((item) => item !== null) + 1;
  return left.slice(0, end);
}
