import type { ResourceValidationPolicy } from "@pulumi/policy";
import { flag } from "./config-schemas.ts";

interface Config {
  readonly allowDiscontinuedAppMesh?: boolean;
}

const appMeshType = /^(kubernetes:appmesh\.k8s\.aws\/|aws:appmesh\/)/;

/** App Mesh is used only where somebody says that it still works there. */
export const forbidDiscontinuedAppMesh: ResourceValidationPolicy = {
  name: "forbid-discontinued-app-mesh",
  description:
    "AWS switched App Mesh off on 2026-09-30: nothing on AWS acts on its objects any more.",
  enforcementLevel: "mandatory",
  configSchema: {
    properties: {
      allowDiscontinuedAppMesh: flag(
        "Lets objects of App Mesh pass, for a control plane that is not AWS's.",
      ),
    },
  },
  validateResource: (args, reportViolation) => {
    const { type } = args;
    if (!appMeshType.test(type) || args.getConfig<Config>().allowDiscontinuedAppMesh === true)
      return;
    reportViolation(
      `${type} is an object of App Mesh: use Gateway API, or set allowDiscontinuedAppMesh of this rule where another control plane serves it`,
    );
  },
};
