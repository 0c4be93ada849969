import { z } from "zod";
import type { GatewayApiTrafficSource } from "../../infra/contract.ts";
import { slots, type Slot, type Weights } from "../core/assignment.ts";
import type { Readiness } from "../core/decide.ts";
import type { Traffic, TrafficReader } from "../ports.ts";
import { KubernetesApi } from "./kubernetes-api.ts";
import { KubernetesWorkloads } from "./kubernetes-workloads.ts";

const condition = z.object({
  type: z.string(),
  status: z.string(),
  observedGeneration: z.number().default(0),
});

const routeSchema = z.object({
  metadata: z.object({ generation: z.number() }),
  spec: z.object({
    rules: z
      .array(
        z.object({
          backendRefs: z
            .array(z.object({ name: z.string(), weight: z.number().default(1) }))
            .default([]),
        }),
      )
      .default([]),
  }),
  status: z
    .object({
      parents: z
        .array(
          z.object({
            parentRef: z.object({ name: z.string(), namespace: z.string().optional() }),
            conditions: z.array(condition).default([]),
          }),
        )
        .default([]),
    })
    .prefault({}),
});
type Route = z.infer<typeof routeSchema>;

/**
 * The split that a Gateway API route asks for, once its Gateway has accepted that very generation, and the
 * readiness of the slots' workloads. What the API does not tell: when the data plane has it; that was measured to be
 * before the status is written.
 */
export class GatewayApiTraffic implements TrafficReader {
  readonly #source: GatewayApiTrafficSource;
  readonly #api: KubernetesApi;
  readonly #workloads: KubernetesWorkloads;

  /** Asks the cluster nothing yet. Throws a UserError when there is no usable kubeconfig. */
  constructor(source: GatewayApiTrafficSource) {
    this.#source = source;
    this.#api = KubernetesApi.open(source.cluster);
    this.#workloads = new KubernetesWorkloads(this.#api, source.namespace, source.workloads);
  }

  async read(signal: AbortSignal): Promise<Traffic> {
    const [weights, ready] = await Promise.all([
      this.#weights(signal).catch(() => null),
      this.#ready(signal),
    ]);
    return { weights, ready };
  }

  async #weights(signal: AbortSignal): Promise<Weights | null> {
    const { namespace, kind, route: name } = this.#source;
    const plural = kind === "HTTPRoute" ? "httproutes" : "grpcroutes";
    const path = `/apis/gateway.networking.k8s.io/v1/namespaces/${namespace}/${plural}/${name}`;
    const object = await this.#api.get(path, signal);
    if (object === null) return null;
    const route = routeSchema.parse(object);
    return this.#isAccepted(route) ? this.#split(route) : null;
  }

  /** The Gateway has taken this very generation, and knows every Service that it names. */
  #isAccepted({ metadata, status }: Route): boolean {
    const { gateway, namespace } = this.#source;
    const parents = status.parents.filter(
      ({ parentRef }) =>
        parentRef.name === gateway.name && (parentRef.namespace ?? namespace) === gateway.namespace,
    );
    const holds =
      (type: string) =>
      (parent: Route["status"]["parents"][number]): boolean =>
        parent.conditions.some(
          (found) =>
            found.type === type &&
            found.status === "True" &&
            found.observedGeneration >= metadata.generation,
        );
    return (
      parents.length > 0 && parents.every(holds("Accepted")) && parents.every(holds("ResolvedRefs"))
    );
  }

  /**
   * The split of the first rule, which is the one that splits. Further rules (the requests that an A/B match leaves
   * with the primary) name one slot; one that splits too has been edited, and then there is no split to tell.
   */
  #split({ spec }: Route): Weights | null {
    const [first, ...others] = spec.rules.map((rule) => {
      const of = (slot: Slot): number =>
        rule.backendRefs.find(({ name }) => name === this.#source.backends[slot])?.weight ?? 0;
      return { blue: of("blue"), green: of("green") };
    });
    if (first === undefined || first.blue + first.green !== 100) return null;
    return others.every((other) => slots.some((slot) => other[slot] === 0)) ? first : null;
  }

  /** Unreachable is a value: the driver's bounds deal with it. */
  async #ready(signal: AbortSignal): Promise<Readonly<Record<Slot, Readiness>> | null> {
    return this.#workloads.read(signal).catch(() => null);
  }
}
