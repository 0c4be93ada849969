import assert from "node:assert/strict";
import {
  appMeshControllerPolicy,
  appMeshEnvoyPolicy,
} from "../../infra/platform/iam/app-mesh-policies.ts";
import { latticeControllerPolicy } from "../../infra/platform/iam/lattice-policy.ts";
import type { PolicyDocument } from "../../infra/platform/iam/policy-document.ts";
import { callAws, type AwsAnswer, type AwsCall, type AwsKeys } from "../support/aws-call.ts";
import { startMoto, type Moto } from "../support/moto.ts";

const policies = {
  lattice: latticeControllerPolicy,
  "app-mesh-controller": appMeshControllerPolicy,
  "app-mesh-envoy": appMeshEnvoyPolicy,
} as const satisfies Record<string, PolicyDocument>;
type PolicyName = keyof typeof policies;
const policyNames = Object.keys(policies) as PolicyName[]; // the keys of the constant above, no others

const lattice = (method: string, path: string, body?: object): AwsCall => ({
  service: "vpc-lattice",
  method,
  path,
  ...(body === undefined ? {} : { body }),
});
const appMesh = (method: string, path: string, body?: object): AwsCall => ({
  service: "appmesh",
  method,
  path: `/v20190125${path}`,
  ...(body === undefined ? {} : { body }),
});
const iam = (action: string, parameters: Record<string, string> = {}): AwsCall => ({
  service: "iam",
  action,
  version: "2010-05-08",
  parameters,
});
const ec2 = (action: string, parameters: Record<string, string> = {}): AwsCall => ({
  service: "ec2",
  action,
  version: "2016-11-15",
  parameters,
});

/** Calls of the names of their actions, which the stand-in serves. */
const calls: Readonly<Record<string, AwsCall>> = {
  "vpc-lattice:CreateServiceNetwork": lattice("POST", "/servicenetworks", { name: "shop" }),
  "vpc-lattice:ListServiceNetworks": lattice("GET", "/servicenetworks"),
  "vpc-lattice:CreateService": lattice("POST", "/services", { name: "podinfo" }),
  "vpc-lattice:ListServices": lattice("GET", "/services"),
  "ec2:DescribeVpcs": ec2("DescribeVpcs"),
  "ec2:DescribeSubnets": ec2("DescribeSubnets"),
  "ec2:DescribeSecurityGroups": ec2("DescribeSecurityGroups"),
  "ec2:RunInstances": ec2("RunInstances", {
    ImageId: "ami-12345678",
    MinCount: "1",
    MaxCount: "1",
  }),
  "ec2:CreateVpc": ec2("CreateVpc", { CidrBlock: "10.0.0.0/16" }),
  "appmesh:CreateMesh": appMesh("PUT", "/meshes", { meshName: "shop" }),
  "appmesh:ListMeshes": appMesh("GET", "/meshes"),
  "iam:ListUsers": iam("ListUsers"),
  "iam:CreateUser": iam("CreateUser", { UserName: "somebody" }),
  "iam:CreateRole": iam("CreateRole", { RoleName: "own", AssumeRolePolicyDocument: "{}" }),
};

const allowed: Readonly<Record<PolicyName, readonly string[]>> = {
  lattice: [
    "vpc-lattice:CreateServiceNetwork",
    "vpc-lattice:ListServiceNetworks",
    "vpc-lattice:CreateService",
    "vpc-lattice:ListServices",
    "ec2:DescribeVpcs",
    "ec2:DescribeSubnets",
    "ec2:DescribeSecurityGroups",
  ],
  "app-mesh-controller": ["appmesh:CreateMesh", "appmesh:ListMeshes"],
  // its one right is on a stream that the stand-in does not serve
  "app-mesh-envoy": [],
};

describe("policies of what is installed", () => {
  for (const name of policyNames) {
    it(`of ${name} allow single actions, and nothing by wildcard`, () => {
      const document: PolicyDocument = policies[name];
      for (const { Effect, Action, Resource, Condition } of document.Statement) {
        assert.equal(Effect, "Allow");
        for (const action of Action) assert.match(action, /^[a-z\d-]+:[A-Z][A-Za-z]+$/);
        const isOfOneRole = Action.some((action) => action.startsWith("iam:"));
        assert.equal(Resource === "*", !isOfOneRole);
        assert.equal(Condition === undefined, !isOfOneRole);
      }
      const all = document.Statement.flatMap(({ Action }) => Action);
      assert.equal(new Set(all).size, all.length, "an action twice");
    });
  }

  it("let controllers make the role of their own service, and no other", () => {
    const links = policyNames.flatMap((name) =>
      policies[name].Statement.filter(({ Resource }) => Resource !== "*"),
    );
    assert.deepEqual(
      links.map(({ Action, Resource, Condition }) => ({ Action, Resource, Condition })),
      [
        ["vpc-lattice.amazonaws.com", "AWSServiceRoleForVpcLattice"],
        ["appmesh.amazonaws.com", "AWSServiceRoleForAppMesh"],
      ].map(([service, role]) => ({
        Action: ["iam:CreateServiceLinkedRole"],
        Resource: `arn:*:iam::*:role/aws-service-role/${service}/${role}`,
        Condition: { StringLike: { "iam:AWSServiceName": service } },
      })),
    );
  });

  describe("in force at a stand-in for AWS", function () {
    this.timeout(120_000);
    const root: AwsKeys = { accessKeyId: "root", secretAccessKey: "root" };
    const keys = new Map<PolicyName, AwsKeys>();
    let moto: Moto;

    before(async function () {
      const started = await startMoto();
      if (started.kind === "none") {
        console.error(started.reason);
        return this.skip();
      }
      moto = started;
      for (const name of policyNames) {
        await asRoot(iam("CreateUser", { UserName: name }));
        const document = JSON.stringify(policies[name]);
        const made = await asRoot(
          iam("CreatePolicy", { PolicyName: name, PolicyDocument: document }),
        );
        const arn = element(made, "Arn");
        await asRoot(iam("AttachUserPolicy", { UserName: name, PolicyArn: arn }));
        const key = await asRoot(iam("CreateAccessKey", { UserName: name }));
        keys.set(name, {
          accessKeyId: element(key, "AccessKeyId"),
          secretAccessKey: element(key, "SecretAccessKey"),
        });
      }
      // from now on every call has to be allowed
      const { status } = await fetch(`${moto.url}/moto-api/reset-auth`, {
        method: "POST",
        body: "0",
      });
      assert.equal(status, 200);
    });
    after(async () => {
      await moto?.stop();
    });

    async function asRoot(call: AwsCall): Promise<string> {
      const { status, text } = await callAws(moto.url, root, call);
      assert.equal(status, 200, text);
      return text;
    }

    function callAs(name: PolicyName, action: string): Promise<AwsAnswer> {
      const [own, call] = [keys.get(name), calls[action]];
      assert.ok(own !== undefined && call !== undefined);
      return callAws(moto.url, own, call);
    }

    for (const name of policyNames) {
      for (const action of Object.keys(calls)) {
        const isAllowed = allowed[name].includes(action);
        it(`${name} ${isAllowed ? "may" : "may not"} ${action}`, async () => {
          const { status, text } = await callAs(name, action);
          if (isAllowed) return assert.ok(status >= 200 && status < 300, `${status} ${text}`);
          assert.equal(status, 403, text);
          assert.match(text, /AccessDenied|not authorized/);
        });
      }
    }

    it("nobody may anything with keys that are not theirs", async () => {
      const [name] = policyNames;
      assert.ok(name);
      const own = keys.get(name);
      assert.ok(own);
      const call = calls["vpc-lattice:ListServices"];
      assert.ok(call);
      const { status } = await callAws(moto.url, { ...own, secretAccessKey: "guessed" }, call);
      assert.equal(status, 403);
    });
  });
});

/** The content of the first element of this name in an answer of XML. */
function element(text: string, name: string): string {
  const found = new RegExp(`<${name}>([^<]+)</${name}>`).exec(text)?.[1];
  assert.ok(found, text);
  return found;
}
