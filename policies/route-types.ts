/** Routes of Gateway API, which split requests over Services. */
export const gatewayRoute =
  /^kubernetes:gateway\.networking\.k8s\.io\/[^:]+:(HTTP|GRPC|TCP|TLS|UDP)Route$/;

/** Routers of App Mesh on Kubernetes, which split requests over VirtualNodes. */
export const meshRouter = /^kubernetes:appmesh\.k8s\.aws\/[^:]+:VirtualRouter$/;
