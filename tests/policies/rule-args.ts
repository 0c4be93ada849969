import assert from "node:assert/strict";
import { unknownCheckingProxy } from "@pulumi/policy";
import type {
  PolicyResource,
  ResourceValidationArgs,
  ResourceValidationPolicy,
  StackValidationArgs,
  StackValidationPolicy,
} from "@pulumi/policy";

/** The package leaves its type out. It reports the reading of unknown values, as in a preview. */
const proxied = unknownCheckingProxy as (props: unknown) => Record<string, unknown>;

/** What the engine hands over in a preview for text that only the update will know. */
export const unknownText = "04da6b54-80e4-46f7-96ec-b56ff0331ba9";

const options: ResourceValidationArgs["opts"] = {
  protect: false,
  ignoreChanges: [],
  aliases: [],
  customTimeouts: { createSeconds: 0, updateSeconds: 0, deleteSeconds: 0 },
  additionalSecretOutputs: [],
};

/** A resource as the pack's server hands it to a rule: its properties behind the proxy that minds unknown values. */
export function resourceArgs(
  type: string,
  props: Record<string, unknown>,
  config: object = {},
): ResourceValidationArgs {
  return {
    type,
    props: proxied(props),
    urn: `urn:pulumi:dev::upramp::${type}::it`,
    name: "it",
    opts: options,
    stackTags: new Map(),
    isType: () => false,
    asType: () => undefined,
    getConfig: <T extends object>() => config as T, // as the engine gives it: whatever is written
    notApplicable: (reason): never => {
      throw new Error(reason);
    },
  };
}

/** What a rule says of one resource. */
export function resourceViolations(
  { validateResource }: ResourceValidationPolicy,
  type: string,
  props: Record<string, unknown>,
  config: object = {},
): readonly string[] {
  assert.ok(typeof validateResource === "function");
  const found: string[] = [];
  void validateResource(resourceArgs(type, props, config), (message) => {
    found.push(message);
  });
  return found;
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

/** What a rule says of a stack. */
export function stackViolations(
  { validateStack }: StackValidationPolicy,
  resources: PolicyResource[],
  config: object = {},
): readonly string[] {
  const found: string[] = [];
  const args: StackValidationArgs = {
    resources,
    stackTags: new Map(),
    getConfig: <T extends object>() => config as T, // as the engine gives it: whatever is written
    notApplicable: (reason): never => {
      throw new Error(reason);
    },
  };
  void validateStack(args, (message) => {
    found.push(message);
  });
  return found;
}
