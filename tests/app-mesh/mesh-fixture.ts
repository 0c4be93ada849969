import { acceptAll, type Pass } from "../cluster/app-mesh/accept.ts";
import { emptyAccount, type Account } from "../cluster/app-mesh/account.ts";
import { kinds, parseObject, type Kind, type MeshObject } from "../cluster/app-mesh/objects.ts";
import type { Objects } from "../cluster/app-mesh/references.ts";
import type { Verdict } from "../cluster/app-mesh/verdict.ts";

/** The mesh that everything of a fixture belongs to. */
export const meshRef = { name: "global", uid: "uid-Mesh-global" };

/** An object in namespace `test`, as the API server would have it after the webhooks. */
export function meshObject(kind: Kind, name: string, spec: object, metadata = {}): MeshObject {
  const member = kind === "Mesh" ? {} : { meshRef };
  const namespace = kind === "Mesh" ? {} : { namespace: "test" };
  return parseObject(kind, {
    kind,
    metadata: { name, uid: `uid-${kind}-${name}`, generation: 1, ...namespace, ...metadata },
    spec: { ...member, ...spec },
  });
}

/** A node that is reached at 127.0.0.1, or at the Service of its name. */
export function node(name: string, more: object = {}, listener: object = {}): MeshObject {
  return meshObject("VirtualNode", name, {
    listeners: [{ portMapping: { port: 9898, protocol: "http" }, ...listener }],
    serviceDiscovery: { dns: { hostname: `${name}.test.svc.cluster.local.` } },
    ...more,
  });
}

/** Targets of a route: percent by node. */
export function targets(weights: Readonly<Record<string, number>>): object {
  return {
    weightedTargets: Object.entries(weights).map(([name, weight]) => ({
      virtualNodeRef: { name },
      weight,
    })),
  };
}

/** An HTTP route of a router. */
export function httpRoute(
  name: string,
  weights: Readonly<Record<string, number>>,
  match: object = { prefix: "/" },
  more: { priority?: number; retryPolicy?: object; timeout?: object } = {},
): object {
  const { priority, ...rest } = more;
  return {
    name,
    ...(priority === undefined ? {} : { priority }),
    httpRoute: { match, action: targets(weights), ...rest },
  };
}

/** The router of service `podinfo`. */
export function router(...routes: readonly object[]): MeshObject {
  return meshObject("VirtualRouter", "podinfo", {
    listeners: [{ portMapping: { port: 9898, protocol: "http" } }],
    routes,
  });
}

/** The service, which its router provides. */
export const service = meshObject("VirtualService", "podinfo", {
  provider: { virtualRouter: { virtualRouterRef: { name: "podinfo" } } },
});

/** A gateway with one listener. */
export function gateway(port = 8088, more: object = {}): MeshObject {
  return meshObject("VirtualGateway", "ingress", {
    listeners: [{ portMapping: { port, protocol: "http" } }],
    ...more,
  });
}

/** A gateway route to `podinfo`. */
export function gatewayRoute(
  match: object = { prefix: "/" },
  rewrite?: object,
  name = "podinfo",
  more: object = {},
): MeshObject {
  const target = { virtualService: { virtualServiceRef: { name: "podinfo" } } };
  return meshObject("GatewayRoute", name, {
    virtualGatewayRef: { name: "ingress", namespace: "test", uid: "uid-VirtualGateway-ingress" },
    httpRoute: { match, action: { target, ...(rewrite === undefined ? {} : { rewrite }) } },
    ...more,
  });
}

/** The mesh itself. */
export const mesh = meshObject("Mesh", "global", {});

/** All that a canary needs but its router. */
export const surroundings: readonly MeshObject[] = [
  mesh,
  gateway(),
  node("primary"),
  node("canary"),
  service,
  gatewayRoute(),
];

/** Objects by kind. */
export function sorted(objects: readonly MeshObject[]): Objects {
  const ofKind = <K extends Kind>(kind: K): Extract<MeshObject, { kind: K }>[] =>
    objects.filter((object): object is Extract<MeshObject, { kind: K }> => object.kind === kind);
  return {
    Mesh: ofKind("Mesh"),
    VirtualGateway: ofKind("VirtualGateway"),
    VirtualNode: ofKind("VirtualNode"),
    VirtualRouter: ofKind("VirtualRouter"),
    VirtualService: ofKind("VirtualService"),
    GatewayRoute: ofKind("GatewayRoute"),
  };
}

/** One pass over objects. */
export function pass(objects: readonly MeshObject[], before: Account = emptyAccount): Pass {
  return acceptAll(sorted(objects), before);
}

/** The account of objects that must all be accepted. @throws Error with the refusals */
export function accepted(objects: readonly MeshObject[]): Account {
  const { account, verdicts } = pass(objects);
  const refusals = verdicts.flatMap(({ object, refusal }) =>
    refusal === undefined ? [] : [`${object.kind} ${object.metadata.name}: ${refusal}`],
  );
  if (refusals.length > 0) throw new Error(refusals.join("\n"));
  return account;
}

/** The verdict on one object. */
export function verdictOn({ verdicts }: Pass, kind: Kind, name: string): Verdict {
  const found = verdicts.find(
    ({ object }) => object.kind === kind && object.metadata.name === name,
  );
  if (found === undefined) throw new Error(`no verdict on ${kind} ${name}`);
  return found;
}

/** Every kind, for tests that go through all of them. */
export const allKinds = Object.keys(kinds).filter((name): name is Kind => name in kinds);
