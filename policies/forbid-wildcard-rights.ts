import type { ResourceValidationPolicy } from "@pulumi/policy";
import { texts } from "./config-schemas.ts";
import {
  allowStatements,
  attachedPolicies,
  documentsOf,
  type AllowStatement,
} from "./iam-statements.ts";
import { matchesAny } from "./patterns.ts";

interface Config {
  readonly allowedActions?: readonly string[];
  readonly scopedActions?: readonly string[];
  readonly forbiddenManagedPolicies?: readonly string[];
}

/** Actions that hand out rights, keys, secrets or data: never for every resource at once. */
const scopedActions = [
  "iam:*",
  "sts:AssumeRole*",
  "kms:*",
  "secretsmanager:*",
  "ssm:GetParameter*",
  "s3:*",
  "dynamodb:*",
  "ec2:RunInstances",
  "lambda:InvokeFunction",
] as const;

/** Of those, what only shows that something is there. */
const harmlessActions = [
  "iam:List*",
  "kms:List*",
  "kms:DescribeKey",
  "secretsmanager:List*",
  "s3:ListAllMyBuckets",
];

const forbiddenManagedPolicies = ["AdministratorAccess", "PowerUserAccess", "*FullAccess"] as const;

/** Why a statement allows too much, one text each. */
export function statementFaults(statement: AllowStatement, config: Config): readonly string[] {
  const { actions, resources, negated, hasCondition, place } = statement;
  const allowed = config.allowedActions ?? [];
  const scoped = config.scopedActions ?? scopedActions;
  const judged = actions.filter((action) => !matchesAny(action, allowed));
  const whole = judged.filter((action) => /^(\*|[\w-]+:\*)$/.test(action));
  const unscoped = judged.filter(
    (action) =>
      !whole.includes(action) && matchesAny(action, scoped) && !matchesAny(action, harmlessActions),
  );
  return [
    ...negated.map((key) => `${place} allows all but what ${key} names: name what is needed`),
    ...(whole.length === 0
      ? []
      : [`${place} allows ${whole.join(", ")}: name the actions that are needed`]),
    ...(unscoped.length === 0 || hasCondition || !resources.includes("*")
      ? []
      : [
          `${place} allows ${unscoped.join(", ")} on every resource: name the resources, or add a condition`,
        ]),
  ];
}

/** A role may do what it needs, and not all. */
export const forbidWildcardRights: ResourceValidationPolicy = {
  name: "forbid-wildcard-rights",
  description: "A role may do what it needs: whoever breaks into a pod or a node has its rights.",
  enforcementLevel: "mandatory",
  configSchema: {
    properties: {
      allowedActions: texts("Actions that may be allowed all the same, such as vpc-lattice:*."),
      scopedActions: texts(
        "Actions that need named resources or a condition; * stands for anything.",
        scopedActions,
      ),
      forbiddenManagedPolicies: texts(
        "Managed policies of AWS that may not be attached, by name; * stands for anything.",
        forbiddenManagedPolicies,
      ),
    },
  },
  validateResource: (args, reportViolation) => {
    const { type, props } = args;
    const config = args.getConfig<Config>();
    for (const [place, document] of documentsOf(type, props)) {
      for (const statement of allowStatements(document, place)) {
        for (const fault of statementFaults(statement, config)) reportViolation(fault);
      }
    }
    const forbidden = config.forbiddenManagedPolicies ?? forbiddenManagedPolicies;
    for (const arn of attachedPolicies(type, props)) {
      const [, name] = /^arn:aws[\w-]*:iam::aws:policy\/(?:.*\/)?([^/]+)$/.exec(arn) ?? [];
      if (name === undefined || !matchesAny(name, forbidden)) continue;
      reportViolation(`${arn} allows nearly everything: attach a policy of what is needed`);
    }
  },
};
