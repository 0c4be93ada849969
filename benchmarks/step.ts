/**
 * What one weight step costs on target `local`, part by part, beside the same step through a plain
 * `pulumi up`, measured in turns in one run, and then one on the test cluster: `npm run benchmark:step`. Figures and what was done to make it
 * fast are in docs/speed.md.
 */
import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { EngineEvent } from "@pulumi/pulumi/automation/index.js";
import type { ServiceOutputs } from "../infra/contract.ts";
import { readSettings, withDriveConfig } from "../rollout/adapters/drive-config.ts";
import { EnvoyTraffic } from "../rollout/adapters/envoy-traffic.ts";
import { FileStore } from "../rollout/adapters/file-store.ts";
import { serviceStack } from "../rollout/cli/demo/project.ts";
import { packageDirectory } from "../rollout/cli/project.ts";
import { Service } from "../rollout/cli/service.ts";
import { sameWeights, split, type Assignment, type Weights } from "../rollout/core/assignment.ts";
import { newRecord } from "../rollout/core/state.ts";
import { enterNamespace, canRun } from "../tests/cluster/namespace.ts";
import { folderVariable } from "../tests/cluster/test-cluster.ts";
import { gatherTools, toolPathsVariable } from "../tests/cluster/tool-paths.ts";
import { LocalService } from "../tests/end-to-end/local-service.ts";
import { progressTo } from "../tools/progress.ts";
import { median, print, type Parts } from "./parts.ts";

const rounds = 5;
const { signal } = new AbortController();

async function main(): Promise<void> {
  const local = await LocalService.deploy();
  const engine = new EngineClock();
  const service = await Service.open(
    { cwd: local.directory, stack: serviceStack, onEvent: engine.hear },
    true,
  );
  const policyPack = [join(packageDirectory, "policies")];
  const gated = await Service.open(
    { cwd: local.directory, stack: serviceStack, onEvent: engine.hear, policyPack },
    true,
  );
  try {
    const outputs = await local.outputs();
    const assignment = await withCanary(service, outputs);
    const driven: Parts[] = [];
    const withPack: Parts[] = [];
    const plain: Parts[] = [];
    // the first of each warms caches and is left out
    for (let round = 0; round <= rounds; round += 1) {
      const weight = 10 + round * 4;
      const drivenParts = await drivenStep(service, engine, outputs, weigh(assignment, weight));
      const gatedParts = await drivenStep(gated, engine, outputs, weigh(assignment, weight + 1));
      const plainParts = await plainStep(local, outputs, weigh(assignment, weight + 2));
      if (round === 0) continue;
      driven.push(drivenParts);
      withPack.push(gatedParts);
      plain.push(plainParts);
    }
    print("a step by the driver", driven);
    print("a step by the driver, through the policy pack", withPack);
    print("the same through a plain `pulumi up`", plain);
    const ratio = median(plain, "in all") / median(driven, "in all");
    console.log(`\nthe plain one takes ${ratio.toFixed(1)} times as long`);
  } finally {
    service.close();
    gated.close();
    await local.destroy();
  }
}

function weigh(assignment: Assignment, canaryWeight: number): Assignment {
  return { ...assignment, weights: split("green", canaryWeight) };
}

/** Both slots up, as in the middle of a rollout. */
async function withCanary(service: Service, outputs: ServiceOutputs): Promise<Assignment> {
  const revision = outputs.assignment.slots.blue;
  const assignment = { ...outputs.assignment, slots: { blue: revision, green: revision } };
  const action = { kind: "deployCanary", assignment, forward: false } as const;
  const result = await service.stack.apply(action, null, signal);
  if (result.kind === "failed") throw new Error(result.failure.message);
  return assignment;
}

/** When the engine came to each part of an `up`. */
class EngineClock {
  readonly #at = new Map<string, number>();

  readonly hear = (event: EngineEvent): void => {
    if (event.preludeEvent !== undefined) this.#mark("started");
    if (event.resourcePreEvent !== undefined) this.#mark("first resource");
    const { type = "" } = event.resOutputsEvent?.metadata ?? {};
    if (type === "upramp:local:Route") this.#mark("route written");
    if (event.summaryEvent !== undefined) this.#mark("done");
  };

  reset(): void {
    this.#at.clear();
  }

  #mark(name: string): void {
    if (!this.#at.has(name)) this.#at.set(name, performance.now());
  }

  /** The parts of an `up` that lasted from `from` to `to`. */
  parts(from: number, to: number): Parts {
    const at = (name: string): number => this.#at.get(name) ?? NaN;
    return {
      "  start of the CLI": at("started") - from,
      "  program, to first resource": at("first resource") - at("started"),
      "  to the route written": at("route written") - at("first resource"),
      "  to the engine's end": at("done") - at("route written"),
      "  end of the CLI": to - at("done"),
    };
  }
}

async function drivenStep(
  service: Service,
  engine: EngineClock,
  outputs: ServiceOutputs,
  assignment: Assignment,
): Promise<Parts> {
  const folder = await mkdtemp(join(tmpdir(), "upramp-benchmark-"));
  const store = new FileStore({ directory: folder, name: "step" });
  const startedAt = performance.now();
  await store.save(newRecord(outputs.service, assignment, outputs.configured));
  const savedAt = performance.now();
  const moved = whenMoved(outputs, assignment.weights);
  engine.reset();
  const action = { kind: "shiftTraffic", assignment, forward: true } as const;
  const result = await service.stack.apply(action, null, signal);
  const appliedAt = performance.now();
  if (result.kind === "failed") throw new Error(result.failure.message);
  const movedAt = await moved;
  const readBackFrom = performance.now();
  await service.traffic(outputs).read(signal);
  const endedAt = performance.now();
  await rm(folder, { recursive: true });
  return {
    "save the record": savedAt - startedAt,
    up: appliedAt - savedAt,
    ...engine.parts(savedAt, appliedAt),
    "read the router back": endedAt - readBackFrom,
    "in all": endedAt - startedAt,
    "decision to traffic moved": movedAt - startedAt,
  };
}

async function plainStep(
  local: LocalService,
  outputs: ServiceOutputs,
  assignment: Assignment,
): Promise<Parts> {
  const settings = await readSettings(local.directory, serviceStack);
  const startedAt = performance.now();
  const moved = whenMoved(outputs, assignment.weights);
  await withDriveConfig(settings, { assignment, failed: null }, async (configFile) => {
    const up = await local.pulumi("up", "--yes", "--skip-preview", "--config-file", configFile)
      .done;
    if (up.code !== 0) throw new Error(up.stdout + up.stderr);
  });
  const endedAt = performance.now();
  return { "in all": endedAt - startedAt, "decision to traffic moved": (await moved) - startedAt };
}

/** When Envoy itself shows the split; looked at every few milliseconds. */
async function whenMoved({ traffic }: ServiceOutputs, want: Weights): Promise<number> {
  if (traffic.router !== "envoy") throw new Error("this benchmark is for target local");
  const reader = new EnvoyTraffic(traffic);
  const giveUpAt = performance.now() + 30_000;
  while (performance.now() < giveUpAt) {
    const { weights } = await reader.read(signal);
    if (weights !== null && sameWeights(weights, want)) return performance.now();
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  throw new Error(`Envoy does not show ${JSON.stringify(want)}`);
}

/** The same on the test cluster, in a namespace of its own; said when this machine cannot hold one. */
async function onCluster(): Promise<void> {
  const ability = canRun();
  if (!ability.able) {
    console.log(`\nno step on the cluster: ${ability.reason}`);
    return;
  }
  const tools = await gatherTools(["contour"], progressTo(process.stderr));
  const base = await mkdtemp(join(tmpdir(), "upramp-benchmark-"));
  const folder = join(base, "cluster");
  await mkdir(folder);
  const inside = join(import.meta.dirname, "step-on-cluster.ts");
  const command = enterNamespace([process.execPath, inside], {
    env: { ...toolPathsVariable(tools), [folderVariable]: folder },
  });
  const code = await command.exitCode;
  if (code !== 0)
    throw new Error(`the cluster's part ended with ${code}; its logs are in ${folder}`);
  await rm(base, { recursive: true });
}

await main();
await onCluster();
