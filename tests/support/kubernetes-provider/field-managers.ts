import {
  type Fields,
  at,
  isFields,
  listAt,
  textAt,
  withValueAt,
  without,
} from "./kubernetes-object.ts";
import { parsePropertyPath } from "./property-path.ts";

/**
 * Managers whose client-side changes an update takes over (by prefix), so that they are no conflicts:
 * kubectl's, and this provider's own, which creates by POST and updates by server-side apply.
 */
const adoptedManagers = [
  "before-first-apply",
  "kubectl",
  "pulumi-kubernetes",
  "pulumi-resource-kubernetes",
];

/**
 * The managed fields after `manager` took over the client-side entries, or undefined when there is
 * nothing to take over.
 */
export function adoptedManagedFields(live: Fields, manager: string): readonly Fields[] | undefined {
  const entries = listAt(live, "metadata", "managedFields");
  const isAdopted = (entry: Fields): boolean =>
    entry["subresource"] === undefined &&
    ((entry["operation"] === "Update" &&
      adoptedManagers.some((name) => textAt(entry, "manager").startsWith(name))) ||
      // `kubectl apply --server-side`
      (entry["operation"] === "Apply" && textAt(entry, "manager").startsWith("kubectl")));
  const adopted = entries.filter(isAdopted);
  if (adopted.length === 0) return undefined;
  const isOwn = (entry: Fields): boolean =>
    entry["manager"] === manager &&
    entry["operation"] === "Apply" &&
    entry["subresource"] === undefined;
  const merged = [...entries.filter(isOwn), ...adopted].reduce((all, entry) => ({
    ...all,
    fieldsV1: union(all["fieldsV1"], entry["fieldsV1"]),
  }));
  const own = { ...merged, manager, operation: "Apply" };
  return [...entries.filter((entry) => !isAdopted(entry) && !isOwn(entry)), own];
}

function union(a: unknown, b: unknown): Fields {
  const first = isFields(a) ? a : {};
  const second = isFields(b) ? b : {};
  const keys = new Set([...Object.keys(first), ...Object.keys(second)]);
  return Object.fromEntries([...keys].map((key) => [key, union(first[key], second[key])]));
}

/**
 * The inputs as an update must send them under `ignoreChanges`: a field that only others own is left
 * out, any other keeps its live value. Paths into lists stay as the engine made them: from the state.
 */
export function withIgnoredChanges(
  inputs: Fields,
  live: Fields,
  manager: string,
  ignored: readonly string[],
): Fields {
  return ignored.reduce((object, path) => {
    const keys = parsePropertyPath(path);
    const names = keys.filter((key) => typeof key === "string").filter((key) => key !== "*");
    if (names.length !== keys.length) return object;
    const owners = ownersOf(live, names);
    if (owners.length > 0 && !owners.includes(manager)) return without(object, ...names);
    const value = at(live, ...names);
    return value === undefined ? object : withValueAt(object, names, value);
  }, inputs);
}

function ownersOf(live: Fields, keys: readonly string[]): readonly string[] {
  const fieldKeys = keys.map((key) => `f:${key}`);
  return listAt(live, "metadata", "managedFields")
    .filter((entry) => at(entry, "fieldsV1", ...fieldKeys) !== undefined)
    .map((entry) => textAt(entry, "manager"));
}
