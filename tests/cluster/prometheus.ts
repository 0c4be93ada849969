import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Cluster } from "./cluster.ts";
import { ManagedProcess } from "./managed-process.ts";
import { waitUntil } from "./wait-until.ts";

const readyBoundMs = 30_000;
const port = 9_090;

/** A Prometheus beside the cluster. */
export interface TestPrometheus {
  readonly url: string;
  readonly process: ManagedProcess;
  /** Resolves when it answers, after a start or a restart. */
  untilReady(): Promise<void>;
  stop(): Promise<void>;
}

/**
 * Starts Prometheus as a process that scrapes each target's `/stats/prometheus` every second.
 *
 * @param targets host and port of Envoys, by job name
 */
export async function startPrometheus(
  cluster: Cluster,
  targets: Readonly<Record<string, string>>,
): Promise<TestPrometheus> {
  const folder = join(cluster.folder, "prometheus");
  // One at a time, each with what it measured itself.
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  const configPath = join(folder, "prometheus.yml");
  const config = {
    global: { scrape_interval: "1s", scrape_timeout: "1s" },
    scrape_configs: Object.entries(targets).map(([job, target]) => ({
      job_name: job,
      metrics_path: "/stats/prometheus",
      static_configs: [{ targets: [target] }],
    })),
  };
  // JSON is YAML.
  writeFileSync(configPath, JSON.stringify(config));
  const process = new ManagedProcess({
    name: "prometheus",
    command: cluster.tools.prometheus,
    args: [
      `--config.file=${configPath}`,
      `--storage.tsdb.path=${join(folder, "data")}`,
      `--web.listen-address=127.0.0.1:${port}`,
    ],
    logPath: cluster.logPath("prometheus"),
  });
  const url = `http://127.0.0.1:${port}`;
  const untilReady = async (): Promise<void> => {
    await waitUntil("prometheus is ready", readyBoundMs, async () => {
      process.assertRunning();
      return (await fetch(`${url}/-/ready`, { signal: AbortSignal.timeout(1_000) })).ok;
    });
  };
  cluster.add(process);
  process.start();
  await untilReady();
  return { url, process, untilReady, stop: () => process.stop() };
}
