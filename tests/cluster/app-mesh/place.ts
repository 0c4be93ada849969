import type { Endpoint } from "./endpoints.ts";

/** Where a gateway's Envoy listens and which files it reads. */
export interface GatewayPlace {
  /** Address of the gateway's listeners. */
  readonly address: string;
  /** Where it listens for its own requests on their way out; port 15001 in App Mesh. */
  readonly egress: Endpoint;
  /** File of a cluster's endpoints. */
  readonly edsPath: (cluster: string) => string;
  /** File of a route configuration. */
  readonly rdsPath: (routeConfig: string) => string;
}
