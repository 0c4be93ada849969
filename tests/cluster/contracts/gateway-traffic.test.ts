import assert from "node:assert/strict";
import type { ClusterAccess, GatewayApiTrafficSource } from "../../../infra/contract.ts";
import { GatewayApiTraffic } from "../../../rollout/adapters/gateway-api-traffic.ts";
import { slots, type Weights } from "../../../rollout/core/assignment.ts";
import { trafficContract, type RouterUnderTest } from "../../contracts/traffic.contract.ts";
import type { AnyObject } from "../apply.ts";
import { gatewayNames, type RoutedGateway } from "../gateways/gateway.ts";
import { startGateway } from "../gateways/gateways.ts";
import { givenGateway } from "../gateways/given-gateways.ts";
import { describeOnCluster } from "../test-cluster.ts";
import { TestNamespace } from "../test-namespace.ts";
import { clusterAccess, limitedAccess } from "./access.ts";
import { ApiRelay } from "./api-relay.ts";
import { measureReadBack, untilObstructed, untilShown } from "./read-back.ts";
import {
  applyWorkload,
  backendRefs,
  service,
  setReady,
  slotNames,
  slotService,
  workloads,
} from "./slot-objects.ts";

for (const name of gatewayNames) {
  describeOnCluster(`contract of TrafficReader on the released ${name}`, (cluster) => {
    let gateway: RoutedGateway;
    let space: TestNamespace;

    before(async function () {
      this.timeout(120_000);
      const { processes } = cluster();
      const found =
        processes === undefined ? givenGateway(name) : await startGateway(name, processes);
      if (found === undefined) return this.skip();
      gateway = found;
      space = await TestNamespace.create(cluster(), "traffic");
      await space.apply(...slots.map(slotService));
      await applyWorkload(space, "blue", 2);
      await space.untilRolledOut(slotNames.blue);
      await space.apply(...keeper(gateway, space), route(gateway, space, { blue: 100, green: 0 }));
    });

    after(() => space?.remove());

    async function router(): Promise<RouterUnderTest> {
      const relay = await ApiRelay.start(cluster().config);
      return {
        reader: new GatewayApiTraffic({ ...source(gateway, space), cluster: relay.access }),
        split: (weights) => space.apply(route(gateway, space, weights)),
        ready: (count) => setReady(space, "blue", count),
        async unreachable() {
          await Promise.resolve();
          relay.set("cut");
        },
        async close() {
          await relay.close();
          await setReady(space, "blue", 2);
        },
      };
    }

    describe("GatewayApiTraffic", () => trafficContract(router));

    describe("GatewayApiTraffic beyond the contract", () => {
      const never = new AbortController().signal;
      let reader: GatewayApiTraffic;

      const open = (access: ClusterAccess, more: Partial<GatewayApiTrafficSource> = {}) =>
        new GatewayApiTraffic({ ...source(gateway, space), cluster: access, ...more });
      const split = (weights: Weights): Promise<void> =>
        space.apply(route(gateway, space, weights));

      before(async function () {
        this.timeout(60_000);
        reader = open(clusterAccess(cluster()));
        await applyWorkload(space, "green", 1);
        await space.untilRolledOut(slotNames.green);
      });

      it("shows a split once requests follow it, tens of milliseconds after the write", () =>
        measureReadBack({
          reader,
          url: `${gateway.url}/version`,
          headers: { host: hostOf(space) },
          split,
        }));

      it("shows no split that the Gateway has not taken yet", async function () {
        this.timeout(60_000);
        const { processes } = cluster();
        if (processes === undefined) return this.skip();
        const own = await startGateway(name, processes);
        await split({ blue: 100, green: 0 });
        await untilShown(reader, { blue: 100, green: 0 });
        await own.killController();
        await split({ blue: 60, green: 40 });
        await untilObstructed(
          reader,
          /^Gateway \S+ has not taken generation \d+ of HTTPRoute \S+ yet$/,
        );
        await own.restartController();
        await untilShown(reader, { blue: 60, green: 40 });
      });

      it("says in the Gateway's words which Service is missing", async () => {
        const { core } = space;
        await core.deleteNamespacedService({ name: slotNames.green, namespace: space.name });
        await untilObstructed(
          reader,
          new RegExp(
            `^Gateway .* of HTTPRoute ${space.name}/podinfo: ResolvedRefs=False, BackendNotFound: .*podinfo-green`,
            "i",
          ),
        );
        await space.apply(slotService("green"));
        await untilShown(reader, { blue: 60, green: 40 });
      });

      it("says in the Gateway's words why it does not accept the route", async () => {
        const nowhere = { ...gateway.gateway, sectionName: "no-such-listener" };
        const weights = { blue: 50, green: 50 };
        await space.apply(httpRoute(service, nowhere, hostOf(space), weights));
        await untilObstructed(reader, /Accepted=False, NoMatchingParent/);
        await split(weights);
        await untilShown(reader, weights);
      });

      it("says that nothing is taken when the route names another Gateway", async () => {
        const other = { ...gateway.gateway, name: "no-such-gateway" };
        await space.apply(
          httpRoute("astray", other, `astray.${space.name}.test`, { blue: 100, green: 0 }),
        );
        const astray = open(clusterAccess(cluster()), { route: "astray" });
        await untilObstructed(astray, /has not taken generation 1 of HTTPRoute/);
      });

      it("reads a GRPCRoute as well", async () => {
        const weights = { blue: 70, green: 30 };
        const host = `grpc.${space.name}.test`;
        const grpc = { ...httpRoute("calls", gateway.gateway, host, weights), kind: "GRPCRoute" };
        await space.apply(grpc);
        const calls = open(clusterAccess(cluster()), { kind: "GRPCRoute", route: "calls" });
        await untilShown(calls, weights);
      });

      it("says that the API server is away, and reads again when it is back", async () => {
        const relay = await ApiRelay.start(cluster().config);
        const through = open(relay.access);
        const { weights } = await through.read(never);
        assert.ok(weights !== null);
        relay.set("cut");
        await untilObstructed(through, /^the Kubernetes API server \S+ cannot be reached: /);
        relay.set("open");
        await untilShown(through, weights);
        await relay.close();
      });

      it("says that there is no route", () =>
        untilObstructed(
          open(clusterAccess(cluster()), { route: "absent" }),
          new RegExp(`^there is no HTTPRoute ${space.name}/absent$`),
        ));

      it("shows no split that does not add up", async () => {
        await split({ blue: 30, green: 30 });
        await untilObstructed(
          reader,
          /weights 30 \(blue\) and 30 \(green\), which do not add up to 100$/,
        );
        await split({ blue: 100, green: 0 });
        await untilShown(reader, { blue: 100, green: 0 });
      });

      it("says which right is missing, and reads what it may", async () => {
        const access = await limitedAccess(cluster(), space.name, "reader", [
          { apiGroups: ["apps"], resources: ["deployments"], verbs: ["get"] },
        ]);
        const limited = open(access);
        await untilObstructed(
          limited,
          /httproutes\.gateway\.networking\.k8s\.io "podinfo" is forbidden: User "reader" cannot get resource "httproutes"/,
        );
        const { ready } = await limited.read(never);
        assert.deepEqual(ready?.blue, { ready: 2, wanted: 2 });
      });
    });
  });
}

function source(
  gateway: RoutedGateway,
  space: TestNamespace,
): Omit<GatewayApiTrafficSource, "cluster"> {
  return {
    router: "gateway-api",
    namespace: space.name,
    kind: "HTTPRoute",
    route: service,
    gateway: gateway.gateway,
    backends: slotNames,
    workloads,
  };
}

function hostOf(space: TestNamespace): string {
  return `${service}.${space.name}.test`;
}

function route(gateway: RoutedGateway, space: TestNamespace, weights: Weights): AnyObject {
  return httpRoute(service, gateway.gateway, hostOf(space), weights);
}

/** Envoy Gateway drops the cluster of a backend without weight, unless another route names it. */
function keeper(gateway: RoutedGateway, space: TestNamespace): AnyObject[] {
  const host = `${service}.${space.name}.upramp.invalid`;
  return gateway.name === "envoy-gateway"
    ? [httpRoute(`${service}-keeper`, gateway.gateway, host, { blue: 1, green: 1 })]
    : [];
}

function httpRoute(name: string, parent: object, host: string, weights: Weights): AnyObject {
  return {
    apiVersion: "gateway.networking.k8s.io/v1",
    kind: "HTTPRoute",
    metadata: { name },
    spec: {
      parentRefs: [{ group: "gateway.networking.k8s.io", kind: "Gateway", ...parent }],
      hostnames: [host],
      rules: [{ backendRefs: backendRefs(weights) }],
    },
  };
}
