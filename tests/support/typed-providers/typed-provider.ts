import { isDeepStrictEqual } from "node:util";
import { withName, type Autonaming } from "../kubernetes-provider/autoname.ts";
import { at } from "../kubernetes-provider/kubernetes-object.ts";
import type { Target } from "../kubernetes-provider/operations.ts";
import { hasUnknown, reveal } from "../kubernetes-provider/property-values.ts";
import { loadKubeConfig } from "../kubernetes-provider/provider-config.ts";
import { awsAnswer } from "./aws-functions.ts";
import { awsIdentity } from "./aws-resources.ts";
import { checkValue, type Failure } from "./check-value.ts";
import { kubernetesIdentity } from "./kubernetes-resources.ts";
import { outputsOf } from "./made-outputs.ts";
import type { Identity, NewResource } from "./new-resource.ts";
import { functionTypes, providerArgs, resourceTypes, type PackageName } from "./token-types.ts";

type Fields = Readonly<Record<string, unknown>>;

/** Options that the engine adds to those of a provider's own. */
const engineOptions = new Set(["version", "pluginDownloadURL", "__internal"]);

/** A resource as the engine is told it. */
export interface Made {
  readonly id: string;
  readonly outputs: Fields;
}

/**
 * A provider of one package that keeps nothing but says what the package's declarations allow.
 *
 * What it does not see: a misspelt property at the top of a resource's arguments, which the SDK's own class leaves out
 * (the compiler finds it). What it does not check: anything that the declarations do not say. That is whether a text is
 * an ARN, a CIDR or a version; which values of a plain `string` the service takes; which properties exclude each other;
 * whether what an id names is there; quotas and rights; the spec of a custom resource; the values of a Helm chart. It
 * replaces a Kubernetes object whose name or namespace changed and updates everything else in place.
 */
export class TypedProvider {
  readonly #package: PackageName;
  readonly #config: Fields;

  constructor(name: PackageName, config: Fields) {
    this.#package = name;
    this.#config = config;
  }

  /** @param old the inputs of the last run; undefined for a new resource */
  check(
    target: Target,
    old: Fields | undefined,
    inputs: Fields,
    autonaming: Autonaming | undefined,
    seed: Uint8Array,
  ): { readonly inputs: Fields; readonly failures: readonly Failure[] } {
    const failures = checkValue(resourceTypes(this.#package, target.type).args, inputs);
    if (failures.length > 0 || !isKubernetesObject(target.type)) return { inputs, failures };
    return { inputs: withName(inputs, old, target.name, autonaming, seed), failures };
  }

  /** The names of the properties that differ, and whether the resource has to be another. */
  diff(
    target: Target,
    old: Fields,
    inputs: Fields,
  ): { readonly changed: readonly string[]; readonly replaces: readonly string[] } {
    const keys = [...new Set([...Object.keys(old), ...Object.keys(inputs)])];
    const [before, after] = [reveal(old), reveal(inputs)];
    const changed = keys.filter(
      (key) => hasUnknown(inputs[key]) || !isDeepStrictEqual(before[key], after[key]),
    );
    const isMoved =
      isKubernetesObject(target.type) &&
      ["name", "namespace"].some(
        (key) => at(before, "metadata", key) !== at(after, "metadata", key),
      );
    return { changed, replaces: isMoved ? ["metadata"] : [] };
  }

  /** @param old the outputs so far, of a resource that is updated */
  make(
    target: Target,
    inputs: Fields,
    isPreview: boolean,
    old?: { id: string; outputs: Fields },
  ): Made {
    const { outputs } = resourceTypes(this.#package, target.type);
    const identity = this.#identity(target, inputs);
    const made = outputsOf(outputs, inputs, {
      isPreview,
      old: old?.outputs,
      make: (path) => identity.make(path),
    });
    return { id: old?.id ?? (isPreview ? "" : identity.id), outputs: made };
  }

  /** The outputs of a function. @throws Error naming every wrong argument, or for an unknown function */
  call(token: string, args: Fields): Fields {
    const types = functionTypes(this.#package, token);
    const failures = checkValue(types.args, args);
    if (failures.length > 0) throw new Error(`${token}: ${sayFailures(failures)}`);
    if (this.#package !== "aws") throw new Error(`${token} is not served by this stand-in`);
    const answer = awsAnswer(token, args, this.#config);
    return outputsOf(
      types.outputs,
      { ...args, ...answer },
      { isPreview: false, make: () => undefined },
    );
  }

  #identity({ urn, type, name }: Target, inputs: Fields): Identity {
    const resource: NewResource = {
      urn,
      token: type,
      name,
      inputs: reveal(inputs),
      config: this.#config,
    };
    if (this.#package === "aws") return awsIdentity(resource);
    if (this.#package === "kubernetes") return kubernetesIdentity(resource);
    return { id: name, make: () => undefined };
  }
}

/** Everything that is wrong with the configuration of a provider, which may hold unknown values. */
export function checkConfig(name: PackageName, config: Fields): readonly Failure[] {
  const { failures, options } = readConfig(name, config);
  const { region, kubeconfig } = options;
  if (name === "aws" && region === undefined) {
    return [
      ...failures,
      { property: "region", reason: "is required: set aws:region, or region of the provider" },
    ];
  }
  if (name !== "kubernetes" || typeof kubeconfig !== "string") return failures;
  try {
    loadKubeConfig({ kubeconfig, context: undefined });
    return failures;
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    return [...failures, { property: "kubeconfig", reason }];
  }
}

/** A provider's configuration as its declarations have it. */
export function parseConfig(name: PackageName, config: Fields): Fields {
  return reveal(readConfig(name, config).options);
}

/** Options arrive as texts, those that are no text in JSON. */
function readConfig(
  name: PackageName,
  config: Fields,
): { readonly options: Fields; readonly failures: readonly Failure[] } {
  const shape = providerArgs(name);
  const own = Object.entries(config).filter(([key]) => !engineOptions.has(key));
  const options = Object.fromEntries(
    own.map(([key, value]) => {
      const isText = shape.fields.get(key)?.shape.kind === "string";
      return [key, typeof value === "string" && !isText ? fromJson(value) : value];
    }),
  );
  return { options, failures: checkValue(shape, options) };
}

function fromJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return text;
  }
}

function isKubernetesObject(type: string): boolean {
  return type.startsWith("kubernetes:") && !type.startsWith("kubernetes:helm.sh/");
}

/** All failures in one line. */
export function sayFailures(failures: readonly Failure[]): string {
  return failures.map(({ property, reason }) => `${property} ${reason}`).join("; ");
}
