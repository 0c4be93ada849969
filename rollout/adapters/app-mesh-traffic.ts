import { z } from "zod";
import type { AppMeshTrafficSource } from "../../infra/contract.ts";
import { slots, type Slot, type Weights } from "../core/assignment.ts";
import type { Traffic, TrafficReader } from "../ports.ts";
import { KubernetesApi } from "./kubernetes-api.ts";
import { KubernetesWorkloads } from "./kubernetes-workloads.ts";

const action = z.object({
  action: z.object({
    weightedTargets: z
      .array(
        z.object({ virtualNodeRef: z.object({ name: z.string() }).optional(), weight: z.number() }),
      )
      .default([]),
  }),
});

const routerSchema = z.object({
  metadata: z.object({ generation: z.number() }),
  spec: z.object({
    routes: z
      .array(z.object({ httpRoute: action.optional(), grpcRoute: action.optional() }))
      .default([]),
  }),
  status: z
    .object({
      observedGeneration: z.number().default(0),
      conditions: z.array(z.object({ type: z.string(), status: z.string() })).default([]),
    })
    .prefault({}),
});
type VirtualRouter = z.infer<typeof routerSchema>;

/** The split that a VirtualRouter asks for, once its controller has taken that very generation, and the workloads. */
export class AppMeshTraffic implements TrafficReader {
  readonly #source: AppMeshTrafficSource;
  readonly #api: KubernetesApi;
  readonly #workloads: KubernetesWorkloads;

  /** Asks the cluster nothing yet. Throws a UserError when there is no usable kubeconfig. */
  constructor(source: AppMeshTrafficSource) {
    this.#source = source;
    this.#api = KubernetesApi.open(source.cluster);
    this.#workloads = new KubernetesWorkloads(this.#api, source.namespace, source.workloads);
  }

  async read(signal: AbortSignal): Promise<Traffic> {
    const [weights, ready] = await Promise.all([
      this.#weights(signal).catch(() => null),
      // unreachable is a value: the driver's bounds deal with it
      this.#workloads.read(signal).catch(() => null),
    ]);
    return { weights, ready };
  }

  async #weights(signal: AbortSignal): Promise<Weights | null> {
    const { namespace, virtualRouter } = this.#source;
    const path = `/apis/appmesh.k8s.aws/v1beta2/namespaces/${namespace}/virtualrouters/${virtualRouter}`;
    const object = await this.#api.get(path, signal);
    if (object === null) return null;
    const router = routerSchema.parse(object);
    return isActive(router) ? this.#split(router) : null;
  }

  /** The first route is the one that splits; one behind it names a single slot. */
  #split({ spec }: VirtualRouter): Weights | null {
    const [first, ...others] = spec.routes.map((route) => {
      const targets = (route.httpRoute ?? route.grpcRoute)?.action.weightedTargets ?? [];
      const of = (slot: Slot): number =>
        targets.find(
          ({ virtualNodeRef }) => virtualNodeRef?.name === this.#source.virtualNodes[slot],
        )?.weight ?? 0;
      return { blue: of("blue"), green: of("green") };
    });
    if (first === undefined || first.blue + first.green !== 100) return null;
    return others.every((other) => slots.some((slot) => other[slot] === 0)) ? first : null;
  }
}

function isActive({ metadata, status }: VirtualRouter): boolean {
  const active = status.conditions.find(({ type }) => type === "VirtualRouterActive");
  return active?.status === "True" && status.observedGeneration >= metadata.generation;
}
