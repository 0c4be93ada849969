import { z } from "zod";
import type { GatewayApiTrafficSource } from "../../infra/contract.ts";
import type { Slot } from "../core/assignment.ts";
import type { Traffic, TrafficReader } from "../ports.ts";
import { KubernetesApi } from "./kubernetes-api.ts";
import { readTraffic, splitOf, type Split } from "./kubernetes-traffic.ts";
import { KubernetesWorkloads } from "./kubernetes-workloads.ts";

const condition = z.object({
  type: z.string(),
  status: z.string(),
  observedGeneration: z.number().default(0),
  reason: z.string().default(""),
  message: z.string().default(""),
});
type Condition = z.infer<typeof condition>;

const parentRef = z.object({
  name: z.string(),
  namespace: z.string().optional(),
  sectionName: z.string().optional(),
  port: z.number().optional(),
});
type ParentRef = z.infer<typeof parentRef>;

const routeSchema = z.object({
  metadata: z.object({ generation: z.number() }),
  spec: z.object({
    parentRefs: z.array(parentRef).default([]),
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
            parentRef,
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
 * before the status is written, or some 20 ms after.
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

  read(signal: AbortSignal): Promise<Traffic> {
    return readTraffic(this.#split(signal), this.#workloads.read(signal));
  }

  async #split(signal: AbortSignal): Promise<Split> {
    const { namespace, kind, route: name } = this.#source;
    const plural = kind === "HTTPRoute" ? "httproutes" : "grpcroutes";
    const path = `/apis/gateway.networking.k8s.io/v1/namespaces/${namespace}/${plural}/${name}`;
    const object = await this.#api.get(path, signal);
    if (object === null) return { kind: "none", why: `there is no ${this.#route}` };
    const route = routeSchema.parse(object);
    const why = this.#notTaken(route);
    if (why !== null) return { kind: "none", why };
    const rules = route.spec.rules.map(({ backendRefs }) => {
      const of = (slot: Slot): number =>
        backendRefs.find((ref) => ref.name === this.#source.backends[slot])?.weight ?? 0;
      return { blue: of("blue"), green: of("green") };
    });
    return splitOf(rules, this.#route);
  }

  /** Why the Gateway has not taken this very generation with every Service that it names; null when it has. */
  #notTaken({ metadata: { generation }, spec, status }: Route): string | null {
    const { gateway, namespace } = this.#source;
    const place = (ref: ParentRef): string =>
      [ref.namespace ?? namespace, ref.name, ref.sectionName, ref.port].join("/");
    const own = spec.parentRefs
      .filter(
        ({ name, ...ref }) =>
          name === gateway.name && (ref.namespace ?? namespace) === gateway.namespace,
      )
      .map(place);
    // some controllers leave what they said of a reference that the route has no more
    const parents = status.parents.filter((parent) => own.includes(place(parent.parentRef)));
    const about = (conditions: readonly Condition[], type: string): Condition | undefined =>
      conditions.find((found) => found.type === type && found.observedGeneration >= generation);
    const refusals = parents.flatMap(({ conditions }) =>
      [...required, ...forbidden].flatMap(({ type, not }) => {
        const found = about(conditions, type);
        return found?.status === not ? [refusal(found)] : [];
      }),
    );
    if (refusals.length > 0)
      return `${this.#gateway} of ${this.#route}: ${[...new Set(refusals)].join("; ")}`;
    const takes = (ref: string): boolean =>
      parents.some(
        (parent) =>
          place(parent.parentRef) === ref &&
          required.every(({ type }) => about(parent.conditions, type)?.status === "True"),
      );
    const isTaken = own.length > 0 && own.every(takes);
    return isTaken
      ? null
      : `${this.#gateway} has not taken generation ${generation} of ${this.#route} yet`;
  }

  get #route(): string {
    const { kind, namespace, route } = this.#source;
    return `${kind} ${namespace}/${route}`;
  }

  get #gateway(): string {
    const { namespace, name } = this.#source.gateway;
    return `Gateway ${namespace}/${name}`;
  }
}

/** Conditions that must be there, and the status that refuses. */
const required = [
  { type: "Accepted", not: "False" },
  { type: "ResolvedRefs", not: "False" },
] as const;

/** Conditions that are there only when something is wrong: here that a rule of the route is not in force. */
const forbidden = [{ type: "PartiallyInvalid", not: "True" }] as const;

function refusal({ type, status, reason, message }: Condition): string {
  return `${type}=${status}, ${reason}${message === "" ? "" : `: ${message}`}`;
}
