import { spawn } from "node:child_process";
import { mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { request } from "node:https";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { parse as parseYaml } from "yaml";
import { z } from "zod";
import { podListSchema, podTargets } from "./pod-targets.ts";

/**
 * What the image `prometheus` stands for: `main.ts PROMETHEUS ARGS...` runs that program. Debian builds it without the
 * discovery of pods; then this process asks the API server for them in its place, with the pod's own service account,
 * and hands them over by files. Everything after that, relabeling above all, is Prometheus's own.
 */

const [program = "", ...args] = process.argv.slice(2);

const discoveryMissing = /field kubernetes_sd_configs not found/;

const pollMs = 500;
const boundMs = 5_000;

const accountFolder = "/var/run/secrets/kubernetes.io/serviceaccount";

const configSchema = z.looseObject({
  scrape_configs: z
    .array(
      z.looseObject({
        kubernetes_sd_configs: z
          .array(
            // What this does not know must not be taken for done.
            z.strictObject({
              role: z.literal("pod"),
              namespaces: z.strictObject({ names: z.array(z.string()) }).optional(),
            }),
          )
          .optional(),
      }),
    )
    .default([]),
});

interface Discovery {
  /** All when undefined. */
  readonly namespaces: readonly string[] | undefined;
  readonly file: string;
}

/** Runs Prometheus to its end. */
function run(argv: readonly string[]): Promise<{ readonly code: number; readonly words: string }> {
  const child = spawn(program, argv, { stdio: ["ignore", "inherit", "pipe"] });
  // The node signals the whole group: this process only has to outlive Prometheus.
  let words = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    process.stderr.write(text);
    if (words.length < 10_000) words += text;
  });
  return new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (code) => resolve({ code: code ?? 1, words }));
  });
}

function option(name: string): string {
  const prefix = `--${name}=`;
  const found = args.find((word) => word.startsWith(prefix));
  if (found === undefined) throw new Error(`${prefix} is not among ${args.join(" ")}`);
  return found.slice(prefix.length);
}

/** Writes the configuration anew, with a file in the place of each discovery. */
function rewrite(folder: string): {
  readonly configPath: string;
  readonly discoveries: Discovery[];
} {
  mkdirSync(folder, { recursive: true });
  const discoveries: Discovery[] = [];
  const config = configSchema.parse(parseYaml(readFileSync(option("config.file"), "utf8")));
  const scrape_configs = config.scrape_configs.map(({ kubernetes_sd_configs: found, ...rest }) => {
    if (found === undefined) return rest;
    const files = found.map(({ namespaces }) => {
      const file = join(folder, `pods-${discoveries.length}.json`);
      discoveries.push({ namespaces: namespaces?.names, file });
      return file;
    });
    return { ...rest, file_sd_configs: [{ files }] };
  });
  const configPath = join(folder, "prometheus.yml");
  // JSON is YAML.
  writeFileSync(configPath, JSON.stringify({ ...config, scrape_configs }));
  return { configPath, discoveries };
}

async function discover({ namespaces, file }: Discovery): Promise<void> {
  const paths = namespaces?.map((name) => `/api/v1/namespaces/${name}/pods`) ?? ["/api/v1/pods"];
  const lists = await Promise.all(paths.map(get));
  const pods = lists.flatMap((text) => podListSchema.parse(JSON.parse(text)).items);
  const content = JSON.stringify(podTargets(pods));
  if (content === written.get(file)) return;
  writeFileSync(`${file}.new`, content);
  renameSync(`${file}.new`, file);
  written.set(file, content);
}

const written = new Map<string, string>();

function get(path: string): Promise<string> {
  const { KUBERNETES_SERVICE_HOST: host, KUBERNETES_SERVICE_PORT: port } = process.env;
  const sent = request({
    host,
    port,
    path,
    ca: readFileSync(join(accountFolder, "ca.crt")),
    headers: { authorization: `Bearer ${readFileSync(join(accountFolder, "token"), "utf8")}` },
    signal: AbortSignal.timeout(boundMs),
  });
  return new Promise((resolve, reject) => {
    sent.once("error", reject);
    sent.once("response", (response) => {
      let text = "";
      response.setEncoding("utf8").on("data", (chunk: string) => (text += chunk));
      response.once("error", reject);
      response.once("end", () => {
        if (response.statusCode === 200) resolve(text);
        else reject(new Error(`${path} answered ${response.statusCode}: ${text}`));
      });
    });
    sent.end();
  });
}

async function runWithPods(): Promise<number> {
  const { configPath, discoveries } = rewrite(join(option("storage.tsdb.path"), "discovery"));
  const argv = args.map((word) =>
    word.startsWith("--config.file=") ? `--config.file=${configPath}` : word,
  );
  const running = run(argv);
  let isOver = false;
  void running.finally(() => (isOver = true));
  while (!isOver) {
    // As Prometheus does, it says so and tries again.
    for (const discovery of discoveries) await discover(discovery).catch(console.error);
    await Promise.race([running, sleep(pollMs)]);
  }
  return (await running).code;
}

process.on("SIGTERM", () => undefined);
const first = await run(args);
process.exit(discoveryMissing.test(first.words) ? await runWithPods() : first.code);
