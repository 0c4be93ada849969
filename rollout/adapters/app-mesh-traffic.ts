import { z } from "zod";
import type { AppMeshTrafficSource } from "../../infra/contract.ts";
import type { Slot } from "../core/assignment.ts";
import type { Traffic, TrafficReader } from "../ports.ts";
import { KubernetesApi } from "./kubernetes-api.ts";
import { readTraffic, splitOf, type Split } from "./kubernetes-traffic.ts";
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
      conditions: z
        .array(z.object({ type: z.string(), status: z.string(), message: z.string().default("") }))
        .default([]),
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

  read(signal: AbortSignal): Promise<Traffic> {
    return readTraffic(this.#split(signal), this.#workloads.read(signal));
  }

  async #split(signal: AbortSignal): Promise<Split> {
    const { namespace, virtualRouter } = this.#source;
    const place = `VirtualRouter ${namespace}/${virtualRouter}`;
    const path = `/apis/appmesh.k8s.aws/v1beta2/namespaces/${namespace}/virtualrouters/${virtualRouter}`;
    const object = await this.#api.get(path, signal);
    if (object === null) return { kind: "none", why: `there is no ${place}` };
    const router = routerSchema.parse(object);
    const why = notTaken(router, place);
    if (why !== null) return { kind: "none", why };
    const rules = router.spec.routes.map((route) => {
      const targets = (route.httpRoute ?? route.grpcRoute)?.action.weightedTargets ?? [];
      const of = (slot: Slot): number =>
        targets.find(
          ({ virtualNodeRef }) => virtualNodeRef?.name === this.#source.virtualNodes[slot],
        )?.weight ?? 0;
      return { blue: of("blue"), green: of("green") };
    });
    return splitOf(rules, place);
  }
}

/** Why App Mesh has not taken this very generation; null when it has. */
function notTaken({ metadata, status }: VirtualRouter, place: string): string | null {
  const active = status.conditions.find(({ type }) => type === "VirtualRouterActive");
  if (active?.status === "True" && status.observedGeneration >= metadata.generation) return null;
  const { generation } = metadata;
  const said = active === undefined || active.message === "" ? "" : `: ${active.message}`;
  return `App Mesh has not taken generation ${generation} of ${place}${said}`;
}
