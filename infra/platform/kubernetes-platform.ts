import * as pulumi from "@pulumi/pulumi";
import type { ClusterAccess } from "../cluster-access.ts";
import {
  kubernetesPlatformOutputsSchema,
  type KubernetesPlatformOutputs,
  type KubernetesPlatformSettings,
} from "../kubernetes-contract.ts";
import { refuse } from "../service/preflight.ts";
import { fullStackName, readOutputs } from "../stack-outputs.ts";
import type { AwsPlace } from "./charts/aws-place.ts";
import { declareMetricsServer } from "./metrics-server.ts";
import { declareMetrics } from "./metrics.ts";
import { declareNamespace } from "./namespace.ts";
import { platformFaults } from "./platform-preflight.ts";
import type { ObjectReader } from "./preflight-objects.ts";
import { declareRouter } from "./router.ts";

/** What the platform of target `kubernetes` is declared from. */
export interface KubernetesPlatformArgs {
  /** Name of the stack. */
  readonly stack: string;
  readonly settings: KubernetesPlatformSettings;
  /** Tells what the cluster holds already; null when it cannot be asked. Default: the cluster of `settings.cluster`. */
  readonly reader?: ObjectReader | null | undefined;
  /** How the cluster is reached, when it is only known once it is made. Default: as the settings say. */
  readonly cluster?: pulumi.Input<ClusterAccess>;
  /** What of AWS the cluster is in, where this stack knows it. */
  readonly aws?: AwsPlace;
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
    if (reader === null) return;
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

  async #declare(
    prefix: string,
    { stack, settings, aws, cluster = settings.cluster }: KubernetesPlatformArgs,
  ): Promise<pulumi.Output<KubernetesPlatformOutputs>> {
    const owner = fullStackName(stack);
    const namespace = declareNamespace(prefix, owner, settings, { parent: this });
    const inside = { parent: this, dependsOn: namespace === null ? [] : [namespace] };
    const router = declareRouter(prefix, owner, settings, inside, aws);
    // what is installed brings a namespace in which its proxies are found
    const behind = { ...inside, dependsOn: [...inside.dependsOn, ...router.resources] };
    const isInstalled = settings.router.install !== undefined;
    const beside = isInstalled ? behind : inside;
    const prometheus = await declareMetrics(prefix, owner, settings, beside, aws);
    const metricsServer = settings.metricsServer
      ? [declareMetricsServer(prefix, owner, { parent: this, dependsOn: [] })]
      : [];
    const ready = [
      ...inside.dependsOn,
      ...router.resources,
      ...prometheus.resources,
      ...metricsServer,
    ];
    const known = pulumi.all([
      prometheus.place,
      settings.endpoint ?? router.endpoint,
      cluster,
      pulumi.all(ready.map(({ id }) => id)),
    ]);
    return known.apply(([place, url, access]): KubernetesPlatformOutputs => ({
      contract: 1,
      target: "kubernetes",
      stack,
      cluster: access,
      namespace: settings.namespace.name,
      router: router.place,
      ...(url === undefined ? {} : { endpoint: url }),
      prometheus: place,
    }));
  }
}

/** Loaded only here: its package takes a while, and a reader that is given does without. */
async function clusterReader({ cluster }: KubernetesPlatformSettings): Promise<ObjectReader> {
  const { ClusterReader } = await import("../service/cluster-reader.ts");
  return new ClusterReader(cluster);
}
