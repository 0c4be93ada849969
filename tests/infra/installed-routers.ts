const gateway = { name: "public" };

/** What a platform that installs its router says of it, one for each implementation. */

export const envoyGateway = {
  kind: "gateway-api",
  profile: "envoy-gateway",
  gateway,
  install: {},
} as const;

export const istio = { kind: "gateway-api", profile: "istio", gateway, install: {} } as const;

/** On a cluster of AWS that this stack did not make. */
export const lattice = {
  kind: "gateway-api",
  profile: "vpc-lattice",
  gateway,
  install: {
    region: "eu-west-1",
    vpcId: "vpc-0123456789abcdef0",
    clusterName: "shop",
    roleArn: "arn:aws:iam::123456789012:role/lattice",
  },
} as const;

export const appMesh = {
  kind: "app-mesh",
  mesh: "shop",
  allowDiscontinuedAppMesh: true,
  virtualGateway: { name: "public" },
  install: {},
} as const;
