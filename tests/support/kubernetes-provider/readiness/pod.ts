import {
  type Fields,
  at,
  conditionOf,
  isFields,
  listAt,
  nameOf,
  namespaceOf,
  textAt,
} from "../kubernetes-object.ts";
import { type Verdict, ready, waiting } from "./verdict.ts";

/** Ready when scheduled, initialized, and ready or done. */
export function podVerdict(pod: Fields): Verdict {
  const isDone = textAt(pod, "status", "phase") === "Succeeded";
  for (const [type, goal] of [
    ["PodScheduled", "scheduled"],
    ["Initialized", "initialized"],
    ["Ready", "ready"],
  ] as const) {
    if (conditionOf(pod, type)?.["status"] === "True" || (type === "Ready" && isDone)) continue;
    return waiting(`Waiting for Pod "${qualifiedName(pod)}" to be ${goal}`, podProblems(pod));
  }
  return ready;
}

/** Why a pod does not get on, in its own words; nothing for one that only takes its time. */
export function podProblems(pod: Fields): string[] {
  const scheduled = conditionOf(pod, "PodScheduled");
  if (scheduled?.["status"] === "False") {
    return [`[Pod ${qualifiedName(pod)}]: ${reasoned(scheduled)}`];
  }
  const readiness = conditionOf(pod, "Ready");
  if (readiness?.["status"] !== "False" || textAt(pod, "status", "phase") === "Succeeded")
    return [];
  const containers = [
    ...listAt(pod, "status", "initContainerStatuses"),
    ...listAt(pod, "status", "containerStatuses"),
  ].filter((container) => container["ready"] !== true);
  const words = containers.flatMap(containerProblems);
  const message = textAt(readiness, "message");
  if (words.length === 0 && message === "") return [];
  const parts = [message, words.join("\n")].filter((part) => part !== "");
  return [`[Pod ${qualifiedName(pod)}]: ${parts.join(" -- ")}`];
}

function containerProblems(container: Fields): string[] {
  const waitingState = container["state"];
  const reason = textAt(waitingState, "waiting", "reason");
  const now =
    reason !== "" && reason !== "ContainerCreating" && reason !== "PodInitializing"
      ? [`[${reason}] ${textAt(waitingState, "waiting", "message")}`.trimEnd()]
      : terminated(container, "state");
  return [...now, ...terminated(container, "lastState")];
}

function terminated(container: Fields, state: "state" | "lastState"): string[] {
  const ended = at(container, state, "terminated");
  if (!isFields(ended) || textAt(ended, "reason") === "") return [];
  const words = `container "${textAt(container, "name")}" terminated at ${textAt(ended, "finishedAt")} (${textAt(ended, "reason")}: exit code ${String(ended["exitCode"])})`;
  const message = textAt(ended, "message");
  return [message === "" ? words : `${words}: ${message}`];
}

function reasoned(condition: Fields): string {
  return `[${textAt(condition, "reason")}] ${textAt(condition, "message")}`;
}

function qualifiedName(pod: Fields): string {
  const namespace = namespaceOf(pod);
  return namespace === "" || namespace === "default" ? nameOf(pod) : `${namespace}/${nameOf(pod)}`;
}
