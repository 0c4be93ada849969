import {
  draftOf,
  entryKey,
  entryOf,
  type AcceptedGateway,
  type AcceptedGatewayRoute,
  type AcceptedMesh,
  type AcceptedNode,
  type AcceptedRoute,
  type AcceptedRouter,
  type AcceptedService,
  type Account,
  type Discovery,
  type Entry,
  type GatewayMatch,
  type RouteMatch,
  type Target,
} from "./account.ts";
import { discoveryFault, routeFault, tlsFault } from "./api-rules.ts";
import { awsNameOf, gatewayRouteArn, memberArn, meshArn, routeArn } from "./names.ts";
import type {
  GatewayRoute,
  Member,
  Mesh,
  MeshObject,
  RouterRoute,
  VirtualGateway,
  VirtualNode,
  VirtualRouter,
  VirtualService,
} from "./objects.ts";
import { find, meshOf, Refusal, targetName, type Context, type Objects } from "./references.ts";
import { releaseAll } from "./release.ts";
import { verdictOf, type Verdict } from "./verdict.ts";

/** One pass over everything. */
export interface Pass {
  readonly account: Account;
  readonly verdicts: readonly Verdict[];
}

/**
 * What the controller and App Mesh's API did together, as a pure function: each object is checked
 * against the objects that it refers to, and put into the account or refused. A refused update leaves
 * what was accepted before in force, as in App Mesh. Where the controller tried again later, the next
 * pass does. An entry whose object has vanished is dropped; App Mesh would have kept it for ever.
 */
export function acceptAll(objects: Objects, before: Account): Pass {
  const living = new Set(allOf(objects).map(({ metadata }) => metadata.uid));
  const draft = draftOf(before, (uid) => living.has(uid));
  const context = { objects, draft };
  const verdicts = [
    ...objects.Mesh.map((object) => judge(context, object, acceptMesh)),
    ...objects.VirtualGateway.map((object) => judge(context, object, acceptGateway)),
    ...objects.VirtualNode.map((object) => judge(context, object, acceptNode)),
    ...objects.VirtualRouter.map((object) => judge(context, object, acceptRouter)),
    ...objects.VirtualService.map((object) => judge(context, object, acceptService)),
    ...objects.GatewayRoute.map((object) => judge(context, object, acceptGatewayRoute)),
    ...releaseAll(context),
  ];
  return { account: draft, verdicts: verdicts.filter((verdict) => verdict !== undefined) };
}

/** Accepts a living object, or says why not. Objects that are being deleted come later. */
function judge<O extends MeshObject>(
  context: Context,
  object: O,
  accept: (context: Context, object: O) => Entry,
): Verdict | undefined {
  if (object.metadata.deletionTimestamp !== undefined) return undefined;
  try {
    return verdictOf(object, accept(context, object), undefined);
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    return verdictOf(
      object,
      entryOf(context.draft, object.kind, object.metadata.uid),
      error.message,
    );
  }
}

function acceptMesh({ draft }: Context, object: Mesh): AcceptedMesh {
  const awsName = awsNameOf(object);
  const entry = { uid: object.metadata.uid, mesh: awsName, awsName, arn: meshArn(awsName) };
  draft.Mesh.set(awsName, entry);
  return entry;
}

function acceptGateway(context: Context, object: VirtualGateway): AcceptedGateway {
  const mesh = meshOf(context, object);
  refuseIf(tlsFault(object));
  const entry: AcceptedGateway = {
    ...memberEntry(mesh, object),
    arn: memberArn(mesh, "VirtualGateway", awsNameOf(object)),
    key: keyOf(object),
    listeners: object.spec.listeners,
    accessLogPath: object.spec.logging?.accessLog?.file?.path,
  };
  context.draft.VirtualGateway.set(entryKey(mesh, entry.awsName), entry);
  return entry;
}

function acceptNode(context: Context, object: VirtualNode): AcceptedNode {
  const mesh = meshOf(context, object);
  for (const { virtualService } of object.spec.backends) {
    const { virtualServiceRef } = virtualService;
    // It must exist, but need not be active: services may call each other.
    if (virtualServiceRef !== undefined) find(context, object, "VirtualService", virtualServiceRef);
  }
  refuseIf(tlsFault(object) ?? discoveryFault(object));
  const entry: AcceptedNode = {
    ...memberEntry(mesh, object),
    arn: memberArn(mesh, "VirtualNode", awsNameOf(object)),
    listeners: object.spec.listeners,
    discovery: discoveryOf(object),
  };
  context.draft.VirtualNode.set(entryKey(mesh, entry.awsName), entry);
  return entry;
}

function discoveryOf({ metadata, spec }: VirtualNode): Discovery | undefined {
  const { dns, awsCloudMap } = spec.serviceDiscovery ?? {};
  if (dns !== undefined) return { kind: "dns", hostname: dns.hostname };
  if (awsCloudMap === undefined) return undefined;
  return { kind: "pods", namespace: metadata.namespace, selector: spec.podSelector };
}

function acceptRouter(context: Context, object: VirtualRouter): AcceptedRouter {
  const mesh = meshOf(context, object);
  const awsName = awsNameOf(object);
  const routes = object.spec.routes.flatMap((route) => routeOf(context, object, route));
  for (const route of routes) {
    refuseIf(routeFault(route, (node) => context.draft.VirtualNode.get(entryKey(mesh, node))));
  }
  const entry: AcceptedRouter = {
    ...memberEntry(mesh, object),
    arn: memberArn(mesh, "VirtualRouter", awsName),
    listeners: object.spec.listeners,
    routes,
    routeArns: Object.fromEntries(
      object.spec.routes.map(({ name }) => [name, routeArn(mesh, awsName, name)]),
    ),
  };
  context.draft.VirtualRouter.set(entryKey(mesh, awsName), entry);
  return entry;
}

function routeOf(context: Context, router: VirtualRouter, route: RouterRoute): AcceptedRoute[] {
  const { name, priority, grpcRoute, tcpRoute } = route;
  const httpRoute = route.httpRoute ?? route.http2Route;
  const targets = targetsOf(context, router, route);
  if (tcpRoute !== undefined) return [];
  const match: RouteMatch | undefined =
    httpRoute !== undefined
      ? { kind: "http", ...httpRoute.match }
      : grpcRoute && { kind: "grpc", ...grpcRoute.match };
  if (match === undefined) throw new Refusal(`BadRequestException: route ${name} has no type`);
  const { retryPolicy, timeout } = { ...httpRoute, ...grpcRoute };
  return [{ name, priority, match, targets, retryPolicy, timeout }];
}

function targetsOf(context: Context, router: VirtualRouter, route: RouterRoute): Target[] {
  const { action } = route.httpRoute ?? route.http2Route ?? route.grpcRoute ?? route.tcpRoute ?? {};
  return (action?.weightedTargets ?? []).map(
    ({ virtualNodeRef, virtualNodeARN, weight, port }) => ({
      node: targetName(context, router, "VirtualNode", virtualNodeRef, virtualNodeARN),
      weight,
      port,
    }),
  );
}

function acceptService(context: Context, object: VirtualService): AcceptedService {
  const mesh = meshOf(context, object);
  const { virtualRouter: router, virtualNode: node } = object.spec.provider ?? {};
  const { virtualRouterRef, virtualRouterARN } = router ?? {};
  const { virtualNodeRef, virtualNodeARN } = node ?? {};
  const entry: AcceptedService = {
    ...memberEntry(mesh, object),
    arn: memberArn(mesh, "VirtualService", awsNameOf(object)),
    provider:
      router !== undefined
        ? {
            kind: "router",
            awsName: targetName(
              context,
              object,
              "VirtualRouter",
              virtualRouterRef,
              virtualRouterARN,
            ),
          }
        : node && {
            kind: "node",
            awsName: targetName(context, object, "VirtualNode", virtualNodeRef, virtualNodeARN),
          },
  };
  context.draft.VirtualService.set(entryKey(mesh, entry.awsName), entry);
  return entry;
}

function acceptGatewayRoute(context: Context, object: GatewayRoute): AcceptedGatewayRoute {
  const mesh = meshOf(context, object);
  const { virtualGatewayRef, httpRoute, http2Route, grpcRoute, priority } = object.spec;
  if (virtualGatewayRef === undefined) {
    throw new Refusal("virtualGatewayRef shouldn't be nil, please check webhook setup");
  }
  const gateway = targetName(context, object, "VirtualGateway", virtualGatewayRef, undefined);
  const route = httpRoute ?? http2Route;
  const match: GatewayMatch | undefined =
    route !== undefined
      ? { kind: "http", ...route.match }
      : grpcRoute && { kind: "grpc", ...grpcRoute.match };
  const action = route?.action ?? grpcRoute?.action;
  if (match === undefined || action === undefined) {
    throw new Refusal(
      "BadRequestException: a gateway route needs httpRoute, http2Route or grpcRoute",
    );
  }
  const { virtualServiceRef, virtualServiceARN } = action.target.virtualService;
  const awsName = awsNameOf(object);
  const entry: AcceptedGatewayRoute = {
    ...memberEntry(mesh, object),
    arn: gatewayRouteArn(mesh, gateway, awsName),
    gateway,
    service: targetName(context, object, "VirtualService", virtualServiceRef, virtualServiceARN),
    servicePort: action.target.port,
    priority,
    match,
    rewrite: action.rewrite,
  };
  context.draft.GatewayRoute.set(entryKey(mesh, awsName), entry);
  return entry;
}

function memberEntry(mesh: string, object: Member): { uid: string; mesh: string; awsName: string } {
  return { uid: object.metadata.uid, mesh, awsName: awsNameOf(object) };
}

function allOf(objects: Objects): MeshObject[] {
  return Object.values(objects).flatMap((list: readonly MeshObject[]) => list);
}

function keyOf({ metadata }: MeshObject): string {
  return `${metadata.namespace}/${metadata.name}`;
}

function refuseIf(fault: string | undefined): void {
  if (fault !== undefined) throw new Refusal(fault);
}
