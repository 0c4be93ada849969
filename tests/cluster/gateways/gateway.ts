/** Released gateways that run on the process cluster. */
export const gatewayNames = ["contour", "envoy-gateway"] as const;

/** Name of a gateway; also the name of its profile. */
export type GatewayName = (typeof gatewayNames)[number];

/** Label value that lets routes of every namespace attach. */
export const allowAllRoutes = { namespaces: { from: "All" } } as const;

/** A gateway with a Gateway object that routes can attach to. */
export interface RoutedGateway {
  readonly name: GatewayName;
  /** The Gateway object; it takes HTTP routes of every namespace. */
  readonly gateway: { readonly namespace: string; readonly name: string };
  /** Where its HTTP listener is reached, without a path. */
  readonly url: string;
}

/** A gateway on the process cluster, whose parts can be looked into and killed. */
export interface TestGateway extends RoutedGateway {
  readonly className: string;
  /** Host and port of Envoy's `/stats/prometheus`. */
  readonly statsAddress: string;
  /** Ends the controller, not Envoy, as a crash would. */
  killController(): Promise<void>;
  /** Resolves when a killed controller is back. */
  restartController(): Promise<void>;
}
