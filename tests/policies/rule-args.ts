import { unknownCheckingProxy } from "@pulumi/policy";
import type { PolicyResource, ResourceValidationArgs, StackValidationArgs } from "@pulumi/policy";

/** The package leaves its type out. It reports the reading of unknown values, as in a preview. */
const proxied = unknownCheckingProxy as (props: unknown) => Record<string, unknown>;

const options: ResourceValidationArgs["opts"] = {
  protect: false,
  ignoreChanges: [],
  aliases: [],
  customTimeouts: { createSeconds: 0, updateSeconds: 0, deleteSeconds: 0 },
  additionalSecretOutputs: [],
};

/** A resource as the pack's server hands it to a rule: its properties behind the proxy that minds unknown values. */
export function resourceArgs(type: string, props: Record<string, unknown>): ResourceValidationArgs {
  return {
    type,
    props: proxied(props),
    urn: `urn:pulumi:dev::upramp::${type}::it`,
    name: "it",
    opts: options,
    stackTags: new Map(),
    isType: () => false,
    asType: () => undefined,
    getConfig: <T extends object>() => ({}) as T, // neither rule has configuration
    notApplicable: (reason): never => {
      throw new Error(reason);
    },
  };
}

/** A resource of a stack, below a parent. */
export function stackResource(
  type: string,
  name: string,
  props: Record<string, unknown>,
  parent?: PolicyResource,
): PolicyResource {
  return {
    type,
    props: proxied(props),
    urn: `urn:pulumi:dev::upramp::${type}::${name}`,
    name,
    opts: options,
    ...(parent === undefined ? {} : { parent }),
    dependencies: [],
    propertyDependencies: {},
    isType: () => false,
    asType: () => undefined,
  };
}

export function stackArgs(resources: PolicyResource[]): StackValidationArgs {
  return {
    resources,
    stackTags: new Map(),
    getConfig: <T extends object>() => ({}) as T, // neither rule has configuration
    notApplicable: (reason): never => {
      throw new Error(reason);
    },
  };
}
