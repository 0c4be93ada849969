import { serviceLinkedRole, type PolicyDocument } from "./policy-document.ts";

const singular = [
  "GatewayRoute",
  "Mesh",
  "Route",
  "VirtualGateway",
  "VirtualNode",
  "VirtualRouter",
  "VirtualService",
] as const;

/**
 * What the controller of App Mesh may do: the policy of its own project (config/iam/controller-iam-policy.json), without
 * Cloud Map and Route 53, since upramp's VirtualNodes are found by DNS, and without ACM, since it declares no TLS.
 */
export const appMeshControllerPolicy: PolicyDocument = {
  Version: "2012-10-17",
  Statement: [
    {
      Effect: "Allow",
      Action: singular.flatMap((part) => [
        ...["Create", "Delete", "Describe", "Update"].map((verb) => `appmesh:${verb}${part}`),
        `appmesh:List${part === "Mesh" ? "Meshes" : `${part}s`}`,
      ]),
      Resource: "*",
    },
    serviceLinkedRole("appmesh.amazonaws.com", "AWSServiceRoleForAppMesh"),
  ],
};

/** What an Envoy of App Mesh may do: ask the control plane for its configuration. */
export const appMeshEnvoyPolicy: PolicyDocument = {
  Version: "2012-10-17",
  Statement: [{ Effect: "Allow", Action: ["appmesh:StreamAggregatedResources"], Resource: "*" }],
};
