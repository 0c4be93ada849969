import assert from "node:assert/strict";
import type { AcceptedNode, Discovery } from "../cluster/app-mesh/account.ts";
import {
  endpointsOf,
  podSchema,
  serviceSchema,
  sliceSchema,
  type Network,
} from "../cluster/app-mesh/endpoints.ts";
import { selects } from "../cluster/app-mesh/selectors.ts";

const listener = { portMapping: { port: 80, protocol: "http" } } as const;

function nodeBy(discovery: Discovery | undefined): AcceptedNode {
  return { uid: "u", mesh: "m", awsName: "n", arn: "a", listeners: [listener], discovery };
}

const byName = (hostname: string): AcceptedNode => nodeBy({ kind: "dns", hostname });

function network(spec: object, endpoints: readonly object[] = [ready("10.244.1.1")]): Network {
  const labels = { "kubernetes.io/service-name": "web" };
  return {
    services: [serviceSchema.parse({ metadata: { name: "web", namespace: "shop" }, spec })],
    slices: [
      sliceSchema.parse({
        metadata: { name: "web-1", namespace: "shop", labels },
        endpoints,
        ports: [{ name: "http", port: 9898 }],
      }),
    ],
    pods: [],
  };
}

function ready(address: string, conditions?: object): object {
  return { addresses: [address], ...(conditions && { conditions }) };
}

const service = { clusterIP: "10.96.0.9", ports: [{ name: "http", port: 80 }] };
const found = [{ address: "10.244.1.1", port: 9898 }];

describe("the endpoints of a node", () => {
  const hosts = ["web.shop.svc.cluster.local.", "web.shop.svc.cluster.local", "web.shop.svc"];
  for (const host of hosts) {
    it(`are those of the Service ${host}`, () => {
      assert.deepEqual(endpointsOf(byName(host), listener, network(service)), found);
    });
  }

  const nowhere: readonly (readonly [string, AcceptedNode, Network])[] = [
    ["a Service that is not there", byName("other.shop.svc"), network(service)],
    ["a Service of another namespace", byName("web.test.svc"), network(service)],
    ["a host outside the cluster", byName("example.com"), network(service)],
    [
      "a Service without the node's port",
      byName("web.shop.svc"),
      network({ ...service, ports: [{ name: "http", port: 9898 }] }),
    ],
    [
      "pods that are not ready",
      byName("web.shop.svc"),
      network(service, [ready("10.244.1.1", { ready: false })]),
    ],
    ["no discovery at all", nodeBy(undefined), network(service)],
  ];
  for (const [title, node, where] of nowhere) {
    it(`are none for ${title}`, () => {
      assert.deepEqual(endpointsOf(node, listener, where), []);
    });
  }

  it("are at the node's own port behind a headless Service", () => {
    const headless = { ...service, clusterIP: "None", ports: [] };
    assert.deepEqual(endpointsOf(byName("web.shop.svc"), listener, network(headless)), [
      { address: "10.244.1.1", port: 80 },
    ]);
  });

  it("are a host that is an address", () => {
    assert.deepEqual(endpointsOf(byName("10.244.9.9"), listener, network(service)), [
      { address: "10.244.9.9", port: 80 },
    ]);
  });

  it("are in one order, and each once", () => {
    const endpoints = ["10.244.1.2", "10.244.1.1", "10.244.1.2"].map((address) => ready(address));
    const addresses = endpointsOf(byName("web.shop.svc"), listener, network(service, endpoints));
    assert.deepEqual(
      addresses.map(({ address }) => address),
      ["10.244.1.1", "10.244.1.2"],
    );
  });

  it("are the ready pods of a node in Cloud Map", () => {
    const pod = (podIP: string, status: string, labels: object, more: object = {}) =>
      podSchema.parse({
        metadata: { name: podIP, namespace: "shop", labels, ...more },
        status: { podIP, conditions: [{ type: "Ready", status }] },
      });
    const app = { app: "web" };
    const pods = [
      pod("10.244.1.1", "True", app),
      pod("10.244.1.2", "False", app),
      pod("10.244.1.3", "True", { app: "other" }),
      pod("10.244.1.4", "True", app, { deletionTimestamp: "now" }),
    ];
    const selector = { matchLabels: app, matchExpressions: [] };
    const node = nodeBy({ kind: "pods", namespace: "shop", selector });
    assert.deepEqual(endpointsOf(node, listener, { services: [], slices: [], pods }), [
      { address: "10.244.1.1", port: 80 },
    ]);
  });
});

describe("a selector", () => {
  const expression = (operator: string, ...values: string[]) => ({
    matchLabels: {},
    matchExpressions: [{ key: "a", operator, values }],
  });
  const cases: readonly (readonly [string, Parameters<typeof selects>[0], object, boolean])[] = [
    ["none", undefined, { a: "1" }, false],
    ["an empty one", { matchLabels: {}, matchExpressions: [] }, {}, true],
    ["labels that are there", { matchLabels: { a: "1" }, matchExpressions: [] }, { a: "1" }, true],
    ["another value", { matchLabels: { a: "1" }, matchExpressions: [] }, { a: "2" }, false],
    ["In", expression("In", "1", "2"), { a: "2" }, true],
    ["In, of a label that is not there", expression("In", "1"), {}, false],
    ["NotIn", expression("NotIn", "1"), { a: "1" }, false],
    ["NotIn, of a label that is not there", expression("NotIn", "1"), {}, true],
    ["Exists", expression("Exists"), { a: "" }, true],
    ["DoesNotExist", expression("DoesNotExist"), { a: "" }, false],
  ];
  for (const [title, selector, labels, expected] of cases) {
    it(`${expected ? "takes" : "leaves"}: ${title}`, () => {
      assert.equal(selects(selector, { ...labels }), expected);
    });
  }

  it("with an operator that is none is an error", () => {
    assert.throws(() => selects(expression("Like"), { a: "1" }), /"Like" is not a valid/);
  });
});
