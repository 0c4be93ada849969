import * as kubernetes from "@pulumi/kubernetes";
import type * as pulumi from "@pulumi/pulumi";
import type { Slot } from "../contract.ts";
import type { KubernetesServiceSettings } from "../kubernetes-contract.ts";
import { perSlot, slots } from "../names.ts";
import { ownerAnnotations } from "../owner.ts";
import { serviceLabels, slotLabels, slotName } from "./kubernetes-names.ts";

/**
 * The Services of a service: one a slot, which routes name, and one under the service's own name for callers that go
 * past the router: it selects the primary, and never the canary.
 */
export function declareServices(
  settings: KubernetesServiceSettings,
  namespace: string,
  primary: Slot,
  targetPorts: Readonly<Record<Slot, number | string>>,
  options: pulumi.CustomResourceOptions,
): pulumi.Resource[] {
  const { name: service } = settings;
  const declare = (
    name: string,
    selected: Slot,
    resourceName: string,
  ): kubernetes.core.v1.Service =>
    new kubernetes.core.v1.Service(
      resourceName,
      {
        metadata: {
          namespace,
          name,
          labels: serviceLabels(service),
          // a slot without ready pods is no fault of its Service
          annotations: { ...ownerAnnotations(), "pulumi.com/skipAwait": "true" },
        },
        spec: {
          selector: slotLabels(service, selected),
          ports: [
            {
              name: settings.route.protocol,
              port: settings.port,
              targetPort: targetPorts[selected],
              ...(settings.route.protocol === "grpc" ? { appProtocol: "kubernetes.io/h2c" } : {}),
            },
          ],
        },
      },
      options,
    );
  const bySlot = perSlot((slot) => {
    const name = slotName(service, slot);
    return declare(name, slot, `${name}-service`);
  });
  return [...slots.map((slot) => bySlot[slot]), declare(service, primary, `${service}-service`)];
}
