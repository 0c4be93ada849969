import { type Fields, annotationOf, at, isFields } from "./kubernetes-object.ts";

/** What a Pulumi type token such as `kubernetes:apps/v1:Deployment` stands for. */
export interface ResourceType {
  /** As in the object: `v1`, `apps/v1`. */
  readonly apiVersion: string;
  readonly kind: string;
  /** A `…Patch` resource: some fields of an object that something else owns. */
  readonly isPatch: boolean;
}

/** Modules of the package that are not Kubernetes APIs. */
const otherModules = /^(helm\.sh|yaml|kustomize|index)(\/|$)/;

/**
 * @param object  the resource's inputs; a patch is told by its kind
 * @throws Error for a type that this provider does not serve
 */
export function resourceType(token: string, object: Fields): ResourceType {
  const [packageName, module, name, ...rest] = token.split(":");
  if (packageName !== "kubernetes" || !module || !name || rest.length > 0) {
    throw new Error(`${token} is not a type of the kubernetes provider`);
  }
  const [group, version, ...more] = module.split("/");
  if (otherModules.test(module) || !group || !version || more.length > 0) {
    throw new Error(
      `${token} is not served by this stand-in; install the official kubernetes provider`,
    );
  }
  const apiVersion = group === "core" ? version : `${group}/${version}`;
  const isPatch = name.endsWith("Patch") && object["kind"] !== name;
  const kind = isPatch ? name.slice(0, -"Patch".length) : name;
  if (kind.endsWith("List")) {
    throw new Error(
      "list resources exist for compatibility with YAML manifests and Helm charts, and cannot be " +
        "created directly. Use the underlying resource type instead",
    );
  }
  return { apiVersion, kind, isPatch };
}

/** Annotations that steer the provider, and what each may hold. */
const annotations: Readonly<Record<string, RegExp>> = {
  "pulumi.com/autonamed": /^true$/,
  "pulumi.com/deletionPropagationPolicy": /^(background|foreground|orphan)$/i,
  "pulumi.com/patchFieldManager": /^.{1,128}$/,
  "pulumi.com/patchForce": /^(true|false)$/,
  "pulumi.com/skipAwait": /^(true|false)$/,
  "pulumi.com/timeoutSeconds": /^[0-9]+$/,
  "pulumi.com/waitFor": /^(jsonpath=|condition=|\[)/,
};

/** One failure for each thing about the object that the provider does not know. */
export function unknownParts(type: ResourceType, object: Fields): string[] {
  const failures: string[] = [];
  const annotated = at(object, "metadata", "annotations");
  for (const key of isFields(annotated) ? Object.keys(annotated) : []) {
    if (!key.startsWith("pulumi.com/")) continue;
    const shape = annotations[key];
    const value = annotationOf(object, key);
    if (shape === undefined) {
      failures.push(
        `unknown annotation ${JSON.stringify(key)}; known are ${Object.keys(annotations).join(", ")}`,
      );
    } else if (typeof at(annotated, key) === "string" && !shape.test(value)) {
      failures.push(`annotation ${key} must match ${shape.source}, got ${JSON.stringify(value)}`);
    }
  }
  for (const key of ["apiVersion", "kind"] as const) {
    const given = object[key];
    if (typeof given === "string" && given !== type[key]) {
      failures.push(`${key} must be ${type[key]} for this type, got ${given}`);
    }
  }
  return failures;
}
