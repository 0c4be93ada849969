import { apiRequest } from "../api-request.ts";
import { startAppMesh } from "../app-mesh/start.ts";
import { gatewayPort, membership, meshed } from "../app-mesh/canary-objects.ts";
import { apply } from "../apply.ts";
import { waitUntil } from "../wait-until.ts";
import type { OpenScene } from "./scene.ts";

/** App Mesh as its objects say, by the stand-in for AWS's control plane. */
export const appMeshScene: OpenScene = async ({ processes, config }, namespace) => {
  if (processes === undefined) throw new Error("its parts are killed: not on a real cluster");
  const appMesh = await startAppMesh(processes);
  const gateway = meshed(namespace).filter(({ kind }) => kind === "VirtualGateway");
  const placed = gateway.map((object) => ({
    ...object,
    metadata: Object.assign({ namespace }, object.metadata),
  }));
  await apply(config, [...membership(namespace), ...placed]);
  const { place, statsAddress } = await waitUntil("the gateway has its Envoy", 30_000, () =>
    appMesh.gateway(`${namespace}/ingress`),
  );
  return {
    router: {
      kind: "app-mesh",
      mesh: namespace,
      createMesh: false,
      virtualGateway: { namespace, name: "ingress" },
      allowDiscontinuedAppMesh: true,
    },
    url: `http://${place.address}:${gatewayPort}`,
    statsAddress,
    canMirror: false,
    async bend(space, service, blue) {
      const path = `/apis/appmesh.k8s.aws/v1beta2/namespaces/${space}/virtualrouters/${service}`;
      const change = [blue, 100 - blue].map((value, index) => ({
        op: "replace",
        path: `/spec/routes/0/httpRoute/action/weightedTargets/${index}/weight`,
        value,
      }));
      await apiRequest(config, "PATCH", `${path}?fieldManager=kubectl-edit`, {
        contentType: "application/json-patch+json",
        text: JSON.stringify(change),
      });
    },
    killController: () => appMesh.killController(),
    restartController: () => appMesh.restartController(),
  };
};
