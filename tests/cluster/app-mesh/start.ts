import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Cluster } from "../cluster.ts";
import { applyCrds } from "../gateways/crds.ts";
import { AppMesh } from "./controller.ts";

/** Addresses of gateways' Envoys: above the node's and below every pod's. */
const gatewayAddresses = Array.from({ length: 16 }, (_, index) => `10.244.0.${64 + index}`);

/**
 * Starts the stand-in for App Mesh on a cluster: the resource definitions, the webhooks, the controller, and
 * an Envoy for each VirtualGateway at an address of its own (`appMesh.gateway("namespace/name")`). It stops
 * with the cluster, or before by its own `stop`.
 */
export async function startAppMesh(cluster: Cluster): Promise<AppMesh> {
  await applyCrds(cluster.config, [fileURLToPath(new URL("crds", import.meta.url))]);
  const given = new Map<string, string>();
  const appMesh = await AppMesh.start({
    config: cluster.config,
    certificate: cluster.controlPlane.certificates,
    envoyPath: cluster.tools.envoy,
    folder: join(cluster.folder, "app-mesh"),
    addressOf: (gateway) => {
      const address = given.get(gateway) ?? gatewayAddresses[given.size];
      if (address === undefined) throw new Error("no address is left for another virtual gateway");
      given.set(gateway, address);
      return address;
    },
  });
  cluster.add(appMesh);
  return appMesh;
}
