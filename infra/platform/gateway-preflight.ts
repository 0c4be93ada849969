import { z } from "zod";
import type { RouterSettings } from "../router-contract.ts";
import { gatewayApiVersion } from "./gateway.ts";
import {
  takenFaults,
  type ObjectReader,
  type PlatformPreflightArgs,
  type Router,
} from "./preflight-objects.ts";

/** What of router `gateway-api` is missing or in the way. */
export async function gatewayFaults(
  reader: ObjectReader,
  args: PlatformPreflightArgs,
  { gateway, install }: Router<"gateway-api">,
): Promise<readonly string[]> {
  const isOwn = "className" in gateway;
  const isInstalled = install !== undefined;
  const namespace = isOwn ? args.settings.namespace.name : gateway.namespace;
  const found = await reader.lookUp({
    apiVersion: gatewayApiVersion,
    kind: "Gateway",
    namespace,
    name: gateway.name,
  });
  if (found.kind === "unserved") {
    // what is installed brings them
    if (isInstalled && install.gatewayApiCrds !== false) return [];
    return [
      "the cluster does not know Gateway API: install its CRDs (https://gateway-api.sigs.k8s.io/guides/), and an " +
        `implementation${isInstalled ? "; or remove `router.install.gatewayApiCrds: false`" : " (router.install does both)"}`,
    ];
  }
  if (isOwn) {
    const use = `use it as it is with gateway: {namespace: ${namespace}, name: ${gateway.name}}`;
    return [
      ...(isInstalled ? [] : await classFaults(reader, gateway.className)),
      ...takenFaults(found, args.owner, `Gateway ${namespace}/${gateway.name}`, use),
    ];
  }
  if (found.kind !== "found") {
    return [
      `Gateway ${namespace}/${gateway.name} does not exist: create it, correct router.gateway, or give ` +
        "router.gateway.className in the place of namespace, so that this stack makes one",
    ];
  }
  return listenerFaults(found.object, gateway);
}

const classSchema = z.object({
  spec: z.object({ controllerName: z.string() }),
  status: z
    .object({
      conditions: z
        .array(z.object({ type: z.string(), status: z.string(), message: z.string().default("") }))
        .default([]),
    })
    .default({ conditions: [] }),
});

async function classFaults(reader: ObjectReader, name: string): Promise<readonly string[]> {
  const found = await reader.lookUp({ apiVersion: gatewayApiVersion, kind: "GatewayClass", name });
  if (found.kind !== "found") {
    return [
      `GatewayClass ${name} does not exist: install the implementation of Gateway API that brings it, with its CRDs, or correct ` +
        "router.gateway.className (`kubectl get gatewayclasses` lists those there are)",
    ];
  }
  const { spec, status } = classSchema.parse(found.object);
  const refused = status.conditions.find(
    ({ type, status: verdict }) => type === "Accepted" && verdict === "False",
  );
  if (refused === undefined) return [];
  return [
    `GatewayClass ${name} is not accepted by ${spec.controllerName} (${refused.message}): see to the class, or name ` +
      "another in router.gateway.className",
  ];
}

const listenersSchema = z.object({
  spec: z.object({ listeners: z.array(z.object({ name: z.string() })) }),
});

function listenerFaults(
  object: unknown,
  gateway: (RouterSettings & { readonly kind: "gateway-api" })["gateway"],
): readonly string[] {
  const { namespace, name, listener } = gateway;
  if (listener === undefined) return [];
  const known = listenersSchema.parse(object).spec.listeners.map((one) => one.name);
  if (known.includes(listener)) return [];
  return [
    `router.gateway.listener = "${listener}": Gateway ${namespace}/${name} has only ${known.join(", ")}`,
  ];
}
