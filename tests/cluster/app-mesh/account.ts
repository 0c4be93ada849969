import type {
  GatewayListener,
  GatewayRoute,
  Kind,
  NodeListener,
  RetryPolicy,
  RouterRoute,
  Selector,
  VirtualRouter,
} from "./objects.ts";

/** What every entry of the account has. */
export interface Entry {
  /** uid of the Kubernetes object that it was made from. */
  readonly uid: string;
  readonly mesh: string;
  readonly awsName: string;
  readonly arn: string;
  /** Of a router: the ARNs of its routes, by name. */
  readonly routeArns?: Readonly<Record<string, string>>;
}

export type AcceptedMesh = Entry;

/** Where a node's endpoints come from: the name of a Service, or Cloud Map, which held its pods. */
export type Discovery =
  | { readonly kind: "dns"; readonly hostname: string }
  | { readonly kind: "pods"; readonly namespace: string; readonly selector: Selector | undefined };

export interface AcceptedNode extends Entry {
  readonly listeners: readonly NodeListener[];
  readonly discovery: Discovery | undefined;
}

type HttpRoute = NonNullable<RouterRoute["httpRoute"]>;
type GrpcRoute = NonNullable<RouterRoute["grpcRoute"]>;

/** What a request must be for a route to take it. */
export type RouteMatch =
  | ({ readonly kind: "http" } & HttpRoute["match"])
  | ({ readonly kind: "grpc" } & GrpcRoute["match"]);

/** Where a route sends requests: a node by its name in App Mesh, with its share. */
export interface Target {
  readonly node: string;
  readonly weight: number;
  /** Of the node's listeners; undefined means its only one. */
  readonly port: number | undefined;
}

export interface AcceptedRoute {
  readonly name: string;
  readonly priority: number | undefined;
  readonly match: RouteMatch;
  readonly targets: readonly Target[];
  readonly retryPolicy: RetryPolicy | undefined;
  readonly timeout: HttpRoute["timeout"];
}

export interface AcceptedRouter extends Entry {
  readonly listeners: VirtualRouter["spec"]["listeners"];
  /** TCP routes are left out: a gateway has none. */
  readonly routes: readonly AcceptedRoute[];
}

export interface AcceptedService extends Entry {
  readonly provider: { readonly kind: "router" | "node"; readonly awsName: string } | undefined;
}

export interface AcceptedGateway extends Entry {
  /** `namespace/name` of the object. */
  readonly key: string;
  readonly listeners: readonly GatewayListener[];
  /** Path of the access log; undefined means none. */
  readonly accessLogPath: string | undefined;
}

type GatewayHttpRoute = NonNullable<GatewayRoute["spec"]["httpRoute"]>;
type GatewayGrpcRoute = NonNullable<GatewayRoute["spec"]["grpcRoute"]>;

export type GatewayMatch =
  | ({ readonly kind: "http" } & GatewayHttpRoute["match"])
  | ({ readonly kind: "grpc" } & GatewayGrpcRoute["match"]);

export interface AcceptedGatewayRoute extends Entry {
  readonly gateway: string;
  readonly service: string;
  readonly servicePort: number | undefined;
  readonly priority: number | undefined;
  readonly match: GatewayMatch;
  readonly rewrite: GatewayHttpRoute["action"]["rewrite"];
}

/** Entries by {@link entryKey}. */
type Entries<E extends Entry> = ReadonlyMap<string, E>;

/** What App Mesh's API has accepted: the truth that Envoys are configured from. */
export interface Account {
  readonly Mesh: Entries<AcceptedMesh>;
  readonly VirtualGateway: Entries<AcceptedGateway>;
  readonly VirtualNode: Entries<AcceptedNode>;
  readonly VirtualRouter: Entries<AcceptedRouter>;
  readonly VirtualService: Entries<AcceptedService>;
  readonly GatewayRoute: Entries<AcceptedGatewayRoute>;
}

/** An account without a mesh. */
export const emptyAccount: Account = {
  Mesh: new Map(),
  VirtualGateway: new Map(),
  VirtualNode: new Map(),
  VirtualRouter: new Map(),
  VirtualService: new Map(),
  GatewayRoute: new Map(),
};

/** An account that a pass is changing. */
export interface Draft {
  readonly Mesh: Map<string, AcceptedMesh>;
  readonly VirtualGateway: Map<string, AcceptedGateway>;
  readonly VirtualNode: Map<string, AcceptedNode>;
  readonly VirtualRouter: Map<string, AcceptedRouter>;
  readonly VirtualService: Map<string, AcceptedService>;
  readonly GatewayRoute: Map<string, AcceptedGatewayRoute>;
}

/** A copy with the entries whose objects still exist. */
export function draftOf(account: Account, isLiving: (uid: string) => boolean): Draft {
  const copy = <E extends Entry>(entries: Entries<E>): Map<string, E> =>
    new Map([...entries].filter(([, { uid }]) => isLiving(uid)));
  return {
    Mesh: copy(account.Mesh),
    VirtualGateway: copy(account.VirtualGateway),
    VirtualNode: copy(account.VirtualNode),
    VirtualRouter: copy(account.VirtualRouter),
    VirtualService: copy(account.VirtualService),
    GatewayRoute: copy(account.GatewayRoute),
  };
}

/** The entry that was made from an object. */
export function entryOf(account: Account, kind: Kind, uid: string): Entry | undefined {
  const entries: readonly Entry[] = [...account[kind].values()];
  return entries.find((entry) => entry.uid === uid);
}

/** Key of an entry. */
export function entryKey(mesh: string, awsName: string): string {
  return `${mesh}/${awsName}`;
}

/** The node's listener that a target names, or its only one. */
export function listenerOf(node: AcceptedNode, port: number | undefined): NodeListener | undefined {
  if (port === undefined) return node.listeners.length === 1 ? node.listeners[0] : undefined;
  return node.listeners.find(({ portMapping }) => portMapping.port === port);
}
