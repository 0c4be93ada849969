/** A program of one's own in one file. It is text, since this checkout is no project with the package installed. */
export const theirProgram = `
import * as pulumi from "@pulumi/pulumi";
import { CanaryService, type CanaryServiceArgs, type ServiceOutputs } from "upramp";

const args: CanaryServiceArgs = {
  namespace: "shop",
  router: { kind: "gateway-api", profile: "contour", gateway: { namespace: "gateways", name: "public" } },
  prometheus: { address: "http://127.0.0.1:9090" },
  revision: { template: { spec: { containers: [{ name: "podinfo", image: "podinfo:1" }] } } },
  rollout: { steps: [10, 50], metrics: [{ name: "request-success-rate", range: { min: 99 } }] },
};

// @ts-expect-error: a port is a number
export const mistaken: CanaryServiceArgs = { ...args, port: "eighty" };

export function declare(provider: pulumi.ProviderResource): pulumi.Output<ServiceOutputs> {
  const podinfo = new CanaryService("podinfo", args, { provider });
  // @ts-expect-error: nothing of the outputs is untyped
  podinfo.outputs.service.apply((name) => name.noSuchThing);
  return podinfo.outputs;
}

console.log(CanaryService.prototype instanceof pulumi.ComponentResource);
`;
