import { z } from "zod";

const terminated = z.object({
  exitCode: z.number().default(0),
  reason: z.string().default(""),
  message: z.string().default(""),
});

const containerStatus = z.object({
  name: z.string(),
  ready: z.boolean().default(false),
  restartCount: z.number().default(0),
  state: z
    .object({
      waiting: z
        .object({ reason: z.string().default(""), message: z.string().default("") })
        .nullish(),
      terminated: terminated.nullish(),
    })
    .default({}),
  lastState: z.object({ terminated: terminated.nullish() }).default({}),
});
type ContainerStatus = z.infer<typeof containerStatus>;

const labels = z.record(z.string(), z.string()).default({});

const podSchema = z.object({
  metadata: z.object({
    name: z.string(),
    deletionTimestamp: z.string().nullish(),
    labels,
    annotations: labels,
  }),
  status: z
    .object({
      reason: z.string().default(""),
      message: z.string().default(""),
      phase: z.string().default(""),
      conditions: z
        .array(
          z.object({
            type: z.string(),
            status: z.string(),
            reason: z.string().nullish(),
            message: z.string().nullish(),
          }),
        )
        .default([]),
      initContainerStatuses: z.array(containerStatus).default([]),
      containerStatuses: z.array(containerStatus).default([]),
    })
    .prefault({}),
});
type Pod = z.infer<typeof podSchema>;

const podListSchema = z.object({ items: z.array(podSchema) });

/** What keeps a pod from being ready. */
export interface PodProblem {
  readonly words: string;
  /** True when waiting does not mend it. */
  readonly isHopeless: boolean;
}

/** Waiting reasons of containers that no patience mends: the same image, command and configuration fail again. */
const hopeless: ReadonlySet<string> = new Set([
  "CrashLoopBackOff",
  "ImagePullBackOff",
  "InvalidImageName",
  "ErrImageNeverPull",
  "CreateContainerConfigError",
]);

/** Different pods of one workload mostly fail for one reason; more than three of them say nothing new. */
const problemsMax = 3;

/** What every pod of one pod template has; its annotations tell one revision from the next. */
export interface TemplateMarks {
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
}

/**
 * What the pods of a list say of why they are not ready, the hopeless first, each text once. Only of the template's own
 * pods: those of the revision before it may still be there, and must not speak for the new one.
 */
export function podProblems(list: unknown, template: TemplateMarks): readonly PodProblem[] {
  const { items } = podListSchema.parse(list);
  const problems = items
    .filter(({ metadata }) => (metadata.deletionTimestamp ?? null) === null)
    .filter(
      ({ metadata }) =>
        hasAll(metadata.labels, template.labels) &&
        hasAll(metadata.annotations, template.annotations),
    )
    .flatMap(problemsOf)
    .toSorted((a, b) => Number(b.isHopeless) - Number(a.isHopeless));
  const first = new Map(problems.map((problem) => [problem.words, problem] as const));
  return [...first.values()].slice(0, problemsMax);
}

function hasAll(
  found: Readonly<Record<string, string>>,
  marks: Readonly<Record<string, string>>,
): boolean {
  return Object.entries(marks).every(([key, value]) => found[key] === value);
}

function problemsOf({ metadata, status }: Pod): PodProblem[] {
  const say = (words: string, isHopeless: boolean): PodProblem => ({
    words: `pod ${metadata.name}: ${words}`,
    isHopeless,
  });
  if (status.phase === "Failed") {
    return [say(sentence(status.reason || "Failed", status.message), false)];
  }
  const scheduled = status.conditions.find(({ type }) => type === "PodScheduled");
  if (scheduled?.status === "False") {
    // a cluster that grows by itself mends this within minutes, so the deadline decides
    return [say(sentence(scheduled.reason ?? "Unschedulable", scheduled.message ?? ""), false)];
  }
  return [...status.initContainerStatuses, ...status.containerStatuses].flatMap((container) => {
    const { waiting } = container.state;
    if (waiting !== null && waiting !== undefined) {
      const { reason, message } = waiting;
      if (reason === "" || reason === "ContainerCreating" || reason === "PodInitializing")
        return [];
      // of a crash loop it tells the length of the pause and once more the pod
      const detail = reason === "CrashLoopBackOff" ? "" : message;
      const words = sentence(`container ${container.name}: ${reason}`, detail);
      return [say(`${words}${lastEnd(container)}`, hopeless.has(reason))];
    }
    return container.ready
      ? []
      : [say(`container ${container.name} is not ready${lastEnd(container)}`, false)];
  });
}

/** How the container ended the last time, if it has. */
function lastEnd({ state, lastState, restartCount }: ContainerStatus): string {
  const end = state.terminated ?? lastState.terminated;
  if (end === null || end === undefined) return "";
  const said = end.message === "" ? "" : `, saying "${end.message.trim()}"`;
  const why = end.reason === "" || end.reason === "Error" ? "" : ` (${end.reason})`;
  return `; it ended with exit code ${end.exitCode}${why}${said}; restarts: ${restartCount}`;
}

function sentence(reason: string, message: string): string {
  return message === "" ? reason : `${reason}: ${message}`;
}
