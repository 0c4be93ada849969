import { apiRequest } from "../api-request.ts";
import type { GatewayName } from "../gateways/gateway.ts";
import { startGateway } from "../gateways/gateways.ts";
import type { OpenScene } from "./scene.ts";

/** A released gateway, by its profile of router `gateway-api`. */
export function gatewayScene(profile: GatewayName): OpenScene {
  return async ({ processes, config }) => {
    if (processes === undefined) throw new Error("its parts are killed: not on a real cluster");
    const { gateway, url, statsAddress, ...parts } = await startGateway(profile, processes);
    return {
      router: { kind: "gateway-api", profile, gateway },
      url,
      statsAddress,
      canMirror: true,
      async bend(namespace, service, blue) {
        const path = `/apis/gateway.networking.k8s.io/v1/namespaces/${namespace}/httproutes/${service}`;
        const change = [blue, 100 - blue].map((value, index) => ({
          op: "replace",
          path: `/spec/rules/0/backendRefs/${index}/weight`,
          value,
        }));
        await apiRequest(config, "PATCH", `${path}?fieldManager=kubectl-edit`, {
          contentType: "application/json-patch+json",
          text: JSON.stringify(change),
        });
      },
      killController: () => parts.killController(),
      restartController: () => parts.restartController(),
    };
  };
}
