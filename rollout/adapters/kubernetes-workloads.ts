import { z } from "zod";
import { replicasMinAnnotation, type WorkloadNames } from "../../infra/contract.ts";
import type { Slot } from "../core/assignment.ts";
import type { Readiness } from "../core/decide.ts";
import type { KubernetesApi } from "./kubernetes-api.ts";
import { podProblems, type PodProblem, type TemplateMarks } from "./pod-problems.ts";

const condition = z.object({
  type: z.string(),
  status: z.string(),
  reason: z.string().default(""),
  message: z.string().default(""),
});

const marks = z.record(z.string(), z.string()).default({});
const metadata = z.object({
  generation: z.number().default(0),
  annotations: z
    .object({ [replicasMinAnnotation]: z.coerce.number().int().nonnegative().default(0) })
    .prefault({}),
});
const selector = z.object({ matchLabels: marks });
const template = z.object({
  metadata: z.object({ labels: marks, annotations: marks }).prefault({}),
});

const deploymentSchema = z.object({
  metadata,
  spec: z.object({ replicas: z.number().default(1), selector, template }),
  status: z
    .object({
      observedGeneration: z.number().default(0),
      replicas: z.number().default(0),
      updatedReplicas: z.number().default(0),
      availableReplicas: z.number().default(0),
      conditions: z.array(condition).default([]),
    })
    .prefault({}),
});

const daemonSetSchema = z.object({
  metadata,
  spec: z.object({ selector, template }),
  status: z
    .object({
      observedGeneration: z.number().default(0),
      desiredNumberScheduled: z.number().default(0),
      updatedNumberScheduled: z.number().default(0),
      numberAvailable: z.number().default(0),
    })
    .prefault({}),
});

/** What a workload says of itself. */
interface Seen extends Readiness {
  readonly labels: Readonly<Record<string, string>>;
  readonly template: TemplateMarks;
  /** The controller's own words when it has given up. */
  readonly gaveUp: string | null;
}

const absent: Readiness = { ready: 0, wanted: 0 };

/** Reads whether the workloads of both slots are whole, and if not, why, in the words of their pods. */
export class KubernetesWorkloads {
  readonly #api: KubernetesApi;
  readonly #namespace: string;
  readonly #workloads: WorkloadNames;

  constructor(api: KubernetesApi, namespace: string, workloads: WorkloadNames) {
    this.#api = api;
    this.#namespace = namespace;
    this.#workloads = workloads;
  }

  /** Readiness per slot. Throws when the cluster cannot be read. */
  async read(signal: AbortSignal): Promise<Readonly<Record<Slot, Readiness>>> {
    const [blue, green] = await Promise.all([
      this.#slot("blue", signal),
      this.#slot("green", signal),
    ]);
    return { blue, green };
  }

  async #slot(slot: Slot, signal: AbortSignal): Promise<Readiness> {
    const { kind, names } = this.#workloads;
    const plural = kind === "Deployment" ? "deployments" : "daemonsets";
    const path = `/apis/apps/v1/namespaces/${this.#namespace}/${plural}/${names[slot]}`;
    const object = await this.#api.get(path, signal);
    if (object === null) return absent;
    const seen = kind === "Deployment" ? this.#deployment(object) : daemonSet(object);
    const { ready, wanted } = seen;
    if (ready >= wanted) return { ready, wanted };
    return { ready, wanted, ...(await this.#problem(seen, signal)) };
  }

  /** What keeps it from being whole, and whether that is final. */
  async #problem(seen: Seen, signal: AbortSignal): Promise<Pick<Readiness, "failed" | "trouble">> {
    const labels = Object.entries(seen.labels).map(([key, value]) => `${key}=${value}`);
    const query = new URLSearchParams({ labelSelector: labels.join(",") }).toString();
    const pods = await this.#api.get(`/api/v1/namespaces/${this.#namespace}/pods?${query}`, signal);
    const problems = podProblems(pods, seen.template);
    const hopeless = problems.filter(({ isHopeless }) => isHopeless);
    if (hopeless.length > 0) return { failed: joined(hopeless) };
    if (seen.gaveUp !== null) {
      return { failed: [seen.gaveUp, ...problems.map(({ words }) => words)].join("; ") };
    }
    return problems.length === 0 ? {} : { trouble: joined(problems) };
  }

  #deployment(object: unknown): Seen {
    const { metadata: meta, spec, status } = deploymentSchema.parse(object);
    // its autoscaler has not got there yet
    const fewest = meta.annotations[replicasMinAnnotation];
    const wanted = spec.replicas === 0 ? 0 : Math.max(spec.replicas, fewest);
    const isCurrent = status.observedGeneration >= meta.generation;
    // pods of an earlier template still count as replicas, and as available
    const old = status.replicas - status.updatedReplicas;
    const available = Math.min(status.updatedReplicas, status.availableReplicas - Math.max(0, old));
    const progress = status.conditions.find(({ type }) => type === "Progressing");
    const hasGivenUp = isCurrent && progress?.status === "False";
    // a quota or a policy that lets no pod be made: then there is no pod to say so
    const refused = status.conditions.find(
      (found) => found.type === "ReplicaFailure" && found.status === "True",
    );
    const words = [progress, refused].flatMap((found) =>
      found === undefined ? [] : [`${found.reason}: ${found.message}`],
    );
    return {
      wanted,
      ready: isCurrent ? Math.max(0, available) : 0,
      labels: spec.selector.matchLabels,
      template: spec.template.metadata,
      gaveUp: hasGivenUp ? words.join("; ") : null,
    };
  }
}

function joined(problems: readonly PodProblem[]): string {
  return problems.map(({ words }) => words).join("; ");
}

function daemonSet(object: unknown): Seen {
  const { metadata: meta, spec, status } = daemonSetSchema.parse(object);
  const isCurrent = status.observedGeneration >= meta.generation;
  const ready = Math.min(status.updatedNumberScheduled, status.numberAvailable);
  return {
    // before its controller has counted the nodes it wants at least one
    wanted: isCurrent ? status.desiredNumberScheduled : 1,
    ready: isCurrent ? ready : 0,
    labels: spec.selector.matchLabels,
    template: spec.template.metadata,
    gaveUp: null,
  };
}
