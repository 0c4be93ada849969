import { type Fields, annotationOf, conditionOf, numberAt, textAt } from "../kubernetes-object.ts";
import { type Verdict, ready, waiting } from "./verdict.ts";

const revisionAnnotation = "deployment.kubernetes.io/revision";

/**
 * A Deployment is ready when its controller has seen this generation, the newest ReplicaSet has all
 * its replicas updated and ready, and the conditions say so. Like provider v4 it does not give up at
 * `ProgressDeadlineExceeded`: the controller goes on, and only the bound ends the wait.
 */
export function deploymentVerdict(deployment: Fields): Verdict {
  const generation = numberAt(deployment, "metadata", "generation") ?? 0;
  if ((numberAt(deployment, "status", "observedGeneration") ?? 0) < generation) {
    return waiting("Waiting for the Deployment controller to see the change");
  }
  const replicas = numberAt(deployment, "spec", "replicas") ?? 1;
  const updated = numberAt(deployment, "status", "updatedReplicas") ?? 0;
  const readyReplicas = numberAt(deployment, "status", "readyReplicas") ?? 0;
  const available = conditionOf(deployment, "Available");
  const progressing = conditionOf(deployment, "Progressing");
  const isFirst = annotationOf(deployment, revisionAnnotation) === "1";
  const isAvailable = available?.["status"] === "True";
  const isRolledOut =
    progressing?.["status"] === "True" && progressing["reason"] === "NewReplicaSetAvailable";
  const allReady = updated >= replicas && readyReplicas >= replicas;
  if (isAvailable && allReady && (isFirst || isRolledOut)) return ready;
  const errors = [available, progressing].flatMap((condition) =>
    condition?.["status"] === "False"
      ? [`[${textAt(condition, "reason")}] ${textAt(condition, "message")}`]
      : [],
  );
  return waiting(
    `Waiting for app ReplicaSet to be available (${Math.min(updated, readyReplicas)}/${replicas} Pods available)`,
    [...errors, shortfall(isAvailable, isFirst, isRolledOut)],
  );
}

function shortfall(isAvailable: boolean, isFirst: boolean, isRolledOut: boolean): string {
  if (!isAvailable) return "Minimum number of live Pods was not attained";
  if (isFirst || !isRolledOut) {
    return "Minimum number of Pods to consider the application live was not attained";
  }
  return "Attempted to roll forward to new ReplicaSet, but minimum number of Pods did not become live";
}

/** The ReplicaSet of the Deployment's newest revision. */
export function currentReplicaSet(
  deployment: Fields,
  replicaSets: readonly Fields[],
): Fields | undefined {
  const revision = annotationOf(deployment, revisionAnnotation);
  return replicaSets.find((set) => annotationOf(set, revisionAnnotation) === revision);
}
