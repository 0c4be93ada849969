import { join } from "node:path";
import { rm } from "node:fs/promises";
import type { RolloutRecord } from "../../core/state.ts";
import { parseRevision } from "../../../infra/contract.ts";
import { getTools } from "../../../tools/get.ts";
import { progressTo } from "../../../tools/progress.ts";
import { OperationError, UserError } from "../../errors.ts";
import { demoRollout, makeProject, platformStack, podinfo, serviceStack } from "../demo/project.ts";
import { summarize, summaryText, type DemoResult } from "../demo/summary.ts";
import { Traffic } from "../demo/traffic.ts";
import { exitCode } from "../exit-codes.ts";
import type { Output } from "../output.ts";
import { writeReport } from "../report-file.ts";
import { Service } from "../service.ts";
import { driveService } from "./run.ts";

export interface DemoOptions {
  readonly keep: boolean;
}

const requestsPerSecond = 200;
/** The whole show takes about one minute; traffic ends by itself after this much. */
const trafficSecondsMax = 240;

/**
 * Two real rollouts of a small service on this machine: v2 is good and is promoted, v3 fails one request
 * in ten and is slow and is rolled back, while requests keep flowing. Ends with 0 only if both ended so
 * and no request failed other than by v3's own fault.
 */
export async function demo(
  options: DemoOptions,
  output: Output,
  signal: AbortSignal,
): Promise<number> {
  await getTools(["pulumi", "envoy", "prometheus"], progressTo(process.stderr));
  const directory = await makeProject({
    rollout: demoRollout,
    service: { replicas: 2 },
    revision: podinfo("v1"),
  });
  process.env["PULUMI_CONFIG_PASSPHRASE"] = "demo";
  process.env["PULUMI_BACKEND_URL"] = `file://${join(directory, "backend")}`;
  output.say(`building the platform and podinfo v1 in ${directory}`);
  const platform = await Service.create({ cwd: directory, stack: platformStack });
  const service = await Service.create({ cwd: directory, stack: serviceStack });
  try {
    await platform.stack.install(signal);
    await service.stack.install(signal);
    const result = await show(service, directory, options, output, signal);
    const summary = summarize(result);
    output.result({ type: "demo", ...summary }, () => summaryText(result, summary));
    const good = summary.promoted && summary.rolledBack && summary.failedOtherwise === 0;
    return good ? exitCode.ok : exitCode.internal;
  } finally {
    if (!options.keep) {
      output.say("removing everything");
      await service.stack.destroy();
      await platform.stack.destroy();
      await rm(directory, { recursive: true, force: true });
    }
    service.close();
    platform.close();
  }
}

async function show(
  service: Service,
  directory: string,
  options: DemoOptions,
  output: Output,
  signal: AbortSignal,
): Promise<DemoResult> {
  const outputs = await service.outputs(signal);
  const store = service.store(outputs);
  const { endpoint } = outputs;
  if (endpoint === undefined) throw new Error("a service of this machine has an endpoint");
  const traffic = new Traffic(endpoint, requestsPerSecond, trafficSecondsMax);
  const roll = async (version: string, env: Record<string, string>): Promise<RolloutRecord> => {
    output.say(`\n${version}: npx upramp run -s ${serviceStack} --revision …`);
    const wanted = parseRevision(podinfo(version, env), version);
    const wish = { wanted, retry: false };
    await driveService(service, await service.outputs(signal), wish, output, signal);
    if (options.keep) await writeReport(service, output, signal);
    const record = await store.load();
    if (record === null) throw new OperationError(`no record of the rollout of ${version}`);
    return record;
  };
  try {
    const good = await roll("v2", {});
    if (signal.aborted) throw new UserError("the demo was interrupted");
    const bad = await roll("v3", { ERROR_RATE: "10", LATENCY_MS: "400" });
    await traffic.stop();
    const { answers } = traffic;
    return { good, bad, answers, badVersion: "v3", directory, kept: options.keep };
  } finally {
    await traffic.stop();
  }
}
