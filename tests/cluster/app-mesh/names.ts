import type { Kind, MeshObject, Protocol } from "./objects.ts";

/** The account and region that ARNs name. Nothing of either exists. */
const arnPrefix = "arn:aws:appmesh:us-west-2:000000000000:mesh";

/** Port of the listener that callers' requests leave by, as in every Envoy of App Mesh. */
export const egressPort = 15_001;

/** What App Mesh calls an object when its author has not said. */
export function defaultAwsName(kind: Kind, name: string, namespace: string): string {
  if (kind === "Mesh") return name;
  return kind === "VirtualService" ? `${name}.${namespace}` : `${name}_${namespace}`;
}

/** What App Mesh calls an object. The webhook has filled it in, save where no webhook runs. */
export function awsNameOf({ kind, metadata, spec }: MeshObject): string {
  const { awsName } = spec;
  if (awsName !== undefined && awsName !== "") return awsName;
  return defaultAwsName(kind, metadata.name, metadata.namespace);
}

/** ARN of a mesh. */
export function meshArn(mesh: string): string {
  return `${arnPrefix}/${mesh}`;
}

const arnWords = {
  VirtualGateway: "virtualGateway",
  VirtualNode: "virtualNode",
  VirtualRouter: "virtualRouter",
  VirtualService: "virtualService",
} as const;

/** ARN of a member of a mesh. */
export function memberArn(mesh: string, kind: keyof typeof arnWords, awsName: string): string {
  return `${meshArn(mesh)}/${arnWords[kind]}/${awsName}`;
}

/** ARN of one route of a virtual router. */
export function routeArn(mesh: string, router: string, route: string): string {
  return `${memberArn(mesh, "VirtualRouter", router)}/route/${route}`;
}

/** ARN of a gateway route. */
export function gatewayRouteArn(mesh: string, gateway: string, route: string): string {
  return `${memberArn(mesh, "VirtualGateway", gateway)}/gatewayRoute/${route}`;
}

/** The last part of an ARN: what App Mesh calls the object. */
export function awsNameInArn(arn: string): string {
  return arn.slice(arn.lastIndexOf("/") + 1);
}

/** Name of the Envoy cluster through which callers reach a virtual node. Metrics carry it. */
export function nodeClusterName(
  mesh: string,
  node: string,
  protocol: Protocol,
  port: number,
): string {
  return `cds_egress_${mesh}_${node}_${protocol}_${port}`;
}

/** Name of the cluster by which a gateway hands a request to its own egress listener. */
export function selfRedirectClusterName(mesh: string, gateway: string, protocol: Protocol): string {
  return `cds_ingress_${mesh}_${gateway}_self_redirect_${protocol}_${egressPort}`;
}

/** Name of the route configuration of a gateway's listener. */
export function ingressRouteConfigName(protocol: Protocol, port: number): string {
  return `rds_ingress_${protocol}_${port}`;
}

/** Name of the route configuration that holds the virtual services. */
export const egressRouteConfigName = `rds_egress_http_${egressPort}`;
