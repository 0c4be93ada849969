import * as pulumi from "@pulumi/pulumi";
import {
  kubernetesPlatformOutputsSchema,
  type KubernetesPlatformOutputs,
  type KubernetesPlatformSettings,
  type PrometheusPlace,
  type RouterSettings,
} from "../kubernetes-contract.ts";
import { refuse } from "../service/preflight.ts";
import { fullStackName, readOutputs } from "../stack-outputs.ts";
import type { DeclareOptions } from "./declare-options.ts";
import { declareGateway } from "./gateway.ts";
import { declareMesh, declareVirtualGateway } from "./mesh.ts";
import { declareNamespace } from "./namespace.ts";
import { platformFaults } from "./platform-preflight.ts";
import type { ObjectReader } from "./preflight-objects.ts";
import { declarePrometheus } from "./prometheus-deployment.ts";
import { serviceNamespacesOf } from "./service-namespaces.ts";

/** What the platform of target `kubernetes` is declared from. */
export interface KubernetesPlatformArgs {
  /** Name of the stack. */
  readonly stack: string;
  readonly settings: KubernetesPlatformSettings;
  /** Tells what the cluster holds already. Default: the cluster of `settings.cluster`. */
  readonly reader?: ObjectReader | undefined;
}

/** One part of the platform: what the outputs say of it, and what has to be there before they do. */
interface Part<Place> {
  readonly place: Place;
  readonly resources: readonly pulumi.CustomResource[];
}

/**
 * The platform of target `kubernetes`: a namespace, what routes attach to, and a Prometheus; of each what is there
 * already can be named instead. Before anything is declared the cluster is looked at, and one ContractError names
 * everything that is missing or in the way.
 */
export class KubernetesPlatform extends pulumi.ComponentResource {
  /** Known once every part is ready. */
  readonly outputs: pulumi.Output<KubernetesPlatformOutputs>;

  constructor(
    name: string,
    args: KubernetesPlatformArgs,
    options?: pulumi.ComponentResourceOptions,
  ) {
    super("upramp:platform:KubernetesPlatform", name, {}, options);
    // the promise is of an Output, and output() unwraps both
    this.outputs = pulumi.output(this.#look(args).then(() => this.#declare(name, args)));
    this.registerOutputs({});
  }

  async #look({ stack, settings, reader }: KubernetesPlatformArgs): Promise<void> {
    const [previous, chosen] = await Promise.all([
      readOutputs(fullStackName(pulumi.getStack())),
      reader ?? clusterReader(settings),
    ]);
    refuse(
      await platformFaults(chosen, {
        settings,
        owner: fullStackName(stack),
        // whatever else the stack may have said of itself is not about this platform
        previous: kubernetesPlatformOutputsSchema.safeParse(previous).data,
      }),
    );
  }

  #declare(
    prefix: string,
    { stack, settings }: KubernetesPlatformArgs,
  ): pulumi.Output<KubernetesPlatformOutputs> {
    const owner = fullStackName(stack);
    const namespace = declareNamespace(prefix, owner, settings, { parent: this });
    const inside = { parent: this, dependsOn: namespace === null ? [] : [namespace] };
    const router = declareRouter(prefix, owner, settings, inside);
    const prometheus = declareMetrics(prefix, owner, settings, inside);
    const { cluster, endpoint } = settings;
    const ready = [...inside.dependsOn, ...router.resources, ...prometheus.resources];
    return pulumi.all(ready.map(({ id }) => id)).apply((): KubernetesPlatformOutputs => ({
      contract: 1,
      target: "kubernetes",
      stack,
      cluster,
      namespace: settings.namespace.name,
      router: router.place,
      ...(endpoint === undefined ? {} : { endpoint }),
      prometheus: prometheus.place,
    }));
  }
}

/** Loaded only here: its package takes a while, and a reader that is given does without. */
async function clusterReader({ cluster }: KubernetesPlatformSettings): Promise<ObjectReader> {
  const { ClusterReader } = await import("../service/cluster-reader.ts");
  return new ClusterReader(cluster);
}

/** What the routes of services attach to. */
function declareRouter(
  prefix: string,
  owner: string,
  settings: KubernetesPlatformSettings,
  options: DeclareOptions,
): Part<RouterSettings> {
  const namespace = settings.namespace.name;
  const serviceNamespaces = serviceNamespacesOf(settings);
  const { router } = settings;
  if (router.kind === "gateway-api") {
    const { kind, profile, gateway } = router;
    if (!("className" in gateway)) {
      return { place: { kind, profile, gateway }, resources: [] };
    }
    const args = { owner, namespace, gateway, serviceNamespaces };
    const resources = [declareGateway(prefix, args, options)];
    return { place: { kind, profile, gateway: { namespace, name: gateway.name } }, resources };
  }
  const { kind, mesh, createMesh, allowDiscontinuedAppMesh, virtualGateway } = router;
  const args = { owner, serviceNamespaces };
  const meshes = createMesh ? [declareMesh(prefix, mesh, args, options)] : [];
  const place = { kind, mesh, allowDiscontinuedAppMesh };
  if (virtualGateway === undefined) return { place, resources: meshes };
  if ("namespace" in virtualGateway) {
    return { place: { ...place, virtualGateway }, resources: meshes };
  }
  const inMesh = { ...options, dependsOn: [...options.dependsOn, ...meshes] };
  const gateway = declareVirtualGateway(prefix, namespace, virtualGateway, args, inMesh);
  return {
    place: { ...place, virtualGateway: { namespace, name: virtualGateway.name } },
    resources: [...meshes, gateway],
  };
}

/** What the checks of rollouts ask. */
function declareMetrics(
  prefix: string,
  owner: string,
  settings: KubernetesPlatformSettings,
  options: DeclareOptions,
): Part<PrometheusPlace> {
  const { prometheus, router } = settings;
  if (!("deploy" in prometheus)) return { place: prometheus, resources: [] };
  return declarePrometheus(
    prefix,
    {
      owner,
      namespace: settings.namespace.name,
      settings: prometheus.deploy,
      serviceNamespaces: serviceNamespacesOf(settings),
      router: router.kind,
    },
    options,
  );
}
