/** One statement of a policy that allows; upramp writes none that deny. */
export interface PolicyStatement {
  readonly Effect: "Allow";
  readonly Action: readonly string[];
  readonly Resource: string;
  readonly Condition?: Readonly<Record<string, Readonly<Record<string, string>>>>;
}

/** A policy of AWS's IAM, as its API takes it. */
export interface PolicyDocument {
  readonly Version: "2012-10-17";
  readonly Statement: readonly PolicyStatement[];
}

/** Lets a role make the role that a service of AWS acts in, and no other. */
export function serviceLinkedRole(service: string, role: string): PolicyStatement {
  return {
    Effect: "Allow",
    Action: ["iam:CreateServiceLinkedRole"],
    Resource: `arn:*:iam::*:role/aws-service-role/${service}/${role}`,
    Condition: { StringLike: { "iam:AWSServiceName": service } },
  };
}
