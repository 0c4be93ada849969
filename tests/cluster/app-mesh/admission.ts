import { z } from "zod";
import { defaultAwsName } from "./names.ts";
import {
  parseObject,
  type GatewayRoute,
  type Kind,
  type Member,
  type Mesh,
  type MeshObject,
  type Namespace,
  type VirtualGateway,
  type VirtualNode,
  type VirtualRouter,
} from "./objects.ts";
import { selects } from "./selectors.ts";
import { headerFault } from "./api-rules.ts";

/** What the webhooks look things up in. */
export interface Neighbors {
  readonly namespace: Namespace;
  readonly meshes: readonly Mesh[];
  readonly gateways: readonly VirtualGateway[];
}

/** A webhook's refusal: the API server passes the words on to whoever wrote the object. */
export class AdmissionRefusal extends Error {}

/** A JSON patch. */
export type JsonPatch = readonly {
  readonly op: "add";
  readonly path: string;
  readonly value: unknown;
}[];

const rawSchema = z.object({ spec: z.record(z.string(), z.unknown()).nullish() });

/**
 * What the controller's mutating webhook added to a new object: its name in App Mesh, its mesh, and for a
 * gateway route its gateway.
 *
 * @throws AdmissionRefusal when it belongs to no mesh, or to several
 */
export function defaults(kind: Kind, raw: unknown, neighbors: Neighbors): JsonPatch {
  const object = parseObject(kind, raw);
  const { name } = object.metadata;
  const additions = {
    awsName: object.spec.awsName || defaultAwsName(kind, name, neighbors.namespace.name),
    ...(object.kind === "Mesh" ? {} : membership(object, neighbors)),
  };
  const hasSpec = (rawSchema.parse(raw).spec ?? undefined) !== undefined;
  if (!hasSpec) return [{ op: "add", path: "/spec", value: additions }];
  return Object.entries(additions).map(([field, value]) => ({
    op: "add",
    path: `/spec/${field}`,
    value,
  }));
}

function membership(object: Member, neighbors: Neighbors): Record<string, unknown> {
  refuseGiven(object, "meshRef", object.spec.meshRef);
  const { metadata } = meshOf(neighbors);
  const meshRef = { name: metadata.name, uid: metadata.uid };
  if (object.kind !== "GatewayRoute") return { meshRef };
  refuseGiven(object, "virtualGatewayRef", object.spec.virtualGatewayRef);
  const gateway = gatewayOf(object, neighbors);
  if (gateway.spec.meshRef?.uid !== meshRef.uid) {
    throw new AdmissionRefusal(
      "virtualGateway referenced does not belong to the mesh referenced in GatewayRoute Create",
    );
  }
  const { name, namespace, uid } = gateway.metadata;
  return { meshRef, virtualGatewayRef: { name, namespace, uid } };
}

function refuseGiven({ kind }: Member, field: string, value: unknown): void {
  if (value === undefined) return;
  throw new AdmissionRefusal(`${kind} create may not specify read-only field: spec.${field}`);
}

function meshOf({ meshes, namespace }: Neighbors): Mesh {
  const found = meshes.filter(({ spec }) => selects(spec.namespaceSelector, namespace.labels));
  const mesh = onlyOne(found, "mesh", "meshes", namespace);
  if (mesh.metadata.deletionTimestamp === undefined) return mesh;
  throw new AdmissionRefusal(
    `unable to create new content in mesh ${mesh.metadata.name} because it is being terminated`,
  );
}

function gatewayOf(route: GatewayRoute, { gateways, namespace }: Neighbors): VirtualGateway {
  const found = gateways.filter(
    ({ spec }) =>
      selects(spec.namespaceSelector, namespace.labels) &&
      (spec.gatewayRouteSelector === undefined ||
        selects(spec.gatewayRouteSelector, route.metadata.labels)),
  );
  return onlyOne(found, "virtualGateway", "virtualGateways", namespace);
}

function onlyOne<O extends MeshObject>(
  found: readonly O[],
  one: string,
  several: string,
  { name }: Namespace,
): O {
  const [first, ...others] = found;
  if (first === undefined) {
    throw new AdmissionRefusal(
      `failed to find matching ${one} for namespace: ${name}, expecting 1 but found 0`,
    );
  }
  if (others.length === 0) return first;
  const names = found.map(({ metadata }) => metadata.name).join(",");
  throw new AdmissionRefusal(
    `found multiple matching ${several} for namespace: ${name}, expecting 1 but found ${found.length}: ${names}`,
  );
}

/**
 * What the controller's validating webhook refused.
 *
 * @param rawOld the object as it was; undefined for a new one
 * @throws AdmissionRefusal
 */
export function validate(kind: Kind, raw: unknown, rawOld: unknown): void {
  const object = parseObject(kind, raw);
  if (rawOld !== undefined) refuseChanges(object, parseObject(kind, rawOld));
  switch (object.kind) {
    case "VirtualNode":
      return validateNode(object);
    case "VirtualRouter":
      return validateRouter(object);
    case "VirtualGateway":
      return validateGateway(object);
    case "GatewayRoute":
      return validateGatewayRoute(object);
    case "Mesh":
    case "VirtualService":
  }
}

function refuseChanges(object: MeshObject, before: MeshObject): void {
  const fields = ["awsName", "meshRef", "virtualGatewayRef"].filter(
    (field) => JSON.stringify(fieldOf(object, field)) !== JSON.stringify(fieldOf(before, field)),
  );
  if (object.kind === "VirtualNode" && before.kind === "VirtualNode") {
    const cloudMap = before.spec.serviceDiscovery?.awsCloudMap;
    const isChanged =
      JSON.stringify(cloudMap) !== JSON.stringify(object.spec.serviceDiscovery?.awsCloudMap);
    if (cloudMap !== undefined && isChanged) fields.push("serviceDiscovery.awsCloudMap");
  }
  if (fields.length === 0) return;
  const names = fields.map((field) => `spec.${field}`).join(",");
  throw new AdmissionRefusal(`${object.kind} update may not change these fields: ${names}`);
}

function fieldOf({ spec }: MeshObject, field: string): unknown {
  return Object.entries(spec).find(([name]) => name === field)?.[1];
}

function validateNode({ metadata, spec }: VirtualNode): void {
  const { listeners, serviceDiscovery, backends } = spec;
  const { name, namespace } = metadata;
  if (listeners.length > 0 && serviceDiscovery === undefined) {
    throw new AdmissionRefusal(
      `ServiceDiscovery missing for VirtualNode-${name}. ServiceDiscovery must be specified when a listener is specified.`,
    );
  }
  const seen = new Set<string>();
  for (const { virtualService } of backends) {
    const { virtualServiceRef: reference, virtualServiceARN: arn } = virtualService;
    const identity = reference && `${reference.name}-${reference.namespace ?? namespace}`;
    const key = identity ?? arn ?? "";
    if (seen.has(key)) {
      throw new AdmissionRefusal(
        reference === undefined
          ? `VirtualNode-${name} has duplicate VirtualServiceReferenceARNs ${arn}`
          : `VirtualNode-${name} has duplicate VirtualServiceReferences ${reference.name}`,
      );
    }
    seen.add(key);
  }
  for (const { connectionPool } of listeners) refuseSeveralPools(name, connectionPool);
}

function validateGateway({ metadata, spec }: VirtualGateway): void {
  for (const { connectionPool } of spec.listeners) {
    refuseSeveralPools(metadata.name, connectionPool);
  }
}

function refuseSeveralPools(name: string, pool: object | undefined): void {
  if (Object.values(pool ?? {}).filter((value) => value !== undefined).length <= 1) return;
  throw new AdmissionRefusal(`Only one type of Virtual Node Connection Pool is allowed: ${name}`);
}

function validateRouter({ metadata, spec }: VirtualRouter): void {
  const names = new Set<string>();
  for (const { name, httpRoute, http2Route } of spec.routes) {
    if (names.has(name)) {
      throw new AdmissionRefusal(
        `VirtualRouter-${metadata.name} has duplicate route entries for ${name}`,
      );
    }
    names.add(name);
    const route = httpRoute ?? http2Route;
    if (route !== undefined) refuseVaguePath(route.match, true);
  }
}

function validateGatewayRoute({ spec }: GatewayRoute): void {
  const { httpRoute, http2Route, grpcRoute } = spec;
  const given = [httpRoute, http2Route, grpcRoute].filter((route) => route !== undefined);
  if (given.length !== 1) {
    throw new AdmissionRefusal(
      "Exactly one of httpRoute, http2Route or grpcRoute must be specified",
    );
  }
  const route = httpRoute ?? http2Route;
  if (route === undefined) return;
  const { match, action } = route;
  refuseVaguePath(match, match.hostname === undefined);
  for (const header of match.headers) {
    const fault = headerFault("of the gateway", header);
    if (fault !== undefined) throw new AdmissionRefusal(fault);
  }
  const { prefix, path } = action.rewrite ?? {};
  if (prefix !== undefined && path !== undefined) {
    throw new AdmissionRefusal("Both prefix and path cannot be specified for Rewrite");
  }
  const value = prefix?.value;
  if (value !== undefined && !(value.startsWith("/") && value.endsWith("/"))) {
    throw new AdmissionRefusal("Prefix Value must start and end with '/'");
  }
}

function refuseVaguePath(
  match: {
    prefix?: string | undefined;
    path?: { exact?: string | undefined; regex?: string | undefined } | undefined;
  },
  isPathNeeded: boolean,
): void {
  const { prefix, path } = match;
  if (prefix !== undefined && path !== undefined) {
    throw new AdmissionRefusal("Both prefix and path cannot be specified, only 1 allowed");
  }
  if (prefix === undefined && path === undefined && isPathNeeded) {
    throw new AdmissionRefusal("Either prefix or path must be specified");
  }
  if (path !== undefined && (path.exact === undefined) === (path.regex === undefined)) {
    throw new AdmissionRefusal("Exactly one of exact or regex must be specified for path");
  }
}
