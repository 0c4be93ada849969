import { z } from "zod";
import { label, objectName, objectReference, port, type ObjectReference } from "./object-names.ts";

/** The part of the stack contract that is about routers of a cluster: what users write, and what outputs say. */

/** Implementations of Gateway API that there is a profile of. */
export const profileNames = [
  "envoy-gateway",
  "contour",
  "istio",
  "traefik",
  "nginx-gateway-fabric",
  "kgateway",
  "linkerd",
  "vpc-lattice",
] as const;
export type ProfileName = (typeof profileNames)[number];

const gatewayApiRouter = z.strictObject({
  kind: z.literal("gateway-api"),
  /** The implementation that serves the Gateway. */
  profile: z.enum(profileNames),
  /** The Gateway that routes attach to. */
  gateway: objectReference.extend({
    /** Only this listener of the Gateway. */
    listener: objectName.optional(),
  }),
});
export type GatewayApiRouterSettings = z.infer<typeof gatewayApiRouter>;

const appMeshRouter = z.strictObject({
  kind: z.literal("app-mesh"),
  /** Name of the Mesh object. */
  mesh: objectName,
  /** The VirtualGateway through which requests come from outside; none when only the mesh calls the service. */
  virtualGateway: objectReference.optional(),
  /** AWS has switched App Mesh off; true when the control plane of this cluster is another one. */
  allowDiscontinuedAppMesh: z.boolean().default(false),
});
export type AppMeshRouterSettings = z.infer<typeof appMeshRouter>;

export const routerSettingsSchema = z.discriminatedUnion("kind", [gatewayApiRouter, appMeshRouter]);
export type RouterSettings = z.infer<typeof routerSettingsSchema>;

// ---- what users write ----------------------------------------------------------------------------

/** A Gateway that the platform declares itself, in its own namespace, with one listener for HTTP. */
export interface OwnGateway {
  readonly name: string;
  /** A GatewayClass of the cluster. */
  readonly className: string;
  readonly port: number;
}

/** A Gateway that is there, or with `className` one that this stack declares. */
const gatewayWritten = z
  .strictObject({
    namespace: label.optional(),
    name: objectName,
    listener: objectName.optional(),
    className: objectName.optional(),
    port: port.optional(),
  })
  .transform((written, context): GatewayApiRouterSettings["gateway"] | OwnGateway => {
    const { namespace, className, port: given, listener } = written;
    const refuse = (key: string, message: string): never => {
      context.addIssue({ code: "custom", path: [key], message });
      return z.NEVER;
    };
    if (className === undefined) {
      if (given !== undefined) {
        return refuse("port", "belongs to a Gateway that this stack declares: give className too");
      }
      if (namespace === undefined) {
        return refuse(
          "namespace",
          "is not set: give it for a Gateway that is there, or className to declare one",
        );
      }
      return { namespace, name: written.name, ...(listener === undefined ? {} : { listener }) };
    }
    if (namespace !== undefined) {
      return refuse("namespace", "is the platform's for a Gateway with className: remove it");
    }
    if (listener !== undefined) {
      return refuse("listener", "is the only one of a Gateway with className: remove it");
    }
    return { name: written.name, className, port: given ?? 80 };
  });

/** A VirtualGateway that the platform declares itself, in its own namespace, with one listener for HTTP. */
export interface OwnVirtualGateway {
  readonly name: string;
  readonly port: number;
}

/** A VirtualGateway that is there, or without `namespace` one that this stack declares. */
const virtualGatewayWritten = z
  .strictObject({ namespace: label.optional(), name: objectName, port: port.optional() })
  .transform((written, context): ObjectReference | OwnVirtualGateway => {
    const { namespace, name: virtualGateway, port: given } = written;
    if (namespace === undefined) return { name: virtualGateway, port: given ?? 8_088 };
    if (given !== undefined) {
      const message = "belongs to a VirtualGateway that this stack declares: remove namespace";
      context.addIssue({ code: "custom", path: ["port"], message });
      return z.NEVER;
    }
    return { namespace, name: virtualGateway };
  });

const appMeshWritten = appMeshRouter
  .extend({
    /** Also the value of the label by which the mesh knows its namespaces. */
    mesh: label,
    /** Declare the Mesh, rather than use one that is there. */
    createMesh: z.boolean().default(true),
    virtualGateway: virtualGatewayWritten.optional(),
  })
  .superRefine(({ allowDiscontinuedAppMesh }, context) => {
    if (allowDiscontinuedAppMesh) return;
    context.addIssue({
      code: "custom",
      path: ["allowDiscontinuedAppMesh"],
      message:
        "AWS has switched App Mesh off on 2026-09-30: nothing in a real account would act on its objects. " +
        "Use router kind gateway-api; or set this to true when the control plane of this cluster is another one",
    });
  });

const gatewayApiWritten = gatewayApiRouter
  .extend({ gateway: gatewayWritten })
  .superRefine(({ profile, gateway }, context) => {
    if (profile !== "linkerd" || !("className" in gateway)) return;
    context.addIssue({
      code: "custom",
      path: ["gateway", "className"],
      message:
        "Linkerd serves no Gateways: name one that another implementation serves, or another profile",
    });
  });

/** What users write under `router` of a platform. */
export const routerWritten = z.discriminatedUnion("kind", [gatewayApiWritten, appMeshWritten]);
export type RouterWritten = z.infer<typeof routerWritten>;
