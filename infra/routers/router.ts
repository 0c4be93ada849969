import type * as pulumi from "@pulumi/pulumi";
import type { Slot, TrafficSource } from "../contract.ts";

/** What a router declares of one service. */
export interface RouterArgs {
  readonly service: string;
  /** Port on which users reach the service, where the router decides it; picked when undefined. */
  readonly port: number | undefined;
  /** Ports on loopback of the processes of each slot; none in an empty slot. */
  readonly slotPorts: Readonly<Record<Slot, pulumi.Input<readonly number[]>>>;
  readonly readinessPath: string;
  readonly weights: Readonly<Record<Slot, number>>;
  /** True in a plain update: weights that the stack has already are kept, whatever `weights` says. */
  readonly keepWeights: boolean;
}

/** What the rest of the stack and the driver learn from a router. */
export interface Routed {
  /** Where users send requests. */
  readonly endpoint: pulumi.Output<string>;
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
export interface Router {
  declare(args: RouterArgs, parent: pulumi.Resource): Routed;
}
