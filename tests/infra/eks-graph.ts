import assert from "node:assert/strict";
import * as pulumi from "@pulumi/pulumi";
import type { RegisterResourceRequest } from "@pulumi/pulumi/proto/resource_pb.js";
import { MockMonitor } from "@pulumi/pulumi/runtime/mocks.js";
import { z } from "zod";
import { readConfig } from "../../infra/config.ts";
import { declareEksPlatform } from "../../infra/eks-stacks.ts";
import {
  kubernetesPlatformOutputsSchema,
  type KubernetesPlatformOutputs,
} from "../../infra/kubernetes-contract.ts";

/** A resource as the program registered it. */
export interface GraphResource {
  readonly type: string;
  readonly name: string;
  readonly inputs: Readonly<Record<string, unknown>>;
  /** Of its parent and of what it waits for: `type name`. */
  readonly parent: string;
  readonly dependsOn: readonly string[];
  readonly isProtected: boolean;
  readonly isRetained: boolean;
  readonly ignoreChanges: readonly string[];
}

/** All that a platform of target `eks` declares. */
export interface Graph {
  readonly outputs: KubernetesPlatformOutputs;
  /** By `type name`. */
  readonly resources: ReadonlyMap<string, GraphResource>;
}

const issuer = "oidc.eks.eu-central-1.amazonaws.com/id/0123456789ABCDEF";
export const oidcProviderArn = `arn:aws:iam::123456789012:oidc-provider/${issuer}`;

const clusterOutputs = {
  oidcIssuer: issuer,
  oidcProviderArn,
  kubeconfigJson: JSON.stringify({
    clusters: [
      { cluster: { server: "https://made.example.com", "certificate-authority-data": "bWFkZQ==" } },
    ],
  }),
};

const outputsOf: Readonly<Record<string, object>> = {
  "eks:index:Cluster": clusterOutputs,
  "aws:amp/workspace:Workspace": { prometheusEndpoint: "https://aps.example.com/workspaces/ws-1/" },
};

const found = {
  endpoint: "https://127.0.0.1:9",
  status: "ACTIVE",
  certificateAuthorities: [{ data: "Zm91bmQ=" }],
  identities: [{ oidcs: [{ issuer: `https://${issuer}` }] }],
  vpcConfig: { vpcId: "vpc-0000000000000000f" },
};

/** What AWS and the backend answer; a test can change some of it. */
const answers: Readonly<Record<string, () => object>> = {
  "pulumi:pulumi:readStackOutputs": () => ({ outputs: {} }),
  "aws:index/getAvailabilityZones:getAvailabilityZones": () => ({
    names: ["eu-central-1c", "eu-central-1a", "eu-central-1b"],
  }),
  "aws:eks/getCluster:getCluster": () => found,
  "aws:iam/getOpenIdConnectProvider:getOpenIdConnectProvider": () => ({ arn: oidcProviderArn }),
};

const base = {
  target: "eks",
  region: "eu-central-1",
  namespace: { name: "shop" },
  router: {
    kind: "gateway-api",
    profile: "envoy-gateway",
    gateway: { namespace: "infra", name: "in" },
  },
  prometheus: { address: "http://prometheus.example.com" },
};

/** Declares a platform without an engine: every setting goes the way from the configuration to the monitor. */
export async function declareEks(
  changes: object = {},
  answered: Readonly<Record<string, () => object>> = {},
): Promise<Graph> {
  const config = readConfig({
    values: {
      "upramp:kind": "platform",
      "upramp:platform": JSON.stringify({ ...base, ...changes }),
    },
    isSecret: () => false,
    environment: {},
    directory: ".",
  });
  assert.ok(config.kind === "platform" && config.target === "eks");
  const registered: RegisterResourceRequest[] = [];
  const inputsOf = new Map<string, Record<string, unknown>>();
  await pulumi.runtime.setMocks(
    {
      newResource: ({ type, name, inputs }) => {
        const known = z.record(z.string(), z.unknown()).parse(inputs);
        inputsOf.set(`${type} ${name}`, known);
        const own = { arn: `arn:aws:test:::${name}`, name: known["name"] ?? name };
        const made = outputsOf[type] ?? {};
        return { id: `${name}-id`, state: { ...own, ...known, ...made } };
      },
      call: ({ token }) => {
        const answer = answered[token] ?? answers[token];
        assert.ok(answer, `nobody answers ${token}`);
        return answer();
      },
    },
    "upramp",
    "dev",
    false,
    "organization",
  );
  const { prototype } = MockMonitor;
  const original = Reflect.get(prototype, "registerResource") as MockMonitor["registerResource"];
  // the mocks' own functions are told neither parents nor dependencies
  prototype.registerResource = function (request: RegisterResourceRequest, callback) {
    registered.push(request);
    return original.call(this, request, callback);
  };
  try {
    const outputs = await declareEksPlatform(config);
    const value = await valueOf(outputs);
    return {
      outputs: kubernetesPlatformOutputsSchema.parse(value),
      resources: new Map(
        registered.map((request) => {
          const resource = describeResource(request, inputsOf);
          return [`${resource.type} ${resource.name}`, resource];
        }),
      ),
    };
  } finally {
    prototype.registerResource = original;
  }
}

function describeResource(
  request: RegisterResourceRequest,
  inputsOf: ReadonlyMap<string, Readonly<Record<string, unknown>>>,
): GraphResource {
  const [type, name] = [request.getType(), request.getName()];
  return {
    type,
    name,
    inputs: inputsOf.get(`${type} ${name}`) ?? {},
    parent: keyOf(request.getParent()),
    dependsOn: request.getDependenciesList().map(keyOf),
    isProtected: request.getProtect() ?? false,
    isRetained: request.getRetainondelete() ?? false,
    ignoreChanges: request.getIgnorechangesList(),
  };
}

/** `urn:pulumi:dev::upramp::PARENT$TYPE::NAME` → `TYPE NAME`. */
function keyOf(urn: string): string {
  const [, , types = "", name = ""] = urn.split("::");
  return `${types.split("$").at(-1)} ${name}`;
}

async function valueOf(output: pulumi.Output<unknown>): Promise<unknown> {
  return new Promise((resolve, reject) => {
    // a rejected Output has no other sign in the SDK's types
    (output as unknown as { promise(): Promise<unknown> }).promise().then(resolve, reject);
  });
}
