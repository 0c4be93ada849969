import * as kubernetes from "@pulumi/kubernetes";
import type * as pulumi from "@pulumi/pulumi";
import { z } from "zod";
import type { OwnGateway } from "../router-contract.ts";
import type { DeclareOptions } from "./declare-options.ts";
import { awaiting, ownedMetadata } from "./owned-object.ts";
import { namespaceSelector, type ServiceNamespaces } from "./service-namespaces.ts";

/** Version of Gateway API whose objects are declared. */
export const gatewayApiVersion = "gateway.networking.k8s.io/v1";

/** Time in which a Gateway has to be programmed, in s. A load balancer of a cloud takes minutes. */
const programmedSeconds = 600;

/** What a Gateway is declared from. */
export interface GatewayArgs {
  /** Full name of the stack. */
  readonly owner: string;
  readonly namespace: string;
  readonly gateway: OwnGateway;
  /** Only routes of these namespaces may attach. */
  readonly serviceNamespaces: ServiceNamespaces;
  /** Of the Service that its implementation makes for it. */
  readonly annotations?: Readonly<Record<string, string>>;
}

/**
 * A Gateway with one listener for HTTP of every host, which takes routes of the services' namespaces and no others. The
 * update waits until its implementation has programmed it, and fails with the implementation's words.
 */
export function declareGateway(
  prefix: string,
  { owner, namespace, gateway, serviceNamespaces, annotations = {} }: GatewayArgs,
  options: DeclareOptions,
): kubernetes.apiextensions.CustomResource {
  const { name, className, port } = gateway;
  return new kubernetes.apiextensions.CustomResource(
    `${prefix}-gateway`,
    {
      apiVersion: gatewayApiVersion,
      kind: "Gateway",
      metadata: ownedMetadata(
        { owner, namespace, name },
        {},
        awaiting("Programmed", programmedSeconds),
      ),
      spec: {
        gatewayClassName: className,
        ...(Object.keys(annotations).length === 0 ? {} : { infrastructure: { annotations } }),
        listeners: [
          {
            name: "http",
            protocol: "HTTP",
            port,
            allowedRoutes: { namespaces: allowed(namespace, serviceNamespaces) },
          },
        ],
      },
      // not set here: named, so that what the cluster says of it is an output
      status: undefined,
    },
    options,
  );
}

function allowed(namespace: string, namespaces: ServiceNamespaces): object {
  if (namespaces === "all") return { from: "All" };
  if (namespaces.every((name) => name === namespace)) return { from: "Same" };
  return { from: "Selector", selector: namespaceSelector(namespaces) };
}

const statusSchema = z.object({
  addresses: z.array(z.object({ value: z.string() })).default([]),
});

/** Where a Gateway of this stack takes requests; undefined where its implementation gives it no address. */
export function gatewayUrl(
  gateway: kubernetes.apiextensions.CustomResource,
  port: number,
): pulumi.Output<string | undefined> {
  // the SDK's type names what all objects have, and no more
  const { status } = gateway as unknown as { readonly status: pulumi.Output<unknown> };
  return status.apply((live) => {
    const [address] = statusSchema.safeParse(live).data?.addresses ?? [];
    return address === undefined ? undefined : httpUrl(address.value, port);
  });
}

/** The URL of a host or an IP address, at a port. */
export function httpUrl(host: string, port: number): string {
  const name = host.includes(":") ? `[${host}]` : host;
  return port === 80 ? `http://${name}` : `http://${name}:${port}`;
}
