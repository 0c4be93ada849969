import { type Fields, isFields } from "./kubernetes-object.ts";
import { type PathPart, contains, formatPropertyPath, parsePropertyPath } from "./property-path.ts";
import { unknownValue } from "./property-values.ts";
import { sameQuantity } from "./quantity.ts";
import type { ResourceType } from "./resource-type.ts";

export type ChangeKind = "add" | "update" | "delete";

/** One field that differs. */
export interface Change {
  readonly path: string;
  readonly kind: ChangeKind;
  /** The object must be made anew for it. */
  readonly replaces: boolean;
}

interface RawChange {
  readonly parts: readonly PathPart[];
  readonly kind: ChangeKind;
  /** What is there after an add or an update, before a delete. */
  readonly value: unknown;
}

/**
 * Every difference between two versions of an object's inputs, except below the ignored paths.
 *
 * @param replacing  paths whose change needs a new object, from {@link replacingPaths}
 * @param ignored    paths of the option `ignoreChanges`
 */
export function diffObjects(
  before: Fields,
  after: Fields,
  replacing: readonly string[],
  ignored: readonly string[],
): readonly Change[] {
  const replacingParts = replacing.map(parsePropertyPath);
  const ignoredParts = ignored.map(parsePropertyPath);
  return differences([], before, after)
    .filter(({ parts }) => !ignoredParts.some((path) => contains(path, parts)))
    .map(({ parts, kind, value }) => ({
      path: formatPropertyPath(parts),
      kind,
      replaces: replacingParts.some((path) => touches(path, parts, value)),
    }));
}

function differences(parts: readonly PathPart[], before: unknown, after: unknown): RawChange[] {
  if (before === undefined) return [{ parts, kind: "add", value: after }];
  if (after === undefined) return [{ parts, kind: "delete", value: before }];
  if (isFields(before) && isFields(after)) {
    const keys = new Set([...Object.keys(before), ...Object.keys(after)]);
    return [...keys].flatMap((key) => differences([...parts, key], before[key], after[key]));
  }
  if (Array.isArray(before) && Array.isArray(after)) {
    const length = Math.max(before.length, after.length);
    return Array.from({ length }, (_, index) =>
      differences([...parts, index], before[index], after[index]),
    ).flat();
  }
  if (after !== unknownValue && (before === after || sameQuantity(parts, before, after))) return [];
  return [{ parts, kind: "update", value: after }];
}

/** Whether a change at `parts` is at, below or (by its value) above the path. */
function touches(path: readonly PathPart[], parts: readonly PathPart[], value: unknown): boolean {
  if (contains(path, parts)) return true;
  if (path.length <= parts.length || !contains(path.slice(0, parts.length), parts)) return false;
  let inner = value;
  for (const part of path.slice(parts.length)) {
    if (part === "*" || !isFields(inner) || !(part in inner)) return false;
    inner = inner[part];
  }
  return true;
}

const identity = ["apiVersion", "kind", "metadata.name", "metadata.namespace"];

/** Fields that the API server refuses to change, by kind. */
const immutableFields: Readonly<Record<string, readonly string[]>> = {
  "apps/v1/DaemonSet": ["spec.selector"],
  "apps/v1/Deployment": ["spec.selector"],
  "apps/v1/StatefulSet": [
    "spec.podManagementPolicy",
    "spec.selector",
    "spec.serviceName",
    "spec.volumeClaimTemplates",
  ],
  "batch/v1/Job": ["spec.completions", "spec.parallelism", "spec.selector", "spec.template"],
  "rbac.authorization.k8s.io/v1/ClusterRoleBinding": ["roleRef"],
  "rbac.authorization.k8s.io/v1/RoleBinding": ["roleRef"],
  "storage.k8s.io/v1/StorageClass": ["parameters", "provisioner"],
  "v1/PersistentVolumeClaim": ["spec"],
  "v1/Pod": ["spec"],
  "v1/Service": ["spec.clusterIP"],
};

/** The part of the provider's configuration that decides about replacements. */
export interface Mutability {
  readonly enableConfigMapMutable: boolean;
  readonly enableSecretMutable: boolean;
}

/** Paths of a kind whose change needs a new object. */
export function replacingPaths(type: ResourceType, mutability: Mutability): readonly string[] {
  if (type.isPatch) return identity;
  const key = `${type.apiVersion}/${type.kind}`;
  // A changed ConfigMap or Secret is a new object, so that pods which use it by name restart.
  if (key === "v1/ConfigMap" && !mutability.enableConfigMapMutable) {
    return [...identity, "binaryData", "data"];
  }
  if (key === "v1/Secret") {
    const data = mutability.enableSecretMutable ? [] : ["data", "stringData"];
    return [...identity, "type", ...data];
  }
  return [...identity, ...(immutableFields[key] ?? [])];
}
