import type * as pulumi from "@pulumi/pulumi";
import type { Slot, TrafficSource } from "../contract.ts";
import type { ClusterAccess } from "../cluster-access.ts";
import type { RouteSettings, WorkloadNames } from "../kubernetes-contract.ts";

/** What every router is told of a service. */
export interface RouteArgs {
  readonly service: string;
  readonly weights: Readonly<Record<Slot, number>>;
  /** True in a plain update: weights that the stack has already are kept, whatever `weights` says. */
  readonly keepWeights: boolean;
}

/** What a router on this machine declares of one service. */
export interface RouterArgs extends RouteArgs {
  /** Port on which users reach the service, where the router decides it; picked when undefined. */
  readonly port: number | undefined;
  /** Ports on loopback of the processes of each slot; none in an empty slot. */
  readonly slotPorts: Readonly<Record<Slot, pulumi.Input<readonly number[]>>>;
  readonly readinessPath: string;
}

/** What a router on Kubernetes declares of one service. The Services of the slots exist, named as `backends` says. */
export interface KubernetesRouterArgs extends RouteArgs {
  readonly namespace: string;
  readonly cluster: ClusterAccess;
  readonly primary: Slot;
  /** The slot that gets a copy of requests while it is rolled out, if that is asked for. */
  readonly canary: Slot | null;
  readonly backends: Readonly<Record<Slot, string>>;
  /** Port of the Services. */
  readonly port: number;
  /** Port of the pods, where it is known by number. */
  readonly targetPort: number | undefined;
  readonly route: RouteSettings;
  readonly appMeshBackends: readonly string[];
  readonly workloads: WorkloadNames;
  /** Where users send requests, when it does not follow from the route. */
  readonly endpoint: string | undefined;
  /** What has to be there before the route. */
  readonly dependsOn: pulumi.Resource[];
}

/** What the rest of the stack and the driver learn from a router. */
export interface Routed {
  /** Where users send requests; undefined when only the platform could say, and does not. */
  readonly endpoint: pulumi.Output<string | undefined>;
  /** The weights that the route has after this update. */
  readonly weights: pulumi.Output<Record<Slot, number>>;
  /** What has to be in place before a process that the route does not need any more may go. */
  readonly route: pulumi.Resource;
  readonly traffic: TrafficSource;
  /** Built-in query templates by metric name. */
  readonly queries: Readonly<Record<string, string>>;
  /** Template variables that differ per slot. */
  readonly variables: Readonly<Record<Slot, Record<string, string>>>;
}

/**
 * Splits the requests of one service between its slots. It declares objects and nothing else: it never decides
 * a weight.
 */
export interface Router<Args extends RouteArgs = RouterArgs> {
  declare(args: Args, parent: pulumi.Resource): Routed;
}
