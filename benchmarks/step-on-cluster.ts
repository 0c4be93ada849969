/**
 * What one weight step costs on the test cluster, behind Contour: from the save of the record to the first answer of the
 * canary. Runs inside the cluster's namespace; `step.ts` starts it.
 */
import type { ServiceOutputs } from "../infra/contract.ts";
import { Service } from "../rollout/cli/service.ts";
import { sameWeights, split, type Assignment, type Weights } from "../rollout/core/assignment.ts";
import { newRecord } from "../rollout/core/state.ts";
import { gatewayScene } from "../tests/cluster/end-to-end/gateway-scene.ts";
import { Ground } from "../tests/cluster/end-to-end/ground.ts";
import { hostOf, podinfo } from "../tests/cluster/end-to-end/podinfo-service.ts";
import { Load } from "../tests/cluster/load.ts";
import { sharedCluster, stopSharedCluster } from "../tests/cluster/test-cluster.ts";
import { print, type Parts } from "./parts.ts";

const rounds = 5;
const boundMs = 30_000;
const { signal } = new AbortController();

async function main(): Promise<void> {
  const ground = await Ground.prepare(await sharedCluster(), gatewayScene("contour"));
  const { project, scene } = ground;
  const deployed = await project.deployService({ service: podinfo("podinfo"), rollout: {} });
  Object.assign(process.env, project.env);
  const service = await Service.open({ cwd: project.directory, stack: deployed.stack }, true);
  try {
    const outputs = await service.outputs(signal);
    const assignment = await withCanary(service, outputs);
    const store = service.store(outputs);
    const steps: Parts[] = [];
    // the first warms caches and is left out
    for (let round = 0; round <= rounds; round += 1) {
      const parts = await step(service, outputs, assignment, scene.url, store);
      if (round > 0) steps.push(parts);
      await apply(service, weigh(assignment, 0));
    }
    print("a step by the driver on the test cluster, behind Contour", steps);
  } finally {
    service.close();
    await deployed.destroy();
    await ground.close();
  }
}

async function step(
  service: Service,
  outputs: ServiceOutputs,
  from: Assignment,
  url: string,
  store: ReturnType<Service["store"]>,
): Promise<Parts> {
  const assignment = weigh(from, 50);
  const load = new Load({ url: `${url}/version`, headers: { host: hostOf("podinfo") }, boundMs });
  const startedAt = performance.now();
  await store.save(newRecord(outputs.service, assignment, outputs.configured));
  const savedAt = performance.now();
  const accepted = whenAccepted(service, outputs, assignment.weights);
  const answered = whenAnswered(load);
  await apply(service, assignment);
  const appliedAt = performance.now();
  const [acceptedAt, answeredAt] = await Promise.all([accepted, answered]);
  await load.stop();
  return {
    "save the record": savedAt - startedAt,
    up: appliedAt - savedAt,
    "in all, until the route is accepted": Math.max(appliedAt, acceptedAt) - startedAt,
    "decision to route accepted": acceptedAt - startedAt,
    "decision to first answer": answeredAt - startedAt,
  };
}

function weigh(assignment: Assignment, canaryWeight: number): Assignment {
  return { ...assignment, weights: split("green", canaryWeight) };
}

/** Both slots up and ready, as in the middle of a rollout. */
async function withCanary(service: Service, outputs: ServiceOutputs): Promise<Assignment> {
  const content = outputs.assignment.slots.blue;
  const { revisionWithImage } = await import("../infra/service/image-revision.ts");
  const green = content === null ? null : revisionWithImage(content, "podinfo:2.0.0", "green");
  const assignment = { ...outputs.assignment, slots: { blue: content, green } };
  await apply(service, assignment);
  await until("the canary is ready", async () => {
    const { ready } = await service.traffic(outputs).read(signal);
    return ready !== null && ready.green.wanted > 0 && ready.green.ready >= ready.green.wanted;
  });
  return assignment;
}

async function apply(service: Service, assignment: Assignment): Promise<void> {
  const action = { kind: "shiftTraffic", assignment, forward: true } as const;
  const result = await service.stack.apply(action, null, signal);
  if (result.kind === "failed") throw new Error(result.failure.message);
}

function whenAccepted(service: Service, outputs: ServiceOutputs, want: Weights): Promise<number> {
  const reader = service.traffic(outputs);
  return until(`the router shows ${JSON.stringify(want)}`, async () => {
    const { weights } = await reader.read(signal);
    return weights !== null && sameWeights(weights, want);
  });
}

function whenAnswered(load: Load): Promise<number> {
  return until("the canary answers", () =>
    Promise.resolve(load.outcomes.some(({ version }) => version === "2.0.0")),
  );
}

/** When something is so; looked at every few milliseconds. */
async function until(what: string, isSo: () => Promise<boolean>): Promise<number> {
  const giveUpAt = performance.now() + boundMs;
  while (performance.now() < giveUpAt) {
    if (await isSo()) return performance.now();
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  throw new Error(`${what}: not within ${boundMs} ms`);
}

try {
  await main();
} finally {
  await stopSharedCluster();
}
