import type { ResourceValidationArgs } from "@pulumi/policy";
import { texts } from "./config-schemas.ts";
import { matchesAny } from "./patterns.ts";
import { at, textOf } from "./properties.ts";

/** What every rule about objects of Kubernetes can leave out. */
export const exemptions = {
  exemptNamespaces: texts("Namespaces that the rule leaves out; * stands for anything.", [
    "kube-system",
  ]),
  exemptNames: texts("Names of objects that the rule leaves out; * stands for anything."),
};

interface Exemptions {
  readonly exemptNamespaces?: readonly string[];
  readonly exemptNames?: readonly string[];
}

/** Whether the configuration of a rule leaves this resource out. */
export function isExempt(args: ResourceValidationArgs): boolean {
  const { props, name } = args;
  const { exemptNamespaces = exemptions.exemptNamespaces.default, exemptNames = [] } =
    args.getConfig<Exemptions>();
  const namespace = textOf(at(props, "metadata", "namespace")) ?? "default";
  const own = textOf(at(props, "metadata", "name")) ?? name;
  return matchesAny(namespace, exemptNamespaces) || matchesAny(own, exemptNames);
}
