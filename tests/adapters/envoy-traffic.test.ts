import assert from "node:assert/strict";
import { EnvoyTraffic } from "../../rollout/adapters/envoy-traffic.ts";
import type { Weights } from "../../rollout/core/assignment.ts";
import { AnsweringServer, type CannedAnswer } from "./answering-server.ts";

const never = new AbortController().signal;
const options = {
  routeConfig: "podinfo",
  clusters: { blue: "podinfo-blue", green: "podinfo-green" },
};

function weighted(...clusters: readonly (readonly [string, number])[]): object {
  return {
    route: {
      weighted_clusters: { clusters: clusters.map(([name, weight]) => ({ name, weight })) },
    },
  };
}

function config(name: string, ...routes: readonly object[]): object {
  return {
    version_info: "1",
    route_config: { name, virtual_hosts: [{ name, domains: ["*"], routes }] },
  };
}

describe("traffic of Envoy", () => {
  let server: AnsweringServer;
  let routes: CannedAnswer;
  let clusters: CannedAnswer;

  beforeEach(async () => {
    server = await AnsweringServer.start();
    routes = clusters = { body: "{}" };
    server.answer = ({ url }) => (url.startsWith("/config_dump") ? routes : clusters);
  });

  afterEach(() => server.close());

  const reader = (): EnvoyTraffic => new EnvoyTraffic({ admin: server.address, ...options });

  async function weightsOf(...configs: readonly object[]): Promise<Weights | null> {
    routes = { body: JSON.stringify({ configs }) };
    return (await reader().read(never)).weights;
  }

  const blueAndGreen = weighted(["podinfo-blue", 90], ["podinfo-green", 10]);

  it("is the split of the service's own route configuration", async () => {
    const other = config("other", weighted(["podinfo-blue", 1], ["podinfo-green", 99]));
    const weights = await weightsOf(other, config("podinfo", blueAndGreen));
    assert.deepEqual(weights, { blue: 90, green: 10 });
  });

  it("counts a slot that the route does not name as 0", async () => {
    const weights = await weightsOf(config("podinfo", weighted(["podinfo-green", 100])));
    assert.deepEqual(weights, { blue: 0, green: 100 });
  });

  it("counts a weight that Envoy leaves out as 0", async () => {
    const clustersOf = [{ name: "podinfo-blue", weight: 100 }, { name: "podinfo-green" }];
    const route = { route: { weighted_clusters: { clusters: clustersOf } } };
    assert.deepEqual(await weightsOf(config("podinfo", route)), { blue: 100, green: 0 });
  });

  it("counts a route to one cluster as all", async () => {
    const weights = await weightsOf(config("podinfo", { route: { cluster: "podinfo-green" } }));
    assert.deepEqual(weights, { blue: 0, green: 100 });
  });

  it("leaves routes alone that lead elsewhere, or nowhere", async () => {
    const elsewhere = [{ route: { cluster: "docs" } }, { redirect: {} }, { direct_response: {} }];
    const weights = await weightsOf(config("podinfo", ...elsewhere, blueAndGreen));
    assert.deepEqual(weights, { blue: 90, green: 10 });
  });

  for (const [what, configs] of [
    ["the route configuration is not there", [config("other", blueAndGreen)]],
    ["it has no routes", [config("podinfo")]],
    ["no route leads to the service", [config("podinfo", { route: { cluster: "docs" } })]],
    [
      "two routes disagree",
      [config("podinfo", blueAndGreen, { route: { cluster: "podinfo-blue" } })],
    ],
    [
      "the weights do not add up to 100",
      [config("podinfo", weighted(["podinfo-blue", 50], ["podinfo-green", 49]))],
    ],
    [
      "a third cluster has a share",
      [config("podinfo", weighted(["podinfo-blue", 90], ["docs", 10]))],
    ],
    ["the only update was refused", [{ error_state: { details: "no" } }]],
  ] as const) {
    it(`is unknown when ${what}`, async () => {
      assert.equal(await weightsOf(...configs), null);
    });
  }

  it("is unknown when the interface answers with an error, nonsense or another JSON", async () => {
    for (const answer of [
      { status: 500 },
      { body: "<html>" },
      { body: "{}" },
      { body: '{"configs": 5, "cluster_statuses": 5}' },
    ]) {
      routes = clusters = answer;
      assert.deepEqual(await reader().read(never), { weights: null, ready: null });
    }
  });

  it("gives one half when the other cannot be read", async () => {
    clusters = { status: 503 };
    routes = { body: JSON.stringify({ configs: [config("podinfo", blueAndGreen)] }) };
    assert.deepEqual(await reader().read(never), { weights: { blue: 90, green: 10 }, ready: null });
  });

  it("stops waiting when it is interrupted", async () => {
    routes = clusters = { hangs: true };
    const interrupt = new AbortController();
    const reading = reader().read(interrupt.signal);
    interrupt.abort();
    assert.deepEqual(await reading, { weights: null, ready: null });
  });

  it("counts the hosts that get requests", async () => {
    const hosts = [
      {},
      { health_status: { eds_health_status: "HEALTHY" } },
      { health_status: { eds_health_status: "UNHEALTHY" } },
      { health_status: { eds_health_status: "DRAINING" } },
      { health_status: { eds_health_status: "HEALTHY", failed_active_health_check: true } },
      { health_status: { eds_health_status: "HEALTHY", failed_outlier_check: true } },
      { health_status: { eds_health_status: "HEALTHY", pending_active_hc: true } },
      { health_status: { eds_health_status: "HEALTHY", pending_dynamic_removal: true } },
    ];
    const statuses = [
      { name: "podinfo-blue", host_statuses: hosts },
      { name: "other", host_statuses: hosts },
    ];
    clusters = { body: JSON.stringify({ cluster_statuses: statuses }) };
    const { ready } = await reader().read(never);
    assert.deepEqual(ready, { blue: { ready: 2, wanted: 7 }, green: { ready: 0, wanted: 0 } });
  });

  it("takes an admin address with a slash at its end", async () => {
    const slashed = new EnvoyTraffic({ admin: `${server.address}/`, ...options });
    await slashed.read(never);
    const urls = server.asked.map(({ url }) => url).toSorted();
    assert.deepEqual(urls, [
      "/clusters?format=json",
      "/config_dump?resource=dynamic_route_configs",
    ]);
  });
});
