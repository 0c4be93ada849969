import * as kubernetes from "@pulumi/kubernetes";
import type { DeclareOptions } from "../declare-options.ts";

/** Version of Gateway API's definitions, for implementations whose charts do not bring them. */
export const gatewayApiRelease = "1.6.1";

/**
 * Gateway API's own definitions (standard channel), from the release of its project. The chart of Envoy Gateway brings
 * them; those of Istio and of the AWS Gateway API Controller do not, and no chart of them fits into a release of Helm.
 */
export function declareGatewayApiCrds(
  prefix: string,
  { parent, dependsOn }: DeclareOptions,
): kubernetes.yaml.v2.ConfigFile {
  return new kubernetes.yaml.v2.ConfigFile(
    `${prefix}-gateway-api`,
    {
      file: `https://github.com/kubernetes-sigs/gateway-api/releases/download/v${gatewayApiRelease}/standard-install.yaml`,
    },
    { parent, dependsOn },
  );
}
