/** Released gateways that run on the process cluster. */
export const gatewayNames = ["contour", "envoy-gateway"] as const;

/** Name of a gateway; also the name of its profile. */
export type GatewayName = (typeof gatewayNames)[number];

/** Label value that lets routes of every namespace attach. */
export const allowAllRoutes = { namespaces: { from: "All" } } as const;

/** A gateway that is up, with one Gateway object that routes can attach to. */
export interface TestGateway {
  readonly name: GatewayName;
  readonly className: string;
  /** The Gateway object; its listener is `http` and takes routes of every namespace. */
  readonly gateway: { readonly namespace: string; readonly name: string };
  /** Where its listener is reached inside the namespace, without a path. */
  readonly url: string;
  /** Host and port of Envoy's `/stats/prometheus`. */
  readonly statsAddress: string;
  /** Ends the controller, not Envoy, as a crash would. */
  killController(): Promise<void>;
  /** Resolves when a killed controller is back. */
  restartController(): Promise<void>;
}
