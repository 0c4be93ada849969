import type { TestCluster } from "../test-cluster.ts";

/** A router on the test cluster, with what a suite does to its parts. */
export interface Scene {
  /** `router` of the platform. */
  readonly router: Readonly<Record<string, unknown>>;
  /** Where requests are sent, whatever host they name. */
  readonly url: string;
  /** Host and port of Envoy's `/stats/prometheus`. */
  readonly statsAddress: string;
  /** Whether the router can copy requests to the canary. */
  readonly canMirror: boolean;
  /** Changes the live weights of a service past upramp, as `kubectl edit` would. */
  bend(namespace: string, service: string, blue: number): Promise<void>;
  /** Ends the router's controller, not its Envoy, as a crash would. */
  killController(): Promise<void>;
  restartController(): Promise<void>;
}

/** Makes the router ready for a namespace of services. */
export type OpenScene = (cluster: TestCluster, namespace: string) => Promise<Scene>;
