import { CustomObjectsApi, type KubeConfig } from "@kubernetes/client-node";
import { z } from "zod";
import { waitUntil } from "../wait-until.ts";

const gatewaySchema = z.object({
  status: z.object({
    conditions: z.array(z.object({ type: z.string(), status: z.string(), message: z.string() })),
  }),
});

/** Resolves when a Gateway is programmed. */
export async function untilProgrammed(
  config: KubeConfig,
  gateway: { readonly namespace: string; readonly name: string },
  boundMs: number,
): Promise<void> {
  const api = config.makeApiClient(CustomObjectsApi);
  let seen = "nothing";
  await waitUntil(
    `Gateway ${gateway.namespace}/${gateway.name} is programmed`,
    boundMs,
    async () => {
      const object: unknown = await api.getNamespacedCustomObject({
        group: "gateway.networking.k8s.io",
        version: "v1",
        plural: "gateways",
        ...gateway,
      });
      const { conditions } = gatewaySchema.parse(object).status;
      seen = conditions
        .map(({ type, status, message }) => `${type}=${status} ${message}`)
        .join("; ");
      return conditions.some(({ type, status }) => type === "Programmed" && status === "True");
    },
    () => seen,
  );
}
