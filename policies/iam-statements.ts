import { at, elements, entries, notKnownYet, textOf } from "./properties.ts";

/** A statement of an IAM policy that allows something. */
export interface AllowStatement {
  /** How to find it. */
  readonly place: string;
  readonly actions: readonly string[];
  readonly resources: readonly string[];
  /** `NotAction` or `NotResource`, which allow all but what they name. */
  readonly negated: readonly string[];
  readonly hasCondition: boolean;
}

/** The IAM policy documents of a resource, with their places. */
export function documentsOf(type: string, props: unknown): readonly (readonly [string, unknown])[] {
  if (/^aws:iam\/(policy:Policy|(role|user|group)Policy:\w+Policy)$/.test(type)) {
    return [["policy", at(props, "policy")]];
  }
  if (type !== "aws:iam/role:Role") return [];
  return elements(at(props, "inlinePolicies")).map((inline, index) => [
    `inlinePolicies[${index}].policy`,
    at(inline, "policy"),
  ]);
}

/** Managed policies that a resource attaches, by their ARNs. */
export function attachedPolicies(type: string, props: unknown): readonly string[] {
  if (/^aws:iam\/\w*olicyAttachment:\w*PolicyAttachment$/.test(type)) {
    return [at(props, "policyArn")].filter(isText);
  }
  const list = /^aws:iam\/\w+PolicyAttachmentsExclusive:/.test(type)
    ? "policyArns"
    : "managedPolicyArns";
  return type.startsWith("aws:iam/") ? elements(at(props, list)).filter(isText) : [];
}

/** The statements of a document that allow something; none of one that is not known yet. */
export function allowStatements(document: unknown, place: string): readonly AllowStatement[] {
  const content = typeof document === "string" ? parsed(document) : document;
  if (content === notKnownYet) return [];
  return listOf(at(content, "Statement")).flatMap((statement, index) => {
    if (at(statement, "Effect") !== "Allow") return [];
    const sid = textOf(at(statement, "Sid"));
    return [
      {
        place: `${place}.Statement[${index}]${sid === undefined ? "" : ` ("${sid}")`}`,
        actions: listOf(at(statement, "Action")).filter(isText),
        resources: listOf(at(statement, "Resource")).filter(isText),
        negated: ["NotAction", "NotResource"].filter((key) => at(statement, key) !== undefined),
        hasCondition: entries(at(statement, "Condition")).length > 0,
      },
    ];
  });
}

/** IAM lets a list of one stand without its brackets. */
function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? elements(value) : value === undefined ? [] : [value];
}

const isText = (value: unknown): value is string => typeof value === "string";

function parsed(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    // AWS refuses it with words of its own
    return undefined;
  }
}
