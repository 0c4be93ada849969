import type { ChartName } from "../../router-install-contract.ts";
import { appMeshControllerPolicy, appMeshEnvoyPolicy } from "../iam/app-mesh-policies.ts";
import { latticeControllerPolicy } from "../iam/lattice-policy.ts";
import type { PolicyDocument } from "../iam/policy-document.ts";

/** What is installed of one chart. */
export interface ChartRow {
  /** The chart where its project publishes it as OCI artifact, or the address of its Helm repository. */
  readonly from: { readonly oci: string } | { readonly repository: string };
  readonly version: string;
  /** Whether `router.install.version` is about it. */
  readonly isOfImplementation: boolean;
  /** Name of the release; undefined for that of the platform's own gateway. */
  readonly release?: string;
  /** Where it goes; undefined for the platform's namespace. */
  readonly namespace?: string;
  readonly values: Readonly<Record<string, unknown>>;
  /** What its pods do at AWS, and as which service account; undefined for the one named as the release. */
  readonly aws?: { readonly policy: PolicyDocument; readonly serviceAccount?: string };
}

const istioCharts = "oci://ghcr.io/istio/release/charts";
const istioVersion = "1.31.1";
const istioNamespace = "istio-system";
const eksCharts = "https://aws.github.io/eks-charts";

/**
 * Every chart that `router.install` installs, with what is set in it. What depends on a platform (regions, names, roles)
 * is added by `chart-values.ts`. Keys of gateway-helm are tested against its own values; those of the others are
 * from their projects' values.yaml and documentation, named at each.
 */
export const chartTable: Readonly<Record<ChartName, ChartRow>> = {
  // github.com/envoyproxy/gateway, charts/gateway-helm. Brings Gateway API's CRDs (1.6.1, experimental channel) and its own.
  "gateway-helm": {
    from: { oci: "oci://docker.io/envoyproxy/gateway-helm" },
    version: "1.9.1",
    isOfImplementation: true,
    release: "envoy-gateway",
    namespace: "envoy-gateway-system",
    values: { deployment: { replicas: 2 }, podDisruptionBudget: { minAvailable: 1 } },
  },
  // github.com/istio/istio, manifests/charts. From 1.31 on Istio publishes its charts at ghcr.io, no longer at
  // istio-release.storage.googleapis.com (https://istio.io/latest/blog/2026/retirement-of-gcp/).
  // https://istio.io/latest/docs/ambient/install/helm: base, istiod, cni and ztunnel, the middle two with profile=ambient.
  base: {
    from: { oci: `${istioCharts}/base` },
    version: istioVersion,
    isOfImplementation: true,
    release: "istio-base",
    namespace: istioNamespace,
    values: { defaultRevision: "default" },
  },
  istiod: {
    from: { oci: `${istioCharts}/istiod` },
    version: istioVersion,
    isOfImplementation: true,
    release: "istiod",
    namespace: istioNamespace,
    values: { autoscaleMin: 2 },
  },
  cni: {
    from: { oci: `${istioCharts}/cni` },
    version: istioVersion,
    isOfImplementation: true,
    release: "istio-cni",
    namespace: istioNamespace,
    values: { profile: "ambient" },
  },
  ztunnel: {
    from: { oci: `${istioCharts}/ztunnel` },
    version: istioVersion,
    isOfImplementation: true,
    release: "ztunnel",
    namespace: istioNamespace,
    values: {},
  },
  // github.com/aws/aws-application-networking-k8s, helm/. Brings the CRDs of its own group, not Gateway API's, and no
  // GatewayClass. Its service account is called the same whatever the release is.
  "aws-gateway-controller-chart": {
    from: {
      oci: "oci://public.ecr.aws/aws-application-networking-k8s/aws-gateway-controller-chart",
    },
    version: "v2.1.3",
    isOfImplementation: true,
    release: "aws-gateway-controller",
    namespace: "aws-application-networking-system",
    values: { serviceAccount: { create: true, name: "gateway-api-controller" } },
    aws: { policy: latticeControllerPolicy, serviceAccount: "gateway-api-controller" },
  },
  // github.com/aws/aws-app-mesh-controller-for-k8s, config/helm/appmesh-controller. Brings the CRDs of App Mesh.
  "appmesh-controller": {
    from: { repository: eksCharts },
    version: "1.13.3",
    isOfImplementation: true,
    release: "appmesh-controller",
    namespace: "appmesh-system",
    values: { serviceAccount: { create: true, name: "appmesh-controller" } },
    aws: { policy: appMeshControllerPolicy },
  },
  // github.com/aws/eks-charts, stable/appmesh-gateway: the Envoys of a VirtualGateway and their Service, at port 80. The
  // VirtualGateway itself is this stack's, since the chart's takes routes of every namespace that has sidecars.
  "appmesh-gateway": {
    from: { repository: eksCharts },
    version: "0.1.5",
    isOfImplementation: false,
    values: {
      appmesh: { gateway: false, preview: false },
      service: {
        type: "LoadBalancer",
        annotations: { "service.beta.kubernetes.io/aws-load-balancer-type": "nlb" },
      },
    },
    aws: { policy: appMeshEnvoyPolicy },
  },
};
