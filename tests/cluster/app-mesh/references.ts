import { entryKey, type Draft } from "./account.ts";
import { awsNameInArn, awsNameOf } from "./names.ts";
import type { Kind, Member, MeshObject, Reference } from "./objects.ts";

/** The objects that the API server has, in any order. */
export type Objects = { readonly [K in Kind]: readonly Extract<MeshObject, { kind: K }>[] };

/** What references are looked up in. */
export interface Context {
  readonly objects: Objects;
  readonly draft: Draft;
}

/** Says why an object is not accepted, in the words of the controller where it had any. */
export class Refusal extends Error {}

/** Name, in App Mesh, of the mesh that the webhook has put an object into. */
export function meshOf({ objects, draft }: Context, { spec }: Member): string {
  const { meshRef } = spec;
  if (meshRef === undefined) {
    throw new Refusal("meshRef shouldn't be nil, please check webhook setup");
  }
  const mesh = objects.Mesh.find(({ metadata }) => metadata.name === meshRef.name);
  if (mesh === undefined) {
    throw new Refusal(
      `failed to resolve meshRef: Mesh.appmesh.k8s.aws "${meshRef.name}" not found`,
    );
  }
  if (mesh.metadata.uid !== meshRef.uid) {
    throw new Refusal(
      `failed to resolve meshRef: mesh UID mismatch: ${meshRef.name}, expected UID ${meshRef.uid}, found ${mesh.metadata.uid}`,
    );
  }
  if (!draft.Mesh.has(awsNameOf(mesh))) throw new Refusal("mesh is not active yet");
  return awsNameOf(mesh);
}

type TargetKind = "VirtualGateway" | "VirtualNode" | "VirtualRouter" | "VirtualService";

const camelCase = {
  VirtualGateway: "virtualGateway",
  VirtualNode: "virtualNode",
  VirtualRouter: "virtualRouter",
  VirtualService: "virtualService",
} as const satisfies Record<TargetKind, string>;

/** Name, in App Mesh, of what a reference or an ARN names; it must be in the mesh and active. */
export function targetName(
  context: Context,
  from: Member,
  kind: TargetKind,
  reference: Reference | undefined,
  arn: string | undefined,
): string {
  const mesh = meshOf(context, from);
  if (reference === undefined) {
    const awsName = awsNameInArn(arn ?? "");
    if (context.draft[kind].has(entryKey(mesh, awsName))) return awsName;
    throw new Refusal(`NotFoundException: ${camelCase[kind]} ${arn ?? "(none)"} does not exist`);
  }
  const awsName = awsNameOf(find(context, from, kind, reference));
  if (!context.draft[kind].has(entryKey(mesh, awsName))) {
    throw new Refusal(`${camelCase[kind]} is not active yet`);
  }
  return awsName;
}

/** The object that a reference names; it must exist and belong to the same mesh. */
export function find(
  context: Context,
  from: Member,
  kind: TargetKind,
  reference: Reference,
): Member {
  const { name, namespace = from.metadata.namespace } = reference;
  const candidates: readonly Member[] = context.objects[kind];
  const found = candidates.find(
    ({ metadata }) => metadata.name === name && metadata.namespace === namespace,
  );
  if (found === undefined) {
    const word = camelCase[kind];
    throw new Refusal(
      `failed to resolve ${word}Ref: unable to fetch ${word}: ${namespace}/${name}: ${kind}.appmesh.k8s.aws "${name}" not found`,
    );
  }
  if (found.spec.meshRef?.uid !== from.spec.meshRef?.uid) {
    throw new Refusal(
      `${camelCase[kind]} ${namespace}/${name} didn't belong to mesh ${from.spec.meshRef?.name}`,
    );
  }
  return found;
}
