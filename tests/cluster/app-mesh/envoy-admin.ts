import { Agent, request } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import type { Endpoint } from "./endpoints.ts";
import { egressRouteConfigName } from "./names.ts";

/** Envoy did not take what it was told; it goes on with what it had. */
export class EnvoyRefusal extends Error {}

/** How often Envoy is asked whether it has taken a file, in ms. One answer takes about 1 ms. */
const pollIntervalMs = 2;

/** Longest wait for one answer, in ms. */
const answerBoundMs = 2_000;

/** The administration interface of one Envoy. */
export class EnvoyAdmin {
  readonly #at: Endpoint;
  /** Refusals seen so far, by what was refused. Fewer than before means that it has started again. */
  readonly #rejectedCounts = new Map<string, number>();
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 4 });

  constructor(at: Endpoint) {
    this.#at = at;
  }

  /** Resolves when the clusters have this version and all are warm. @throws EnvoyRefusal */
  async untilClusters(version: string, boundMs: number): Promise<void> {
    await this.#until("cluster_manager.cds", version, boundMs, [
      "cluster_manager.warming_clusters",
    ]);
  }

  /** Resolves when the listeners have this version and all are warm. @throws EnvoyRefusal */
  async untilListeners(version: string, boundMs: number): Promise<void> {
    await this.#until("listener_manager.lds", version, boundMs, [
      "listener_manager.total_listeners_warming",
    ]);
  }

  /** Resolves when a route configuration has this version. @throws EnvoyRefusal */
  async untilRoutes(name: string, version: string, boundMs: number): Promise<void> {
    const prefix = name === egressRouteConfigName ? "egress" : "ingress";
    await this.#until(`http.${prefix}.rds.${name}`, version, boundMs, []);
  }

  /** Whether it is ready to serve. @throws Error when it does not answer */
  async isReady(): Promise<boolean> {
    return (await this.#get("/ready")).status === 200;
  }

  /** Statistics whose names match, by name. Text values are without their quotes. */
  async stats(filter: string): Promise<ReadonlyMap<string, string>> {
    const { body } = await this.#get(`/stats?filter=${encodeURIComponent(filter)}`);
    const lines = body.split("\n").filter((line) => line.includes(": "));
    return new Map(
      lines.map((line) => {
        const colon = line.indexOf(": ");
        return [line.slice(0, colon), line.slice(colon + 2).replaceAll('"', "")];
      }),
    );
  }

  /** Closes its connections. */
  close(): void {
    this.#agent.destroy();
  }

  async #until(
    what: string,
    version: string,
    boundMs: number,
    zeros: readonly string[],
  ): Promise<void> {
    const deadline = performance.now() + boundMs;
    const names = [`${what}.version_text`, `${what}.update_rejected`, ...zeros];
    const filter = `^(${names.map((name) => name.replaceAll(".", String.raw`\.`)).join("|")})$`;
    for (;;) {
      const stats = await this.stats(filter);
      const isWarm = zeros.every((name) => (stats.get(name) ?? "0") === "0");
      if (stats.get(`${what}.version_text`) === version && isWarm) return;
      if (this.#hasRejected(what, Number(stats.get(`${what}.update_rejected`) ?? "0"))) {
        throw new EnvoyRefusal(`Envoy refused ${what}`);
      }
      if (performance.now() > deadline) {
        throw new EnvoyRefusal(`Envoy has not taken ${what} within ${boundMs} ms`);
      }
      await sleep(pollIntervalMs);
    }
  }

  #hasRejected(what: string, count: number): boolean {
    const before = this.#rejectedCounts.get(what) ?? 0;
    this.#rejectedCounts.set(what, count);
    return count > before;
  }

  #get(path: string): Promise<{ status: number | undefined; body: string }> {
    const { address, port } = this.#at;
    return new Promise((resolve, reject) => {
      const asked = request(
        {
          host: address,
          port,
          path,
          agent: this.#agent,
          signal: AbortSignal.timeout(answerBoundMs),
        },
        (response) => {
          let body = "";
          response.setEncoding("utf8");
          response.on("data", (chunk: string) => (body += chunk));
          response.once("end", () => resolve({ status: response.statusCode, body }));
          response.once("error", reject);
        },
      );
      asked.once("error", reject);
      asked.end();
    });
  }
}
