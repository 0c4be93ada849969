import { serviceLinkedRole, type PolicyDocument } from "./policy-document.ts";

const parts = [
  "AccessLogSubscription",
  "Listener",
  "Rule",
  "Service",
  "ServiceNetwork",
  "ServiceNetworkServiceAssociation",
  "ServiceNetworkVpcAssociation",
  "TargetGroup",
] as const;

/**
 * What the AWS Gateway API Controller may do. Its project recommends `vpc-lattice:*` and rights on logs, Firehose and
 * buckets for AccessLogPolicy objects (files/controller-installation/recommended-inline-policy.json); these are the
 * calls for Gateways, routes, target groups and auth policies by name, and no log destinations.
 */
export const latticeControllerPolicy: PolicyDocument = {
  Version: "2012-10-17",
  Statement: [
    {
      Effect: "Allow",
      Action: [
        ...parts.flatMap((part) =>
          ["Create", "Delete", "Get", "Update"].map((verb) => `vpc-lattice:${verb}${part}`),
        ),
        // lists are of several, and associations between a network and a service cannot be updated
        ...parts.map((part) => `vpc-lattice:List${part}s`),
        "vpc-lattice:BatchUpdateRule",
        "vpc-lattice:RegisterTargets",
        "vpc-lattice:DeregisterTargets",
        "vpc-lattice:ListTargets",
        "vpc-lattice:GetAuthPolicy",
        "vpc-lattice:PutAuthPolicy",
        "vpc-lattice:DeleteAuthPolicy",
        "vpc-lattice:TagResource",
        "vpc-lattice:UntagResource",
        "vpc-lattice:ListTagsForResource",
      ].filter((action) => action !== "vpc-lattice:UpdateServiceNetworkServiceAssociation"),
      Resource: "*",
    },
    {
      Effect: "Allow",
      Action: [
        "ec2:DescribeSecurityGroups",
        "ec2:DescribeSubnets",
        "ec2:DescribeTags",
        "ec2:DescribeVpcs",
        // how the controller finds what it made before
        "tag:GetResources",
        "tag:TagResources",
        "tag:UntagResources",
      ],
      Resource: "*",
    },
    serviceLinkedRole("vpc-lattice.amazonaws.com", "AWSServiceRoleForVpcLattice"),
  ],
};
