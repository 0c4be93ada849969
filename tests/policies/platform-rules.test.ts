import assert from "node:assert/strict";
import fc from "fast-check";
import { contains, parseRange } from "../../policies/address-ranges.ts";
import { forbidDiscontinuedAppMesh } from "../../policies/forbid-discontinued-app-mesh.ts";
import { forbidWildcardRights } from "../../policies/forbid-wildcard-rights.ts";
import { requireEncryption } from "../../policies/require-encryption.ts";
import { requireLimitedClusterEndpoint } from "../../policies/require-limited-cluster-endpoint.ts";
import { resourceArgs, resourceViolations, unknownText } from "./rule-args.ts";

const clusterType = "aws:eks/cluster:Cluster";

describe("forbid-discontinued-app-mesh", () => {
  const judged = (type: string, config: object = {}): readonly string[] =>
    resourceViolations(forbidDiscontinuedAppMesh, type, {}, config);

  for (const type of [
    "kubernetes:appmesh.k8s.aws/v1beta2:VirtualNode",
    "kubernetes:appmesh.k8s.aws/v1beta2:Mesh",
    "aws:appmesh/mesh:Mesh",
    "aws:appmesh/route:Route",
  ]) {
    it(`stops ${type}, unless its configuration allows it`, () => {
      const [message = "no violation"] = judged(type);
      assert.match(
        message,
        /is an object of App Mesh: use Gateway API, or set allowDiscontinuedAppMesh/,
      );
      assert.deepEqual(judged(type, { allowDiscontinuedAppMesh: true }), []);
      assert.equal(judged(type, { allowDiscontinuedAppMesh: false }).length, 1);
    });
  }

  it("lets everything else pass", () => {
    for (const type of ["kubernetes:gateway.networking.k8s.io/v1:HTTPRoute", clusterType]) {
      assert.deepEqual(judged(type), []);
    }
  });
});

describe("require-limited-cluster-endpoint", () => {
  const judged = (vpcConfig: unknown, config: object = {}): readonly string[] =>
    resourceViolations(requireLimitedClusterEndpoint, clusterType, { vpcConfig }, config);

  for (const [what, vpcConfig] of [
    ["a private endpoint", { endpointPublicAccess: false, endpointPrivateAccess: true }],
    [
      "one open to an office",
      { endpointPublicAccess: true, publicAccessCidrs: ["203.0.113.0/24"] },
    ],
    ["the same by default", { publicAccessCidrs: ["203.0.113.7/32", "2001:db8:1::/48"] }],
    ["ranges that a preview does not know", { publicAccessCidrs: [unknownText] }],
    ["an unknown list", { publicAccessCidrs: unknownText }],
  ] as const) {
    it(`lets ${what} pass`, () => {
      assert.deepEqual(judged(vpcConfig), []);
    });
  }

  for (const [what, vpcConfig, message] of [
    ["no word about it", {}, "publicAccessCidrs is not set, which lets in every address"],
    ["an empty list", { publicAccessCidrs: [] }, "publicAccessCidrs is not set"],
    ["every address", { publicAccessCidrs: ["0.0.0.0/0"] }, `"0.0.0.0/0" is wider than /16`],
    ["every address of IPv6", { publicAccessCidrs: ["::/0"] }, `"::/0" is wider than /32`],
    [
      "every address in two halves",
      { publicAccessCidrs: ["0.0.0.0/1", "128.0.0.0/1"] },
      `"0.0.0.0/1" is wider than /16; "128.0.0.0/1" is wider than /16`,
    ],
    ["what is no range", { publicAccessCidrs: ["office"] }, `"office" is no range of addresses`],
  ] as const) {
    it(`stops ${what}`, () => {
      const [message_ = "no violation", ...more] = judged(vpcConfig);
      assert.ok(message_.includes(message), message_);
      assert.deepEqual(more, []);
    });
  }

  it("takes what is private, wide and allowed from its configuration", () => {
    const office = { publicAccessCidrs: ["203.0.113.0/24"] };
    const [refused = ""] = judged(office, { privateOnly: true });
    assert.match(refused, /endpointPublicAccess is not false: set it to false/);
    assert.deepEqual(judged({ endpointPublicAccess: false }, { privateOnly: true }), []);
    assert.match(judged(office, { shortestIpv4Prefix: 28 })[0] ?? "", /is wider than \/28/);
    assert.deepEqual(judged(office, { allowedCidrs: ["203.0.112.0/23", "::/0"] }), []);
    assert.match(
      judged(office, { allowedCidrs: ["198.51.100.0/24"] })[0] ?? "",
      /"203\.0\.113\.0\/24" is outside of 198\.51\.100\.0\/24/,
    );
  });

  it("looks at clusters only", () => {
    assert.deepEqual(resourceViolations(requireLimitedClusterEndpoint, "aws:ec2/vpc:Vpc", {}), []);
  });
});

describe("a range of addresses", () => {
  const range = fc.tuple(fc.ipV4(), fc.integer({ min: 0, max: 32 })).map(([a, p]) => `${a}/${p}`);

  it("contains itself, and no wider one", () => {
    fc.assert(
      fc.property(range, (text) => {
        const parsed = parseRange(text);
        assert.ok(parsed !== null);
        assert.ok(contains(parsed, parsed));
        if (parsed.prefix > 0)
          assert.ok(!contains(parsed, { ...parsed, prefix: parsed.prefix - 1 }));
      }),
    );
  });

  it("is told from what is none", () => {
    for (const text of [
      "",
      "10.0.0.0",
      "10.0.0.0/33",
      "10.0.0/8",
      "::/129",
      "1.2.3.4/8/8",
      "a/8",
    ]) {
      assert.equal(parseRange(text), null, text);
    }
  });
});

describe("forbid-wildcard-rights", () => {
  interface Statement {
    readonly [key: string]: unknown;
  }
  const allow = (statement: Statement): Statement => ({
    Effect: "Allow",
    Resource: "*",
    ...statement,
  });
  const policyType = "aws:iam/policy:Policy";

  function judged(statement: Statement, config: object = {}): readonly string[] {
    const policy = JSON.stringify({ Version: "2012-10-17", Statement: [allow(statement)] });
    return resourceViolations(forbidWildcardRights, policyType, { policy }, config);
  }

  for (const [what, statement] of [
    [
      "named actions on everything that hand out nothing",
      { Action: ["ec2:DescribeInstances", "appmesh:CreateMesh"] },
    ],
    ["a family of reading actions", { Action: "ec2:Describe*" }],
    ["named actions on a named resource", { Action: "s3:GetObject", Resource: "arn:aws:s3:::b/*" }],
    [
      "rights under a condition",
      { Action: "iam:CreateServiceLinkedRole", Condition: { StringEquals: { a: "b" } } },
    ],
    ["what only lists", { Action: ["iam:ListRoles", "s3:ListAllMyBuckets"] }],
    ["what is denied", { Effect: "Deny", Action: "*" }],
  ] as const) {
    it(`lets ${what} pass`, () => {
      assert.deepEqual(judged(statement), []);
    });
  }

  for (const [what, statement, message] of [
    ["everything", { Action: "*" }, "policy.Statement[0] allows *: name the actions"],
    ["a whole service", { Action: ["s3:*"], Resource: "arn:aws:s3:::b" }, "allows s3:*: name"],
    [
      "a whole service under a condition",
      { Action: "ec2:*", Condition: { Bool: { a: "b" } } },
      "allows ec2:*",
    ],
    ["all but some actions", { NotAction: "iam:*" }, "allows all but what NotAction names"],
    [
      "all but some resources",
      { Action: "s3:GetObject", Resource: undefined, NotResource: "a" },
      "all but what NotResource",
    ],
    [
      "roles of all kinds",
      { Action: "iam:PassRole" },
      "allows iam:PassRole on every resource: name the resources",
    ],
    [
      "every secret",
      { Action: ["secretsmanager:GetSecretValue", "ec2:DescribeInstances"] },
      "allows secretsmanager:GetSecretValue on",
    ],
    [
      "by its name",
      { Sid: "Broad", Action: "sts:AssumeRole" },
      `policy.Statement[0] ("Broad") allows`,
    ],
  ] as const) {
    it(`stops a policy that allows ${what}`, () => {
      const [found = "no violation", ...more] = judged(statement);
      assert.ok(found.includes(message), found);
      assert.deepEqual(more, []);
    });
  }

  for (const [type, props] of [
    [policyType, "policy"],
    ["aws:iam/rolePolicy:RolePolicy", "policy"],
    ["aws:iam/userPolicy:UserPolicy", "policy"],
    ["aws:iam/groupPolicy:GroupPolicy", "policy"],
  ] as const) {
    it(`reads ${type} as text and as an object, and waits for one that a preview does not know`, () => {
      const document = { Statement: allow({ Action: "*" }) };
      for (const policy of [document, JSON.stringify(document)]) {
        assert.equal(resourceViolations(forbidWildcardRights, type, { [props]: policy }).length, 1);
      }
      for (const policy of [unknownText, undefined, "not JSON"]) {
        assert.deepEqual(resourceViolations(forbidWildcardRights, type, { [props]: policy }), []);
      }
    });
  }

  it("reads the policies inside of a role, and says where", () => {
    const policy = JSON.stringify({ Statement: [allow({ Action: "*" })] });
    const inlinePolicies = [
      { name: "right", policy: "{}" },
      { name: "wrong", policy },
    ];
    assert.deepEqual(
      resourceViolations(forbidWildcardRights, "aws:iam/role:Role", { inlinePolicies }),
      ["inlinePolicies[1].policy.Statement[0] allows *: name the actions that are needed"],
    );
  });

  const arn = (name: string): string => `arn:aws:iam::aws:policy/${name}`;
  for (const [type, props] of [
    ["aws:iam/role:Role", (name: string) => ({ managedPolicyArns: [arn(name)] })],
    [
      "aws:iam/rolePolicyAttachment:RolePolicyAttachment",
      (name: string) => ({ policyArn: arn(name) }),
    ],
    ["aws:iam/policyAttachment:PolicyAttachment", (name: string) => ({ policyArn: arn(name) })],
    [
      "aws:iam/rolePolicyAttachmentsExclusive:RolePolicyAttachmentsExclusive",
      (name: string) => ({ policyArns: [arn(name)] }),
    ],
  ] as const) {
    it(`stops a managed policy that allows nearly everything at ${type}`, () => {
      for (const name of ["AdministratorAccess", "PowerUserAccess", "AmazonS3FullAccess"]) {
        const [message = "no violation"] = resourceViolations(
          forbidWildcardRights,
          type,
          props(name),
        );
        assert.match(message, /allows nearly everything/);
      }
      for (const name of ["AmazonEKSWorkerNodePolicy", "service-role/AmazonEBSCSIDriverPolicy"]) {
        assert.deepEqual(resourceViolations(forbidWildcardRights, type, props(name)), []);
      }
    });
  }

  it("takes what may be, and what may not, from its configuration", () => {
    assert.deepEqual(
      judged({ Action: "vpc-lattice:*" }, { allowedActions: ["vpc-lattice:*"] }),
      [],
    );
    assert.equal(judged({ Action: "*" }, { allowedActions: ["vpc-lattice:*"] }).length, 1);
    assert.deepEqual(judged({ Action: "iam:PassRole" }, { scopedActions: [] }), []);
    assert.equal(judged({ Action: "sqs:SendMessage" }, { scopedActions: ["sqs:*"] }).length, 1);
    const role = { managedPolicyArns: [arn("AmazonS3FullAccess")] };
    const config = { forbiddenManagedPolicies: ["AdministratorAccess"] };
    assert.deepEqual(
      resourceViolations(forbidWildcardRights, "aws:iam/role:Role", role, config),
      [],
    );
  });
});

const launchTemplate = "aws:ec2/launchTemplate:LaunchTemplate";
const storageClass = "kubernetes:storage.k8s.io/v1:StorageClass";

describe("require-encryption", () => {
  const key = { keyArn: unknownText };
  const ebs = "ebs.csi.aws.com";

  for (const [what, type, props] of [
    [
      "a cluster's Secrets under a key",
      clusterType,
      { encryptionConfig: { provider: key, resources: ["secrets"] } },
    ],
    ["a setting that a preview does not know", clusterType, { encryptionConfig: unknownText }],
    ["an encrypted volume", "aws:ebs/volume:Volume", { encrypted: true }],
    ["an encrypted file system", "aws:efs/fileSystem:FileSystem", { encrypted: true }],
    [
      "encrypted disks of machines",
      launchTemplate,
      { blockDeviceMappings: [{ ebs: { encrypted: "true" } }, { noDevice: "" }] },
    ],
    ["a launch template without disks", launchTemplate, {}],
    [
      "an encrypted StorageClass",
      storageClass,
      { provisioner: ebs, parameters: { encrypted: "true" } },
    ],
    ["a StorageClass of somebody else's", storageClass, { provisioner: "local" }],
    ["a log group without a key", "aws:cloudwatch/logGroup:LogGroup", {}],
  ] as const) {
    it(`lets ${what} pass`, () => {
      assert.deepEqual(resourceViolations(requireEncryption, type, { ...props }), []);
    });
  }

  for (const [what, type, props, message] of [
    ["a cluster without a key", clusterType, {}, "encryptionConfig does not cover secrets"],
    [
      "a key for nothing",
      clusterType,
      { encryptionConfig: { provider: key, resources: [] } },
      "encryptionConfig does not",
    ],
    ["a volume in plain", "aws:ebs/volume:Volume", {}, "encrypted is not true: set it"],
    [
      "a volume that is told not to",
      "aws:ebs/volume:Volume",
      { encrypted: false },
      "encrypted is not true",
    ],
    [
      "a file system in plain",
      "aws:efs/fileSystem:FileSystem",
      {},
      "encrypted is not true: set it",
    ],
    [
      "a disk of machines in plain",
      launchTemplate,
      { blockDeviceMappings: [{ ebs: { encrypted: "true" } }, { ebs: {} }] },
      "blockDeviceMappings[1].ebs.encrypted",
    ],
    [
      "a StorageClass in plain",
      storageClass,
      { provisioner: ebs, parameters: {} },
      `parameters.encrypted is not "true"`,
    ],
  ] as const) {
    it(`stops ${what}`, () => {
      const [found = "no violation", ...more] = resourceViolations(requireEncryption, type, {
        ...props,
      });
      assert.ok(found.includes(message), found);
      assert.deepEqual(more, []);
    });
  }

  it("asks for keys of log groups when it is told to", () => {
    const type = "aws:cloudwatch/logGroup:LogGroup";
    const config = { logGroups: true };
    assert.deepEqual(resourceViolations(requireEncryption, type, {}, config), [
      "kmsKeyId is not set: name a KMS key",
    ]);
    for (const kmsKeyId of ["arn", unknownText]) {
      assert.deepEqual(resourceViolations(requireEncryption, type, { kmsKeyId }, config), []);
    }
  });

  describe("as a remediation", () => {
    const remedied = (type: string, props: Record<string, unknown>): unknown => {
      assert.ok(requireEncryption.remediateResource !== undefined);
      return requireEncryption.remediateResource(resourceArgs(type, props));
    };

    it("encrypts disks of machines to come, also beside what a preview does not know", () => {
      const props = {
        userData: unknownText,
        blockDeviceMappings: [
          { deviceName: unknownText, ebs: { volumeSize: 20 } },
          { noDevice: "" },
        ],
      };
      assert.ok(remedied(launchTemplate, props) !== undefined);
      const [first] = props.blockDeviceMappings;
      assert.deepEqual(first?.ebs, { volumeSize: 20, encrypted: "true" });
      assert.deepEqual(resourceViolations(requireEncryption, launchTemplate, props), []);
    });

    it("leaves alone what is told not to be encrypted, and every disk that is there", () => {
      const plain = { blockDeviceMappings: [{ ebs: { encrypted: "false" } }] };
      assert.equal(remedied(launchTemplate, plain), undefined);
      assert.equal(resourceViolations(requireEncryption, launchTemplate, plain).length, 1);
      for (const type of ["aws:ebs/volume:Volume", storageClass, clusterType]) {
        assert.equal(remedied(type, { provisioner: ebs }), undefined);
      }
    });
  });
});
