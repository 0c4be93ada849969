import * as pulumi from "@pulumi/pulumi";
import type { PlatformSettings } from "../contract.ts";
import { File, Process } from "../local/resources.ts";
import { platformPaths } from "../names.ts";
import type { DeclareOptions } from "./declare-options.ts";
import { installHint } from "./install-hint.ts";

/** Longer than any window that a check looks back on; a rollout keeps its own record. */
const retention = "6h";

/** The Prometheus of a platform on this machine. It scrapes Envoy, and the services that list themselves. */
export function declarePrometheus(
  stateDir: string,
  settings: PlatformSettings["prometheus"],
  envoyPort: pulumi.Input<number>,
  options: DeclareOptions,
): Process {
  const paths = platformPaths(stateDir);
  const config = pulumi
    .output(envoyPort)
    .apply((port) => JSON.stringify(configOf(settings, paths.targets, port), null, 1));
  const file = new File(
    "prometheus-config",
    { path: paths.prometheusConfig, content: config },
    options,
  );
  // Prometheus watches the directory of these files, which has to exist when it starts
  const targets = new File(
    "prometheus-targets",
    { path: `${paths.targets}/_platform.json`, content: "[]" },
    options,
  );
  return new Process(
    "prometheus",
    {
      directory: stateDir,
      name: "prometheus",
      command: settings.binary ?? "prometheus",
      ...(settings.binary === undefined ? { commandVariable: "UPRAMP_PROMETHEUS" } : {}),
      args: [
        `--config.file=${paths.prometheusConfig}`,
        `--storage.tsdb.path=${paths.prometheusData}`,
        `--storage.tsdb.retention.time=${retention}`,
        "--web.listen-address=127.0.0.1:{{ port }}",
        "--log.level=warn",
      ],
      env: {},
      cwd: stateDir,
      port: settings.port,
      portKey: "upramp:platform.prometheus.port",
      readinessPath: "/-/ready",
      readinessTimeoutMs: 30_000,
      stopGraceMs: 10_000,
      logFile: `${paths.logs}/prometheus.log`,
      installHint,
      restartOn: config,
    },
    { ...options, dependsOn: [...options.dependsOn, file, targets] },
  );
}

/** As JSON, which is YAML. */
function configOf(
  { scrapeInterval }: PlatformSettings["prometheus"],
  targets: string,
  envoyPort: number,
): object {
  return {
    global: { scrape_interval: `${scrapeInterval}ms`, scrape_timeout: `${scrapeInterval}ms` },
    scrape_configs: [
      {
        job_name: "envoy",
        metrics_path: "/stats/prometheus",
        static_configs: [{ targets: [`127.0.0.1:${envoyPort}`] }],
      },
      {
        job_name: "services",
        file_sd_configs: [{ files: [`${targets}/*.json`], refresh_interval: "5s" }],
      },
    ],
  };
}
