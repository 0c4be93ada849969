import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { PrometheusClient } from "../../rollout/adapters/prometheus.ts";
import { waitUntil } from "../cluster/wait-until.ts";
import type { MetricsUnderTest } from "./metrics.contract.ts";
import { RealServer } from "./real-server.ts";

/** A real Prometheus that scrapes nothing. */
export async function realPrometheus(): Promise<MetricsUnderTest & { readonly address: string }> {
  const server = await RealServer.start("prometheus", async (directory) => {
    const config = join(directory, "prometheus.yml");
    await writeFile(config, "global: {}\n");
    const data = `--storage.tsdb.path=${join(directory, "data")}`;
    return [`--config.file=${config}`, data, "--web.listen-address=127.0.0.1:0"];
  });
  try {
    const address = await waitUntil("Prometheus says where it listens", 30_000, async () => {
      const listening = /Listening on" address=(127\.0\.0\.1:\d+)/.exec(await server.log());
      return listening?.[1] === undefined ? undefined : `http://${listening[1]}`;
    });
    const client = new PrometheusClient({ address });
    const never = new AbortController().signal;
    await waitUntil("Prometheus answers", 30_000, async () => {
      return (await client.reachable(never)) === null;
    });
    return { client, address, unreachable: () => server.kill(), close: () => server.close() };
  } catch (error) {
    await server.close();
    throw error;
  }
}
