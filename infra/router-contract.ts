import { z } from "zod";
import { label, objectName, objectReference, port, type ObjectReference } from "./object-names.ts";
import { installFaults, installWritten, type ClusterTarget } from "./router-install-contract.ts";

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

/** A Gateway that is there, or one that this stack declares: with `className`, or because it installs what serves it. */
const gatewayWritten = z.strictObject({
  namespace: label.optional(),
  name: objectName,
  listener: objectName.optional(),
  className: objectName.optional(),
  port: port.optional(),
});
type GatewayWritten = z.output<typeof gatewayWritten>;
type Refuse = (path: readonly string[], message: string) => void;

function gatewayOf(
  { namespace, name, listener, className, port: given }: GatewayWritten,
  refuse: Refuse,
): GatewayApiRouterSettings["gateway"] | OwnGateway {
  if (className !== undefined) {
    if (namespace !== undefined) {
      refuse(["namespace"], "is the platform's for a Gateway with className: remove it");
    }
    if (listener !== undefined) {
      refuse(["listener"], "is the only one of a Gateway with className: remove it");
    }
    return { name, className, port: given ?? 80 };
  }
  if (given !== undefined) {
    refuse(["port"], "belongs to a Gateway that this stack declares: give className too");
  } else if (namespace === undefined) {
    refuse(
      ["namespace"],
      "is not set: give it for a Gateway that is there, or className to declare one",
    );
  }
  return { namespace: namespace ?? "", name, ...(listener === undefined ? {} : { listener }) };
}

/** Class of the Gateways that an installed implementation serves; `fixed` where no other can be. */
const installedClasses: Partial<Record<ProfileName, { name: string; fixed: boolean }>> = {
  "envoy-gateway": { name: "envoy-gateway", fixed: false },
  istio: { name: "istio", fixed: true },
  "vpc-lattice": { name: "amazon-vpc-lattice", fixed: true },
};

/** A Gateway of an implementation that this stack installs: always one of its own. */
function installedGatewayOf(
  written: GatewayWritten,
  profile: ProfileName,
  refuse: Refuse,
): OwnGateway {
  const { name, port: given } = written;
  for (const key of ["namespace", "listener"] as const) {
    if (written[key] === undefined) continue;
    refuse([key], "is that of the Gateway that install makes: remove it, or install");
  }
  const served = installedClasses[profile];
  const className = written.className ?? served?.name ?? "";
  if (served?.fixed === true && className !== served.name) {
    refuse(["className"], `is ${served.name} for what install brings: remove it`);
  }
  return { name, className, port: given ?? 80 };
}

/** A VirtualGateway that the platform declares itself, in its own namespace, with one listener for HTTP. */
export interface OwnVirtualGateway {
  readonly name: string;
  readonly port: number;
}

/** Where the Envoys of the chart `appmesh-gateway` listen. */
const appMeshGatewayPort = 8_088;

/** A VirtualGateway that is there, or without `namespace` one that this stack declares. */
const virtualGatewayWritten = z
  .strictObject({ namespace: label.optional(), name: objectName, port: port.optional() })
  .transform((written, context): ObjectReference | OwnVirtualGateway => {
    const { namespace, name: virtualGateway, port: given } = written;
    if (namespace === undefined) return { name: virtualGateway, port: given ?? appMeshGatewayPort };
    if (given !== undefined) {
      const message = "belongs to a VirtualGateway that this stack declares: remove namespace";
      context.addIssue({ code: "custom", path: ["port"], message });
      return z.NEVER;
    }
    return { namespace, name: virtualGateway };
  });

const appMeshWritten = (target: ClusterTarget) =>
  appMeshRouter
    .extend({
      /** Also the value of the label by which the mesh knows its namespaces. */
      mesh: label,
      /** Declare the Mesh, rather than use one that is there. */
      createMesh: z.boolean().default(true),
      virtualGateway: virtualGatewayWritten.optional(),
      /** Install the controller and, with a VirtualGateway of this stack, its Envoys. */
      install: installWritten.optional(),
    })
    .superRefine(({ allowDiscontinuedAppMesh, createMesh, virtualGateway, install }, context) => {
      const refuse = (path: string[], message: string): void =>
        context.addIssue({ code: "custom", path, message });
      if (!allowDiscontinuedAppMesh) {
        refuse(
          ["allowDiscontinuedAppMesh"],
          "AWS has switched App Mesh off on 2026-09-30: nothing in a real account, on EKS too, would act on its objects. " +
            "Use router kind gateway-api (profile envoy-gateway, istio or vpc-lattice; see docs/app-mesh.md); or set this to " +
            "true when the control plane of this cluster is another one",
        );
      }
      if (install === undefined) return;
      for (const { key, message } of installFaults(target, "app-mesh", install)) {
        refuse(["install", ...(key === undefined ? [] : [key])], message);
      }
      if (!createMesh) {
        refuse(
          ["createMesh"],
          "is false, but no Mesh is there before its controller: remove it, or install",
        );
      }
      if (virtualGateway === undefined) return;
      if ("namespace" in virtualGateway) {
        refuse(
          ["virtualGateway", "namespace"],
          "is that of one that is there, which install would make: remove it, or install",
        );
      } else if (virtualGateway.port !== appMeshGatewayPort) {
        refuse(
          ["virtualGateway", "port"],
          `is ${appMeshGatewayPort} in the chart appmesh-gateway: remove it`,
        );
      }
    });

const gatewayApiWritten = (target: ClusterTarget) =>
  gatewayApiRouter
    .extend({
      gateway: gatewayWritten,
      /** Install the implementation. */
      install: installWritten.optional(),
    })
    .transform((written, context) => {
      const { kind, profile, install } = written;
      const refuse = (path: readonly string[], message: string): void =>
        context.addIssue({ code: "custom", path: [...path], message });
      const ofGateway: Refuse = (path, message) => refuse(["gateway", ...path], message);
      if (install === undefined) {
        if (profile === "linkerd" && written.gateway.className !== undefined) {
          const message =
            "Linkerd serves no Gateways: name one that another implementation serves, or another profile";
          ofGateway(["className"], message);
        }
        return { kind, profile, gateway: gatewayOf(written.gateway, ofGateway) };
      }
      for (const { key, message } of installFaults(target, profile, install)) {
        refuse(["install", ...(key === undefined ? [] : [key])], message);
      }
      return {
        kind,
        profile,
        gateway: installedGatewayOf(written.gateway, profile, ofGateway),
        install,
      };
    });

/** What users write under `router` of a platform of a target. */
export const routerWrittenFor = (target: ClusterTarget) =>
  z.discriminatedUnion("kind", [gatewayApiWritten(target), appMeshWritten(target)]);
export type RouterWritten = z.infer<ReturnType<typeof routerWrittenFor>>;
