import * as pulumi from "@pulumi/pulumi";
import { z } from "zod";
import {
  ContractError,
  parse,
  rolloutWritten,
  type Revision,
  type RolloutSpec,
  type ServiceOutputs,
  type Slot,
} from "../contract.ts";
import { clusterAccessSchema } from "../cluster-access.ts";
import {
  kubernetesPlatformOutputsSchema,
  kubernetesServiceWritten,
} from "../kubernetes-contract.ts";
import { prometheusPlaceSchema } from "../prometheus-contract.ts";
import { routerSettingsSchema } from "../router-contract.ts";
import { perSlot, slots } from "../names.ts";
import type { ObjectReader } from "../platform/preflight-objects.ts";
import { checkAppMesh } from "../routers/app-mesh-limits.ts";
import { checkCapabilities } from "../routers/gateway-capabilities.ts";
import { gatewayApiRouter } from "../routers/gateway-api.ts";
import { appMeshRouter } from "../routers/app-mesh.ts";
import type { KubernetesRouterArgs, Routed, Router } from "../routers/router.ts";
import { declareAutoscaler, declareDisruptionBudget } from "./autoscaling.ts";
import { canarySlot } from "./canary-slot.ts";
import { desiredOf, type Desired } from "./desired.ts";
import { refuseCopies, withCopies } from "./copies.ts";
import { currentDrive } from "./drive.ts";
import { slotName, storeName } from "./kubernetes-names.ts";
import { previousOutputs } from "./previous-outputs.ts";
import { preflightFaults, refuse } from "./preflight.ts";
import { configReferences, hashConfigs, readConfig } from "./referenced-configs.ts";
import { replicasOf } from "./replicas.ts";
import { toldApart } from "./revision-name.ts";
import { declareServices } from "./services.ts";
import { shownRollout } from "./shown-rollout.ts";
import { declareWorkload } from "./workload.ts";
import { parseWorkload, revisionOf, workloadContent, type Workload } from "./workload-revision.ts";

const argsSchema = kubernetesServiceWritten.safeExtend({
  cluster: clusterAccessSchema.prefault({}),
  router: routerSettingsSchema,
  prometheus: prometheusPlaceSchema,
  endpoint: z.url().optional(),
  rollout: rolloutWritten.prefault({}),
  platform: kubernetesPlatformOutputsSchema.optional(),
});

/**
 * One service, as in `upramp:service` and `upramp:rollout` of a service stack, with what there comes from the
 * platform. All values are plain: what runs and how it is rolled out is decided before anything is declared.
 */
export interface CanaryServiceArgs extends Omit<z.input<typeof argsSchema>, "name"> {
  /** Name of the service. Default: the component's. */
  readonly name?: string | undefined;
  /** Directory that `revision.manifest` starts from. Default: the program's. */
  readonly directory?: string | undefined;
  /** Tells what the cluster holds already. Default: the cluster of `cluster`. */
  readonly reader?: ObjectReader | undefined;
}

interface Declared {
  readonly outputs: pulumi.Output<ServiceOutputs>;
}

/** Under a symbol the engine does not see it: inputs of a component stand in the state. */
const readerKey = Symbol("reader");

interface Given {
  readonly args: Omit<CanaryServiceArgs, "reader">;
  readonly [readerKey]: ObjectReader | undefined;
}

/**
 * A service that is rolled out step by step: two slots `blue` and `green`, their Services, the route that splits
 * requests between them. A plain `pulumi up` never moves weight and never changes what the primary runs: it says what
 * is wanted, and `upramp run` takes it from there.
 *
 * A stack holds one, and exports its outputs under the name `upramp`:
 *
 *     const podinfo = new CanaryService("podinfo", { ... }, { provider });
 *     export const upramp = podinfo.outputs;
 */
export class CanaryService extends pulumi.ComponentResource<Declared> {
  /** What `upramp` reads. */
  readonly outputs: pulumi.Output<ServiceOutputs>;

  constructor(
    name: string,
    { reader, ...args }: CanaryServiceArgs,
    options?: pulumi.ComponentResourceOptions,
  ) {
    super("upramp:service:CanaryService", name, { args, [readerKey]: reader }, options);
    // an output in an output is unwrapped, and the SDK's type of that knows no `unknown`
    this.outputs = pulumi
      .output(this.getData())
      .apply(({ outputs }) => outputs) as unknown as pulumi.Output<ServiceOutputs>;
  }

  protected override async initialize(
    { args, [readerKey]: reader }: Given,
    options?: pulumi.ComponentResourceOptions,
    name = "",
  ): Promise<Declared> {
    const { directory = process.cwd(), ...rest } = args;
    const place = `CanaryService "${name}"`;
    const written = parse(argsSchema, { name, ...rest }, place);
    const service: Service = {
      ...written,
      namespace: written.namespace ?? "default",
      rollout: rolloutOf(written),
    };
    const previous = await previousOutputs(service.name);
    const drive = currentDrive();
    const workload = parseWorkload(service.revision, `${place}.revision`, directory);
    const configured =
      drive !== null && previous !== null
        ? previous.configured
        : toldApart(
            await this.#look(service, workload, previous === null, reader, options),
            previous,
          );
    const desired = desiredOf(configured, drive, previous);
    const outputs = this.#declare(service, desired, previous);
    this.registerOutputs({
      rollout: shownRollout(service.rollout, previous, desired.assignment),
    });
    return { outputs };
  }

  /** Looks at the cluster in a plain update: what is missing or in the way, and what the configuration holds. */
  async #look(
    service: Service,
    workload: Workload,
    isFirst: boolean,
    given: ObjectReader | undefined,
    options: pulumi.ComponentResourceOptions | undefined,
  ): Promise<Revision> {
    await registered(options);
    const reader = given ?? (await clusterReader(service));
    const { namespace, router } = service;
    const faults = await preflightFaults(reader, { settings: service, namespace, router, isFirst });
    // what this very program creates is not there yet in a preview
    const mayCome = pulumi.runtime.isDryRun() && options?.dependsOn !== undefined;
    if (mayCome) {
      for (const fault of faults) await pulumi.log.warn(fault, this);
      if (faults.length > 0) return revisionOf(workload, {}, service.ignore);
    }
    refuse(faults);
    try {
      const hashes = await hashConfigs(
        configReferences(workload.template),
        (reference) => readConfig(reader, namespace, reference),
        namespace,
      );
      return revisionOf(workload, hashes, service.ignore);
    } catch (error) {
      if (!mayCome || !(error instanceof ContractError)) throw error;
      await pulumi.log.warn(error.message, this);
      return revisionOf(workload, {}, service.ignore);
    }
  }

  #declare(
    service: Service,
    desired: Desired,
    previous: ServiceOutputs | null,
  ): pulumi.Output<ServiceOutputs> {
    const { assignment } = desired;
    const canary = canarySlot(assignment, previous);
    const installed = installedOf(desired, previous);
    const routed = this.#declareParts(service, desired, canary, installed, previous);
    const { rollout, platform } = service;
    const address = addressOf(service.prometheus);
    const { endpoint, weights } = routed;
    return pulumi.all([endpoint, weights]).apply(([endpoint, weights]): ServiceOutputs => {
      return {
        contract: 1,
        service: service.name,
        target: "kubernetes",
        assignment: { ...assignment, weights },
        configured: desired.configured,
        failed: desired.failed,
        rollout,
        ...(endpoint === undefined ? {} : { endpoint }),
        metrics: {
          address,
          ...("service" in service.prometheus
            ? { proxy: { ...service.prometheus.service, cluster: service.cluster } }
            : {}),
          ...("amp" in service.prometheus
            ? { amp: { region: service.prometheus.amp.region } }
            : {}),
          queries: routed.queries,
          variables: routed.variables,
        },
        traffic: routed.traffic,
        store: {
          kind: "kubernetes",
          cluster: service.cluster,
          namespace: service.namespace,
          name: storeName(service.name),
        },
        canary,
        ...(installed === undefined ? {} : { installed }),
        ...(platform === undefined ? {} : { platform }),
        logs: [],
      };
    });
  }

  #declareParts(
    service: Service,
    { assignment, keepWeights }: Desired,
    canary: Slot | null,
    installed: string | undefined,
    previous: ServiceOutputs | null,
  ): Routed {
    const { name, namespace, autoscaling, disruption } = service;
    const inside = { parent: this };
    const { primary } = assignment;
    // a revision may listen elsewhere than the one before it
    const targetPorts = perSlot(
      (slot) =>
        service.targetPort ??
        portOf(assignment.slots[slot] ?? assignment.slots[primary], service.port),
    );
    const route: Omit<KubernetesRouterArgs, "dependsOn"> = {
      service: name,
      namespace,
      cluster: service.cluster,
      primary,
      canary,
      weights: assignment.weights,
      keepWeights,
      backends: perSlot((slot) => slotName(name, slot)),
      port: service.port,
      targetPort: knownPort(targetPorts, service.port),
      route: service.route,
      appMeshBackends: service.appMesh.backends,
      workloads: {
        kind: service.workload,
        names: perSlot((slot) => slotName(name, slot)),
      },
      endpoint: service.endpoint,
    };
    checkRoute(service, { ...route, dependsOn: [] });
    const services = declareServices(service, namespace, primary, targetPorts, inside);
    for (const slot of slots) {
      const revision = assignment.slots[slot];
      const replicas = replicasOf(service, service.rollout, assignment, slot, previous);
      const workload = declareWorkload(
        {
          settings: service,
          namespace,
          slot,
          assignment,
          replicas,
          isAwaited: revision !== null && revision.id === installed,
        },
        inside,
      );
      if (workload === null || revision === null) continue;
      const behind = { parent: this, dependsOn: workload };
      if (autoscaling !== undefined) {
        declareAutoscaler(name, namespace, slot, autoscaling, replicas, behind);
      }
      if (disruption !== undefined)
        declareDisruptionBudget(name, namespace, slot, disruption, behind);
    }
    return routerOf(service).declare({ ...route, dependsOn: services }, this);
  }
}

/** The arguments, complete. */
type Service = z.output<typeof argsSchema> & { readonly namespace: string };

function rolloutOf({ rollout, route }: z.output<typeof argsSchema>): RolloutSpec {
  if (route.mirrorPercent !== undefined) return withCopies(rollout);
  refuseCopies(rollout, "route.mirrorPercent is not set");
  return rollout;
}

/** Throws for what the router cannot do: it would itself, but only when the rest of the service is declared already. */
function checkRoute({ router }: Service, args: KubernetesRouterArgs): void {
  switch (router.kind) {
    case "gateway-api":
      checkCapabilities(router.profile, args.route);
      return;
    case "app-mesh":
      checkAppMesh(router, args);
  }
}

/** Loaded only when needed: its package takes a while, and the driver's updates do without. */
async function clusterReader({ cluster }: Service): Promise<ObjectReader> {
  const { ClusterReader } = await import("./cluster-reader.ts");
  return new ClusterReader(cluster);
}

function routerOf({ router }: Service): Router<KubernetesRouterArgs> {
  switch (router.kind) {
    case "gateway-api":
      return gatewayApiRouter(router);
    case "app-mesh":
      return appMeshRouter(router);
  }
}

/**
 * The revision that a plain update brought up, as long as it has not left its slot: when it comes again it is a canary like
 * any other.
 */
function installedOf({ configured }: Desired, previous: ServiceOutputs | null): string | undefined {
  if (previous === null) return configured.id;
  const { installed, assignment } = previous;
  return slots.some((slot) => assignment.slots[slot]?.id === installed) ? installed : undefined;
}

/** Waits for what the component depends on, as its children do. */
async function registered(options: pulumi.ComponentResourceOptions | undefined): Promise<void> {
  const { dependsOn } = options ?? {};
  if (dependsOn === undefined) return;
  await new Promise<void>((resolve) => {
    pulumi.output(dependsOn).apply((resources) => {
      const list = Array.isArray(resources) ? resources : [resources];
      pulumi.all(list.map(({ urn }) => urn)).apply(() => resolve());
    });
  });
}

/** The port that the primary's first container listens at; that of the Services when it names none. */
function portOf(revision: Revision | null, fallback: number): number {
  if (revision === null) return fallback;
  const [container] = workloadContent(revision).template.spec.containers;
  const ports = z
    .object({ ports: z.array(z.object({ containerPort: z.number() })).min(1) })
    .safeParse(container);
  return ports.data?.ports[0]?.containerPort ?? fallback;
}

/** The port of the pods by number, for a router that needs it to be that of the Services: one that is not, if any is. */
function knownPort(
  targetPorts: Readonly<Record<Slot, number | string>>,
  port: number,
): number | undefined {
  const odd = slots.map((slot) => targetPorts[slot]).find((found) => found !== port);
  return typeof odd === "string" ? undefined : (odd ?? port);
}

function addressOf(place: z.output<typeof prometheusPlaceSchema>): string {
  if ("address" in place) return place.address;
  if ("amp" in place) return place.amp.endpoint;
  const { namespace, service, port } = place.service;
  return `http://${service}.${namespace}.svc:${port}`;
}
