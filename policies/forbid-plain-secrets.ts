import type { ResourceValidationPolicy } from "@pulumi/policy";
import { texts } from "./config-schemas.ts";
import { credentialOf } from "./credentials.ts";
import { exemptions, isExempt } from "./exemptions.ts";
import { matchesAny } from "./patterns.ts";
import { at, elements, entries, textOf } from "./properties.ts";
import { allContainersOf, podOf } from "./workload-pods.ts";

interface Config {
  readonly allowedNames?: readonly string[];
}

/** A text that everyone can read who may look at the object. */
interface PlainText {
  readonly place: string;
  readonly name: string;
  readonly value: unknown;
}

function plainTextsOf(type: string, props: unknown): readonly PlainText[] {
  if (type === "kubernetes:core/v1:ConfigMap") return named("data", at(props, "data"));
  if (type === "upramp:local:Process") {
    return [...named("env", at(props, "env")), ...words("args", at(props, "args"))];
  }
  const pod = podOf(type, props);
  if (pod === null) return [];
  return allContainersOf(pod).flatMap(({ place, container }) => [
    ...elements(at(container, "env")).map((variable) => {
      const name = textOf(at(variable, "name")) ?? "";
      return { place: `${place}.env ${name}`, name, value: at(variable, "value") };
    }),
    ...words(`${place}.command`, at(container, "command")),
    ...words(`${place}.args`, at(container, "args")),
  ]);
}

function named(place: string, values: unknown): readonly PlainText[] {
  return entries(values).map(([name, value]) => ({ place: `${place}.${name}`, name, value }));
}

/** Words of a command line: `--password=…` is named by what stands before the sign. */
function words(place: string, list: unknown): readonly PlainText[] {
  return elements(list).map((word, index) => {
    const [, name = "", value = word] = /^-*([\w-]+)=(.*)$/s.exec(textOf(word) ?? "") ?? [];
    return { place: `${place}[${index}]`, name, value };
  });
}

/** Credentials stand in Secrets, never in what anybody can read. */
export const forbidPlainSecrets: ResourceValidationPolicy = {
  name: "forbid-plain-secrets",
  description:
    "A credential stands in a Secret or a file, never in an environment variable, a command line or a ConfigMap.",
  enforcementLevel: "mandatory",
  configSchema: {
    properties: {
      ...exemptions,
      allowedNames: texts(
        "Names of variables, options and keys that are no credentials; * stands for anything.",
      ),
    },
  },
  validateResource: (args, reportViolation) => {
    if (isExempt(args)) return;
    const { allowedNames = [] } = args.getConfig<Config>();
    for (const { place, name, value } of plainTextsOf(args.type, args.props)) {
      if (typeof value !== "string" || matchesAny(name, allowedNames)) continue;
      const kind = credentialOf(name, value);
      if (kind === null) continue;
      reportViolation(
        `${place} seems to be ${kind}: read it from a Secret or a file, or add its name to allowedNames of this rule`,
      );
    }
  },
};
