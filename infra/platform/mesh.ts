import * as kubernetes from "@pulumi/kubernetes";
import type * as pulumi from "@pulumi/pulumi";
import type { OwnVirtualGateway } from "../router-contract.ts";
import type { DeclareOptions } from "./declare-options.ts";
import { httpUrl } from "./gateway.ts";
import { awaiting, ownedMetadata } from "./owned-object.ts";
import { namespaceSelector, type ServiceNamespaces } from "./service-namespaces.ts";

/** Version of the objects of App Mesh. */
export const appMeshVersion = "appmesh.k8s.aws/v1beta2";

/** Time in which the control plane has to take an object of the mesh, in s. */
const activeSeconds = 120;

const injectorKey = "appmesh.k8s.aws/sidecarInjectorWebhook";

/** Label of a namespace whose pods get App Mesh's sidecar; a pod there that is no VirtualNode's is refused. */
export const injectorLabel = { [injectorKey]: "enabled" } as const;

/** Annotation of a pod that is to have no sidecar, whatever its namespace says. */
export const withoutSidecar = { [injectorKey]: "disabled" } as const;

/** What objects of the mesh are declared from. */
export interface MeshArgs {
  /** Full name of the stack. */
  readonly owner: string;
  /** Namespaces whose services belong to it. */
  readonly serviceNamespaces: ServiceNamespaces;
  /** Whether this stack installs App Mesh. */
  readonly isInstalled: boolean;
}

/** The Mesh: the namespaces of services are its members. The update waits until the control plane has taken it. */
export function declareMesh(
  prefix: string,
  name: string,
  { owner, serviceNamespaces }: MeshArgs,
  options: DeclareOptions,
): kubernetes.apiextensions.CustomResource {
  return new kubernetes.apiextensions.CustomResource(
    `${prefix}-mesh`,
    {
      apiVersion: appMeshVersion,
      kind: "Mesh",
      metadata: ownedMetadata({ owner, name }, {}, awaiting("MeshActive", activeSeconds)),
      spec: { namespaceSelector: namespaceSelector(serviceNamespaces) },
    },
    options,
  );
}

/** Labels of a VirtualGateway's Envoys: those of the chart `appmesh-gateway`, or what others are to give theirs. */
export function envoyLabels(name: string, isInstalled: boolean): Record<string, string> {
  return isInstalled ? { "app.kubernetes.io/name": name } : { app: name };
}

/**
 * The VirtualGateway that GatewayRoutes of services belong to. Its Envoys are pods of the platform's namespace with the
 * labels of `envoyLabels`; what is not installed is brought by whoever runs the control plane.
 */
export function declareVirtualGateway(
  prefix: string,
  namespace: string,
  { name, port }: OwnVirtualGateway,
  { owner, serviceNamespaces, isInstalled }: MeshArgs,
  options: DeclareOptions,
): kubernetes.apiextensions.CustomResource {
  return new kubernetes.apiextensions.CustomResource(
    `${prefix}-virtual-gateway`,
    {
      apiVersion: appMeshVersion,
      kind: "VirtualGateway",
      metadata: ownedMetadata(
        { owner, namespace, name },
        {},
        awaiting("VirtualGatewayActive", activeSeconds),
      ),
      spec: {
        namespaceSelector: namespaceSelector(serviceNamespaces),
        podSelector: { matchLabels: envoyLabels(name, isInstalled) },
        listeners: [{ portMapping: { port, protocol: "http" } }],
      },
    },
    options,
  );
}

/** Where the load balancer of installed Envoys takes requests, once they are there; undefined where the cluster has none. */
export function envoysUrl(
  prefix: string,
  namespace: string,
  name: string,
  envoys: kubernetes.helm.v3.Release,
  parent: pulumi.Resource,
): pulumi.Output<string | undefined> {
  // unknown in the preview that is to make them, so that nothing is read which is not there yet
  const id = envoys.id.apply(() => `${namespace}/${name}`);
  const service = kubernetes.core.v1.Service.get(`${prefix}-${name}`, id, { parent });
  return service.status.apply((status) => {
    // a cluster without load balancers leaves all of it out, whatever the SDK's type says
    const [ingress] = (status as typeof status | undefined)?.loadBalancer?.ingress ?? [];
    const host = ingress?.hostname ?? ingress?.ip;
    return host === undefined ? undefined : httpUrl(host, 80);
  });
}
