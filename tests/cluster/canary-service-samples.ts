import { setTimeout as sleep } from "node:timers/promises";
import { z } from "zod";
import type { Slot } from "../../infra/contract.ts";
import { slots } from "../../infra/names.ts";
import { slotName } from "../../infra/service/kubernetes-names.ts";
import { ApiRefusal, apiRequest } from "./api-request.ts";
import type { TestNamespace } from "./test-namespace.ts";

const routeSchema = z.object({
  spec: z.object({
    rules: z
      .array(z.object({ backendRefs: z.array(z.object({ weight: z.number() })).length(2) }))
      .min(1),
  }),
});

const deploymentSchema = z.object({
  metadata: z.object({ generation: z.number() }),
  spec: z.object({ replicas: z.number() }),
  status: z.object({ availableReplicas: z.number().default(0) }).prefault({}),
});

/** A Deployment of one slot. */
interface Size {
  /** Replicas that are asked for. */
  readonly asked: number;
  readonly available: number;
  readonly generation: number;
}

/** One look at a service: its live split, and what is there for it. */
export interface Sample {
  readonly weights: Readonly<Record<Slot, number>>;
  readonly sizes: Readonly<Record<Slot, Size>>;
}

const pauseMs = 100;

/** Looks at the route and the Deployments of one service again and again, until it is stopped. */
export class Samples {
  readonly #space: TestNamespace;
  readonly #service: string;
  readonly #taken: Sample[] = [];
  readonly #stopping = new AbortController();
  readonly #looking: Promise<void>;

  /** Starts at once. */
  constructor(space: TestNamespace, service: string) {
    this.#space = space;
    this.#service = service;
    this.#looking = this.#look();
  }

  /** Stops and gives all samples, the first one first. */
  async stop(): Promise<readonly Sample[]> {
    this.#stopping.abort();
    await this.#looking;
    return this.#taken;
  }

  async #look(): Promise<void> {
    while (!this.#stopping.signal.aborted) {
      const sample = await sampleOf(this.#space, this.#service);
      if (sample !== null) this.#taken.push(sample);
      await sleep(pauseMs);
    }
  }
}

/** One sample; null when the split changed while it was taken. */
export async function sampleOf(space: TestNamespace, service: string): Promise<Sample | null> {
  const weights = await weightsOf(space, service);
  const [blue, green] = await Promise.all(
    slots.map((slot) => sizeOf(space, slotName(service, slot))),
  );
  const after = await weightsOf(space, service);
  if (blue === undefined || green === undefined || after.green !== weights.green) return null;
  return { weights, sizes: { blue, green } };
}

/** The split that the route asks for. */
export async function weightsOf(
  space: TestNamespace,
  service: string,
): Promise<Readonly<Record<Slot, number>>> {
  const path = `/apis/gateway.networking.k8s.io/v1/namespaces/${space.name}/httproutes/${service}`;
  const text = await apiRequest(space.cluster.config, "GET", path);
  const { rules } = routeSchema.parse(JSON.parse(text)).spec;
  const [blue, green] = rules[0]?.backendRefs ?? [];
  return { blue: blue?.weight ?? 0, green: green?.weight ?? 0 };
}

async function sizeOf(space: TestNamespace, name: string): Promise<Size> {
  const path = `/apis/apps/v1/namespaces/${space.name}/deployments/${name}`;
  try {
    const text = await apiRequest(space.cluster.config, "GET", path);
    const { metadata, spec, status } = deploymentSchema.parse(JSON.parse(text));
    const { generation } = metadata;
    return { asked: spec.replicas, available: status.availableReplicas, generation };
  } catch (error) {
    if (error instanceof ApiRefusal && error.status === 404)
      return { asked: 0, available: 0, generation: 0 };
    throw error;
  }
}
