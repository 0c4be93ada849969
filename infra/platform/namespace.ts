import * as kubernetes from "@pulumi/kubernetes";
import type * as pulumi from "@pulumi/pulumi";
import type { KubernetesPlatformSettings } from "../kubernetes-contract.ts";
import { injectorLabel } from "./mesh.ts";
import { ownedMetadata } from "./owned-object.ts";

/** The platform's namespace, where this stack makes it. */
export function declareNamespace(
  prefix: string,
  owner: string,
  { namespace, router }: KubernetesPlatformSettings,
  options: pulumi.CustomResourceOptions,
): kubernetes.core.v1.Namespace | null {
  const { name, create, labels, annotations, protect } = namespace;
  if (!create) return null;
  const ofRouter = router.kind === "app-mesh" ? injectorLabel : {};
  return new kubernetes.core.v1.Namespace(
    `${prefix}-namespace`,
    // what users write goes first: they may want a namespace without sidecars
    { metadata: ownedMetadata({ owner, name }, { ...ofRouter, ...labels }, annotations) },
    { ...options, protect },
  );
}
