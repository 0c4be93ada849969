import type { ClusterAccess, AppMeshTrafficSource } from "../../../infra/contract.ts";
import { AppMeshTraffic } from "../../../rollout/adapters/app-mesh-traffic.ts";
import { slots, type Weights } from "../../../rollout/core/assignment.ts";
import { trafficContract, type RouterUnderTest } from "../../contracts/traffic.contract.ts";
import { gatewayPort, membership, node } from "../app-mesh/canary-objects.ts";
import type { AppMesh } from "../app-mesh/controller.ts";
import { remove, untilActive, untilGone } from "../app-mesh/object-access.ts";
import { startAppMesh } from "../app-mesh/start.ts";
import { apply, type AnyObject } from "../apply.ts";
import { describeOnCluster } from "../test-cluster.ts";
import { TestNamespace } from "../test-namespace.ts";
import { clusterAccess, limitedAccess } from "./access.ts";
import { ApiRelay } from "./api-relay.ts";
import { measureReadBack, untilObstructed, untilShown } from "./read-back.ts";
import {
  applyWorkload,
  service,
  servicePort,
  setReady,
  slotNames,
  slotService,
  workloads,
} from "./slot-objects.ts";

const apiVersion = "appmesh.k8s.aws/v1beta2";

describeOnCluster("contract of TrafficReader on the stand-in for App Mesh", (cluster) => {
  let appMesh: AppMesh;
  let space: TestNamespace;

  before(async function () {
    this.timeout(120_000);
    const { processes } = cluster();
    // it serves its webhooks on loopback, which only an API server on this machine can reach
    if (processes === undefined) return this.skip();
    appMesh = await startAppMesh(processes);
    space = await TestNamespace.create(cluster(), "mesh-traffic");
    await space.apply(...slots.map(slotService));
    await applyWorkload(space, "blue", 2);
    await space.untilRolledOut(slotNames.blue);
    await apply(cluster().config, membership(space.name));
    await space.apply(...meshed(space), router({ blue: 100, green: 0 }));
    await untilActive(space, "GatewayRoute", service);
  });

  after(async () => {
    await removeMeshed(space);
    await space?.remove();
    await appMesh?.stop();
  });

  const split = (weights: Weights): Promise<void> => space.apply(router(weights));
  const open = (access: ClusterAccess, more: Partial<AppMeshTrafficSource> = {}): AppMeshTraffic =>
    new AppMeshTraffic({ ...source(space), cluster: access, ...more });

  async function underTest(): Promise<RouterUnderTest> {
    const relay = await ApiRelay.start(cluster().config);
    return {
      reader: open(relay.access),
      split,
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

  describe("AppMeshTraffic", () => trafficContract(underTest));

  describe("AppMeshTraffic beyond the contract", () => {
    let reader: AppMeshTraffic;

    before(async function () {
      this.timeout(60_000);
      reader = open(clusterAccess(cluster()));
      await applyWorkload(space, "green", 1);
      await space.untilRolledOut(slotNames.green);
      await space.untilRolledOut(slotNames.blue);
    });

    it("shows a split once requests follow it, tens of milliseconds after the write", () => {
      const gateway = appMesh.gateway(`${space.name}/ingress`);
      const url = `http://${gateway?.place.address}:${gatewayPort}/version`;
      return measureReadBack({ reader, url, headers: {}, split });
    });

    it("says in App Mesh's words why it does not take a split, and shows no split then", async () => {
      const weights = { blue: 60, green: 40 };
      await split(weights);
      await untilShown(reader, weights);
      await space.apply(router({ blue: 40, green: 60 }, "nobody"));
      await untilObstructed(
        reader,
        new RegExp(
          `^App Mesh has not taken generation \\d+ of VirtualRouter ${space.name}/podinfo: .*virtualNode: ${space.name}/nobody: .*not found`,
        ),
      );
      await split(weights);
      await untilShown(reader, weights);
    });

    it("says that there is no router", () =>
      untilObstructed(
        open(clusterAccess(cluster()), { virtualRouter: "absent" }),
        new RegExp(`^there is no VirtualRouter ${space.name}/absent$`),
      ));

    it("says which right is missing", async () => {
      const access = await limitedAccess(cluster(), space.name, "reader", [
        { apiGroups: ["apps"], resources: ["deployments"], verbs: ["get"] },
      ]);
      await untilObstructed(
        open(access),
        /virtualrouters\.appmesh\.k8s\.aws "podinfo" is forbidden: User "reader" cannot get resource "virtualrouters"/,
      );
    });
  });
});

function source(space: TestNamespace): Omit<AppMeshTrafficSource, "cluster"> {
  return {
    router: "app-mesh",
    namespace: space.name,
    virtualRouter: service,
    virtualNodes: slotNames,
    workloads,
  };
}

/** Everything but the router. */
function meshed(space: TestNamespace): AnyObject[] {
  return [
    {
      apiVersion,
      kind: "VirtualGateway",
      metadata: { name: "ingress" },
      spec: {
        namespaceSelector: { matchLabels: { mesh: space.name } },
        podSelector: { matchLabels: { app: "ingress" } },
        listeners: [{ portMapping: { port: gatewayPort, protocol: "http" } }],
      },
    },
    ...slots.map((slot) => node(space.name, slotNames[slot])),
    {
      apiVersion,
      kind: "VirtualService",
      metadata: { name: service },
      spec: { provider: { virtualRouter: { virtualRouterRef: { name: service } } } },
    },
    {
      apiVersion,
      kind: "GatewayRoute",
      metadata: { name: service },
      spec: {
        httpRoute: {
          match: { prefix: "/" },
          action: { target: { virtualService: { virtualServiceRef: { name: service } } } },
        },
      },
    },
  ];
}

/** @param green name of the node that stands for that slot */
function router(weights: Weights, green = slotNames.green): AnyObject {
  const nodes = { blue: slotNames.blue, green };
  const weightedTargets = slots.map((slot) => ({
    virtualNodeRef: { name: nodes[slot] },
    weight: weights[slot],
  }));
  return {
    apiVersion,
    kind: "VirtualRouter",
    metadata: { name: service },
    spec: {
      listeners: [{ portMapping: { port: servicePort, protocol: "http" } }],
      routes: [
        { name: service, httpRoute: { match: { prefix: "/" }, action: { weightedTargets } } },
      ],
    },
  };
}

/** Deletes all of it at once; App Mesh lets go of users before what they use. */
async function removeMeshed(space: TestNamespace | undefined): Promise<void> {
  if (space === undefined) return;
  const objects = [
    ["Mesh", space.name],
    ["VirtualNode", slotNames.blue],
    ["VirtualNode", slotNames.green],
    ["VirtualGateway", "ingress"],
    ["VirtualRouter", service],
    ["VirtualService", service],
    ["GatewayRoute", service],
  ] as const;
  for (const [kind, name] of objects) await remove(space, kind, name);
  for (const [kind, name] of objects) await untilGone(space, kind, name);
}
