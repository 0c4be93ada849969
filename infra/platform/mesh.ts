import * as kubernetes from "@pulumi/kubernetes";
import type { OwnVirtualGateway } from "../router-contract.ts";
import type { DeclareOptions } from "./declare-options.ts";
import { ownedMetadata } from "./owned-object.ts";
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
      metadata: ownedMetadata({ owner, name }, {}, awaiting("MeshActive")),
      spec: { namespaceSelector: namespaceSelector(serviceNamespaces) },
    },
    options,
  );
}

/**
 * The VirtualGateway that GatewayRoutes of services belong to. Its Envoys are pods labelled `app: NAME` in the
 * platform's namespace, which whoever runs the control plane brings.
 */
export function declareVirtualGateway(
  prefix: string,
  namespace: string,
  { name, port }: OwnVirtualGateway,
  { owner, serviceNamespaces }: MeshArgs,
  options: DeclareOptions,
): kubernetes.apiextensions.CustomResource {
  return new kubernetes.apiextensions.CustomResource(
    `${prefix}-virtual-gateway`,
    {
      apiVersion: appMeshVersion,
      kind: "VirtualGateway",
      metadata: ownedMetadata({ owner, namespace, name }, {}, awaiting("VirtualGatewayActive")),
      spec: {
        namespaceSelector: namespaceSelector(serviceNamespaces),
        podSelector: { matchLabels: { app: name } },
        listeners: [{ portMapping: { port, protocol: "http" } }],
      },
    },
    options,
  );
}

function awaiting(condition: string): Record<string, string> {
  return {
    "pulumi.com/waitFor": `condition=${condition}`,
    "pulumi.com/timeoutSeconds": String(activeSeconds),
  };
}
