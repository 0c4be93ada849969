import type { PolicyConfigSchema, ReportViolation } from "@pulumi/policy";
import type { Rule } from "./rules.ts";

/** The resource that is there once in every stack. */
const stackType = "pulumi:pulumi:Stack";

/**
 * A rule that also refuses settings which it does not have. The engine checks the values that a rule's schema names, and
 * lets every other key pass: a misspelled one would be a rule that silently does less.
 */
export function withKnownSettings(rule: Rule): Rule {
  if ("validateStack" in rule) {
    const { validateStack } = rule;
    return {
      ...rule,
      validateStack: (args, reportViolation) => {
        reportUnknown(rule.configSchema, args.getConfig(), reportViolation);
        return validateStack(args, reportViolation);
      },
    };
  }
  const validations = [rule.validateResource ?? []].flat();
  return {
    ...rule,
    // one function for all: the server reads a resource anew for each
    validateResource: async (args, reportViolation) => {
      if (args.type === stackType) {
        reportUnknown(rule.configSchema, args.getConfig(), reportViolation);
      }
      for (const validate of validations) await validate(args, reportViolation);
    },
  };
}

function reportUnknown(
  schema: PolicyConfigSchema | undefined,
  config: object,
  reportViolation: ReportViolation,
): void {
  const known = Object.keys(schema?.properties ?? {});
  for (const key of Object.keys(config).filter((found) => !known.includes(found))) {
    const list = ["enforcementLevel", ...known].join(", ");
    reportViolation(`the pack's configuration has "${key}" for this rule; known are ${list}`);
  }
}
