import type * as kubernetes from "@pulumi/kubernetes";
import type * as pulumi from "@pulumi/pulumi";
import type { KubernetesPlatformSettings } from "../kubernetes-contract.ts";
import type { RouterSettings } from "../router-contract.ts";
import { chartsOf, type ChartName, type InstallSettings } from "../router-install-contract.ts";
import type { AwsPlace } from "./charts/aws-place.ts";
import { declareGatewayApiCrds } from "./charts/gateway-api-crds.ts";
import { declareGatewayClass } from "./charts/gateway-class.ts";
import { declareRelease } from "./charts/releases.ts";
import type { DeclareOptions } from "./declare-options.ts";
import { declareGateway, gatewayUrl } from "./gateway.ts";
import { declareMesh, declareVirtualGateway, envoysUrl } from "./mesh.ts";
import type { Part } from "./part.ts";
import type { Router } from "./preflight-objects.ts";
import { serviceNamespacesOf } from "./service-namespaces.ts";

/** What the routes of services attach to. */
export interface RouterPart extends Part<RouterSettings> {
  /** Where users send requests, as far as what was installed says it; undefined where nothing was. */
  readonly endpoint?: pulumi.Output<string | undefined>;
}

/** Installs what serves the router where it is told to, and declares what the routes of services attach to. */
export function declareRouter(
  prefix: string,
  owner: string,
  settings: KubernetesPlatformSettings,
  options: DeclareOptions,
  aws?: AwsPlace,
): RouterPart {
  const { router } = settings;
  const args = { prefix, owner, settings, options, aws };
  return router.kind === "gateway-api"
    ? declareGatewayApi(args, router)
    : declareAppMesh(args, router);
}

interface RouterArgs {
  readonly prefix: string;
  readonly owner: string;
  readonly settings: KubernetesPlatformSettings;
  readonly options: DeclareOptions;
  readonly aws: AwsPlace | undefined;
}

function declareGatewayApi(args: RouterArgs, router: Router<"gateway-api">): RouterPart {
  const { prefix, owner, settings, options } = args;
  const { kind, profile, gateway, install } = router;
  if (!("className" in gateway)) return { place: { kind, profile, gateway }, resources: [] };
  const namespace = settings.namespace.name;
  const serviceNamespaces = serviceNamespacesOf(settings);
  const place = { kind, profile, gateway: { namespace, name: gateway.name } };
  if (install === undefined) {
    const gatewayArgs = { owner, namespace, gateway, serviceNamespaces };
    return { place, resources: [declareGateway(prefix, gatewayArgs, options)] };
  }
  let served = after(options, definitions(args, router));
  const charts = chartsOf(profile, install.mode).map((chart) => {
    const release = declareChart(args, install, chart, gateway.name, served);
    served = after(served, [release]);
    return release;
  });
  const classes = declareGatewayClass(prefix, profile, { owner, name: gateway.className }, served);
  const own = declareGateway(
    prefix,
    { owner, namespace, gateway, serviceNamespaces, annotations: install.annotations },
    after(served, classes),
  );
  return {
    place,
    resources: [...charts, ...classes, own],
    endpoint: gatewayUrl(own, gateway.port),
  };
}

/** Gateway API's own definitions, where this stack is to bring them and the chart does not. */
function definitions(
  { prefix, options }: RouterArgs,
  { profile, install }: Router<"gateway-api">,
): readonly pulumi.Resource[] {
  const isBrought = profile === "envoy-gateway" || install?.gatewayApiCrds === false;
  return isBrought ? [] : [declareGatewayApiCrds(prefix, options)];
}

function declareAppMesh(args: RouterArgs, router: Router<"app-mesh">): RouterPart {
  const { prefix, owner, settings, options } = args;
  const { kind, mesh, createMesh, allowDiscontinuedAppMesh, virtualGateway, install } = router;
  const namespace = settings.namespace.name;
  const isInstalled = install !== undefined;
  const controller = isInstalled
    ? [declareChart(args, install, "appmesh-controller", undefined, options)]
    : [];
  const served = after(options, controller);
  const meshArgs = { owner, serviceNamespaces: serviceNamespacesOf(settings), isInstalled };
  const meshes = createMesh ? [declareMesh(prefix, mesh, meshArgs, served)] : [];
  const place = { kind, mesh, allowDiscontinuedAppMesh };
  const resources = [...controller, ...meshes];
  if (virtualGateway === undefined) return { place, resources };
  if ("namespace" in virtualGateway) return { place: { ...place, virtualGateway }, resources };
  const { name } = virtualGateway;
  const inMesh = after(served, meshes);
  const gateway = declareVirtualGateway(prefix, namespace, virtualGateway, meshArgs, inMesh);
  const found = { ...place, virtualGateway: { namespace, name } };
  if (!isInstalled) return { place: found, resources: [...resources, gateway] };
  // its pods are refused as long as no VirtualGateway has their labels
  const behind = after(inMesh, [gateway]);
  const envoys = declareChart(args, install, "appmesh-gateway", name, behind);
  return {
    place: found,
    resources: [...resources, gateway, envoys],
    endpoint: envoysUrl(prefix, namespace, name, envoys, options.parent),
  };
}

function declareChart(
  { prefix, settings, aws }: RouterArgs,
  install: InstallSettings,
  chart: ChartName,
  gateway: string | undefined,
  options: DeclareOptions,
): kubernetes.helm.v3.Release {
  const args = { namespace: settings.namespace.name, install, gateway, aws };
  return declareRelease(prefix, chart, args, options);
}

function after(options: DeclareOptions, resources: readonly pulumi.Resource[]): DeclareOptions {
  return { ...options, dependsOn: [...options.dependsOn, ...resources] };
}
